//! `triggerhouse inbox`: the operator sees and changes deliveries of every organization, and
//! of none.

use super::{fails, ok};
use serde_json::{Value, json};
use triggerhouse::domain::delivery::Disposition;
use triggerhouse::domain::{DeliveryId, TriggerId};
use triggerhouse::store::{PackedDelivery, Settlement};
use triggerhouse_tests::{Kind, TestDb, claim_deliveries};

use crate::store::{T0, completed, delivery};

/// A dead letter of no organization and one of `acme`.
async fn dead_letters(db: &TestDb) -> [DeliveryId; 2] {
    let store = db.store().await;
    let mut nobodys = delivery(TriggerId::new(), None, b"{}");
    nobodys.origin.org = None;
    let acmes = delivery(TriggerId::new(), None, b"{\"a\": 1}");
    let ids = [nobodys.id, acmes.id];
    let batch = [PackedDelivery::new(nobodys), PackedDelivery::new(acmes)];
    store.receive(&batch).await.unwrap();
    let lease = std::time::Duration::from_secs(60);
    assert_eq!(claim_deliveries(&store, T0, lease, 2).await.len(), 2);
    let failed = ids.map(|id| Settlement {
        disposition: Disposition::Failed {
            error: "broken".into(),
        },
        ..completed(id, 1, vec![])
    });
    store.settle(&failed, T0).await.unwrap();
    store.close().await;
    ids
}

#[tokio::test]
async fn deliveries_are_listed_shown_retried_and_discarded() {
    let db = TestDb::create(Kind::Sqlite).await;
    let [nobodys, acmes] = dead_letters(&db).await;
    let directory = db.directory.path();
    let inbox = async |arguments: &[&str]| {
        let all = [&["inbox"], arguments, &["--database-url", &db.url]].concat();
        ok(directory, &all).await
    };
    let listed = inbox(&["list"]).await;
    assert!(
        listed.contains(&nobodys.to_string()) && listed.contains(&acmes.to_string()),
        "{listed}"
    );
    let ownerless = inbox(&["list", "--ownerless"]).await;
    assert!(ownerless.contains(&nobodys.to_string()), "{ownerless}");
    assert!(!ownerless.contains(&acmes.to_string()), "{ownerless}");
    let shown: Value = serde_json::from_str(&inbox(&["show", &acmes.to_string()]).await).unwrap();
    assert_eq!(shown["organization"], "acme");
    assert_eq!(shown["delivery"]["body"], json!("{\"a\": 1}"));

    inbox(&["retry", &nobodys.to_string()]).await;
    let pending = inbox(&["list", "--status", "pending"]).await;
    assert!(pending.contains(&nobodys.to_string()), "{pending}");
    let again = [
        "inbox",
        "retry",
        &nobodys.to_string(),
        "--database-url",
        &db.url,
    ];
    let refused = fails(directory, &again).await;
    assert!(refused.contains("is pending"), "{refused}");
    assert_eq!(
        inbox(&["discard", "--all"]).await.trim(),
        "discarded 1 failed deliveries"
    );
    let discarded = inbox(&["list", "--status", "discarded"]).await;
    assert!(discarded.contains(&acmes.to_string()), "{discarded}");
    db.remove().await;
}
