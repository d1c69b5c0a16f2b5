use triggerhouse::store::{Store, StoreOptions};
use triggerhouse_tests::on_both;

on_both! {
    async fn several_processes_may_migrate_a_fresh_database_at_once(db: &TestDb) {
        let starts: Vec<_> = (0..8).map(|_| {
            let url = db.url.clone();
            tokio::spawn(async move {
                let options = StoreOptions { connections_max: 3, ..StoreOptions::default() };
                let store = Store::open(&url, &options).await.unwrap();
                store.migrate().await.unwrap();
                store.close().await;
            })
        }).collect();
        for start in starts {
            start.await.unwrap();
        }
    }
}
