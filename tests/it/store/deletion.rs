use super::{LIMITS, T0, org};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use triggerhouse::domain::resource::TriggerKind;
use triggerhouse::domain::{AutomationId, TriggerId};
use triggerhouse::store::{
    NewTrigger, SealedSecret, Store, StoreError, TriggerAutomation, WebhookEndpoint,
};
use triggerhouse_tests::{Kind, TestDb, eventually, on_both};

fn trigger(automation: AutomationId) -> NewTrigger {
    let id = TriggerId::new();
    NewTrigger {
        id,
        automation: TriggerAutomation::Existing(automation),
        name: "t".into(),
        provider: "echo".into(),
        kind: TriggerKind::Webhook,
        integration: None,
        config: json!({}),
        enabled: true,
        endpoint: Some(WebhookEndpoint {
            token: id.to_string(),
            secret: SealedSecret {
                id: uuid::Uuid::now_v7(),
                sealed: vec![1, 2, 3],
                expires_at: None,
            },
        }),
        clock: None,
        poll: None,
    }
}

async fn automation(store: &Store) -> AutomationId {
    store
        .create_key(&org(), "test", b"hash", "hint", T0)
        .await
        .unwrap();
    let created = store.create_automation(&org(), "a", true, T0).await;
    created.unwrap().id
}

on_both! {
    async fn deleting_an_automation_deletes_its_triggers_secrets(db: &TestDb) {
        let store = db.store().await;
        let id = automation(&store).await;
        for _ in 0..3 {
            store.create_trigger(&org(), &trigger(id), T0).await.unwrap();
        }
        assert_eq!(db.number("select count(*) from webhook_secrets").await, 3);
        assert!(store.delete_automation(&org(), id, LIMITS, T0).await.unwrap());
        assert_eq!(db.number("select count(*) from webhook_secrets").await, 0);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trigger_is_created_while_its_automation_is_being_deleted() {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    let id = automation(&store).await;
    let mut deleting = PgConnection::connect(&db.url).await.unwrap();
    deleting.execute("begin").await.unwrap();
    deleting
        .execute("update automations set deleted_at = 1")
        .await
        .unwrap();
    let creating = {
        let store = store.clone();
        tokio::spawn(async move { store.create_trigger(&org(), &trigger(id), T0).await })
    };
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    eventually("a wait, or an end", async || {
        creating.is_finished() || db.number(waiting).await > 0
    })
    .await;
    deleting.execute("commit").await.unwrap();
    let created = creating.await.unwrap();
    assert!(
        matches!(created, Err(StoreError::Missing { .. })),
        "{created:?}"
    );
    store.close().await;
    db.remove().await;
}
