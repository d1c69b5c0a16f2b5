use super::packed;
use triggerhouse::domain::TriggerId;
use triggerhouse_tests::{Kind, TestDb, on_both};

const ROUNDS: usize = 20;

on_both! {
    async fn a_delivery_without_a_row_is_an_error(db: &TestDb) {
        let store = db.store().await;
        // The database drops the row silently, so no row explains the missing insert.
        db.execute(match db.kind {
            Kind::Sqlite => "create trigger lose before insert on inbox begin select raise(ignore); end",
            Kind::Postgres => "create function lose() returns trigger language plpgsql as 'begin return null; end';
                create trigger lose before insert on inbox for each row execute function lose()",
        }).await;
        let trigger = TriggerId::new();
        for key in [Some("k"), None] {
            let error = store.receive(&[packed(trigger, key)]).await.unwrap_err();
            assert!(error.is_transient(), "{error}");
        }
        store.close().await;
    }

    async fn answers_have_the_order_of_the_deliveries(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let first: Vec<_> = (0..20).map(|n| packed(trigger, Some(&format!("k{n}")))).collect();
        let stored = store.receive(&first).await.unwrap();
        let mixed: Vec<_> = (0..30).map(|n| packed(trigger, Some(&format!("k{n}")))).collect();
        for (n, again) in store.receive(&mixed).await.unwrap().iter().enumerate() {
            assert_eq!(again.duplicate, n < 20);
            if let Some(first) = stored.get(n) {
                assert_eq!(again.id, first.id);
            }
        }
        let same = store.receive(&first).await.unwrap();
        assert_eq!(same, stored, "a second try of the same deliveries is no repetition");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_receive_the_same_deliveries_never_deadlock() {
    let db = TestDb::create(Kind::Postgres).await;
    let (one, two) = (db.store().await, db.store().await);
    let trigger = TriggerId::new();
    for round in 0..ROUNDS {
        let batch = |number: usize| packed(trigger, Some(&format!("{round}-{number}")));
        let forward: Vec<_> = (0..100).map(batch).collect();
        let backward: Vec<_> = (0..100).rev().map(batch).collect();
        let (a, b) = tokio::join!(one.receive(&forward), two.receive(&backward));
        let stored = a.unwrap().into_iter().chain(b.unwrap());
        assert_eq!(stored.filter(|stored| stored.duplicate).count(), 100);
    }
    one.close().await;
    two.close().await;
    db.remove().await;
}
