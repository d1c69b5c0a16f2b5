//! The offset of a host's clock to the database's.

use triggerhouse_tests::{Kind, TestDb, app, eventually, process};

const OFFSET: &str = "triggerhouse_clock_offset_seconds ";

async fn shown_offset(port: u16) -> Option<f64> {
    let url = format!("http://127.0.0.1:{port}/metrics");
    let text = triggerhouse_tests::client().get(url).send().await.unwrap();
    let text = text.text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(OFFSET))?;
    Some(value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_shows_in_the_metrics() {
    let db = TestDb::create(Kind::Postgres).await;
    let name = db.url.rsplit_once('/').unwrap().1.to_owned();
    // The database's clock goes five seconds ahead.
    db.execute(&format!(
        "create function clock_timestamp() returns timestamptz language sql volatile as $$
            select pg_catalog.clock_timestamp() + interval '5 s' $$;
         alter database {name} set search_path = public, pg_catalog"
    ))
    .await;
    let port = app::free_port();
    let mut child = process::serve(&db, port, &[]);
    app::ready(&triggerhouse_tests::client(), port).await;
    let mut offset = 0.0;
    eventually("the offset", async || match shown_offset(port).await {
        Some(shown) => {
            offset = shown;
            true
        }
        None => false,
    })
    .await;
    assert!((-5.0..-4.0).contains(&offset), "{offset}");
    child.kill().await.unwrap();
    db.remove().await;
}
