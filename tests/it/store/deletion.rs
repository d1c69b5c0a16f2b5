use super::{LIMITS, T0, org};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use std::time::{Duration, Instant};
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

/// Creates a trigger with a URL.
pub async fn create(store: &Store, automation: AutomationId) -> TriggerId {
    let new = trigger(automation);
    store.create_trigger(&org(), &new, T0).await.unwrap().id
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

/// Ten thousand triggers, each with a secret and a tick that is due.
const TEN_THOUSAND: &str = "
    insert into triggers (id, org_id, automation_id, name, provider, kind, config, enabled, token,
        cron, timezone, missed_ticks, due_at, created_at, updated_at)
    select gen_random_uuid(), a.org_id, a.id, 't', 'scheduled', 'scheduled', '{}', n > 1000,
        'token-' || n, '0 * * * *', 'UTC', 'skip', 1, 1, 1
    from automations a, generate_series(1, 10000) as n;
    insert into webhook_secrets (id, subject, sealed, created_at)
    select gen_random_uuid(), id, '', 1 from triggers;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_with_ten_thousand_triggers_is_deleted_over_a_slow_wire() {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    let id = automation(&store).await;
    store.close().await;
    db.execute(TEN_THOUSAND).await;
    // No tick is due: their events are limited by other tests.
    db.execute("update triggers set due_at = null").await;
    let (by_wire, _wire) = db.over_wire(Duration::from_millis(1)).await;
    let store = by_wire.store().await;
    let begun = Instant::now();
    assert!(
        store
            .delete_automation(&org(), id, LIMITS, T0)
            .await
            .unwrap()
    );
    let took = begun.elapsed();
    // One statement per trigger would take 20 s by the wire alone.
    assert!(took < Duration::from_secs(5), "{took:?}");
    for table in ["webhook_secrets", "triggers where deleted_at is null"] {
        assert_eq!(
            db.number(&format!("select count(*) from {table}")).await,
            0,
            "{table}"
        );
    }
    let noted = "select count(*) from route_changes where revision = (
        select value from counters where name = 'routes')";
    assert_eq!(db.number(noted).await, 10_000);
    store.close().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_that_a_deletion_fires_are_written_in_limited_transactions() {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    let id = automation(&store).await;
    db.execute(TEN_THOUSAND).await;
    db.execute("update triggers set due_at = 1799996400000000 where token < 'token-3'")
        .await;
    db.execute("update triggers set due_at = null where due_at = 1")
        .await;
    let due = db
        .number("select count(*) from triggers where due_at is not null and enabled")
        .await;
    assert!(due > 1_000, "{due}");
    assert!(
        store
            .delete_automation(&org(), id, LIMITS, T0)
            .await
            .unwrap()
    );
    let largest =
        "select max(n) from (select count(*) as n from events group by xmin) as by_transaction";
    let largest = db.number(largest).await;
    let max = i64::try_from(LIMITS.events_max).unwrap();
    assert!(largest <= max, "{largest}");
    assert_eq!(
        db.number("select count(distinct trigger_id) from events")
            .await,
        due
    );
    assert_eq!(
        db.number("select count(*) from triggers where deleted_at is null")
            .await,
        0
    );
    store.close().await;
    db.remove().await;
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
