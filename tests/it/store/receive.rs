use super::{T0, delivery, org, packed};
use std::time::Duration;
use triggerhouse::domain::TriggerId;
use triggerhouse::store::PackedDelivery;
use triggerhouse_tests::{claim_deliveries, on_both};

on_both! {
    async fn a_body_is_stored_byte_for_byte(db: &TestDb) {
        let store = db.store().await;
        let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let bodies: Vec<Vec<u8>> = vec![
            Vec::new(),
            b"{\"a\":\"\\u0000\",\"b\":\"\0\"}".to_vec(),
            vec![0xff, 0xfe, 0x00, 0x80],
            nested.into_bytes(),
            "x".repeat(100_000).into_bytes(),
        ];
        let trigger = TriggerId::new();
        let deliveries: Vec<_> = bodies
            .iter()
            .map(|body| PackedDelivery::new(delivery(trigger, None, body)))
            .collect();
        store.receive(&deliveries).await.unwrap();
        let claimed = claim_deliveries(&store, T0, Duration::from_secs(60), 100).await;
        let stored: Vec<_> = claimed.into_iter().map(|delivery| delivery.body).collect();
        assert_eq!(stored, bodies);
    }

    async fn a_repeated_delivery_gets_the_id_of_the_first(db: &TestDb) {
        let store = db.store().await;
        let (trigger, other) = (TriggerId::new(), TriggerId::new());
        let first = store.receive(&[packed(trigger, Some("k1"))]).await.unwrap()[0];
        assert!(!first.duplicate);
        let batch = [packed(trigger, Some("k1")), packed(trigger, Some("k2")), packed(other, Some("k1")), packed(trigger, None), packed(trigger, None)];
        let stored = store.receive(&batch).await.unwrap();
        let duplicates: Vec<_> = stored.iter().map(|stored| stored.duplicate).collect();
        assert_eq!(duplicates, [true, false, false, false, false], "per source, and only where there is an id");
        assert_eq!(stored[0].id, first.id);
        let claimed = claim_deliveries(&store, T0, Duration::from_secs(60), 100).await;
        assert_eq!(claimed.len(), 5);
    }

    async fn a_delivery_repeated_within_one_batch_is_stored_once(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let stored = store.receive(&[packed(trigger, Some("k")), packed(trigger, Some("k"))]).await.unwrap();
        assert_eq!(stored.iter().filter(|stored| stored.duplicate).count(), 1);
        assert_eq!(stored[0].id, stored[1].id);
    }

    async fn the_same_batch_written_again_after_a_lost_answer_changes_nothing(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let batch = [packed(trigger, Some("k1")), packed(trigger, None)];
        let first = store.receive(&batch).await.unwrap();
        assert_eq!(store.receive(&batch).await.unwrap(), first);
        assert_eq!(claim_deliveries(&store, T0, Duration::from_secs(60), 100).await.len(), 2);
    }

    async fn contents_can_be_read_back_by_their_organization_only(db: &TestDb) {
        let store = db.store().await;
        let id = store.receive(&[packed(TriggerId::new(), Some("k"))]).await.unwrap()[0].id;
        let content = store.delivery_content(&org(), id).await.unwrap().unwrap();
        assert_eq!(content.body.as_deref(), Some("{}"));
        assert_eq!(content.query, "a=b");
        assert_eq!(content.headers[0].name, "x-test");
        assert_eq!(content.delivery.delivery_key.as_deref(), Some("k"));
        let other = "other".parse().unwrap();
        assert!(store.delivery_content(&other, id).await.unwrap().is_none());
    }
}
