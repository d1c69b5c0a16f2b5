//! Deliveries that are too large for one transaction, and deliveries that the database
//! refuses, on a running host.

use reqwest::StatusCode;
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github, on_both};

const SECRET: &str = "s3cret";

/// An integration of `echo` with one trigger for each of these configurations; its URL.
async fn integration(app: &mut TestApp, configs: &[Value]) -> String {
    let body = json!({"provider": "echo", "secret": SECRET});
    let id = text(&app.post("acme", "/v1/integrations", body).await["integration"]["id"]);
    for config in configs {
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook",
            "integration_id": id, "config": config});
        app.post("acme", "/v1/triggers", body).await;
    }
    format!("{}/webhooks/direct/echo/{id}", app.url)
}

/// Events with these keys.
async fn send(app: &TestApp, url: &str, keys: impl Iterator<Item = String>) {
    let events: Vec<_> = keys
        .map(|key| json!({"dedup_key": key, "kind": "a", "title": "A title"}))
        .collect();
    let body = json!({ "events": events }).to_string();
    let request = app.http.post(url).header(
        "x-echo-signature",
        github::signature(SECRET, body.as_bytes()),
    );
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

/// Makes the database refuse events with this key.
async fn poison(db: &TestDb, key: &str) {
    let sql = match db.kind {
        Kind::Sqlite => format!(
            "create trigger poison before insert on events when new.dedup_key = '{key}'
             begin select raise(abort, 'poison'); end"
        ),
        Kind::Postgres => format!(
            "create function poison() returns trigger language plpgsql as
                $$ begin raise 'poison'; end $$;
             create trigger poison before insert on events for each row
                when (new.dedup_key = '{key}') execute function poison()"
        ),
    };
    db.execute(&sql).await;
}

on_both! {
    async fn a_delivery_too_large_for_one_transaction_is_settled_in_parts(db: &TestDb) {
        let limits = "[inbox]\nsettle_events_max = 40\nsettle_bytes_max = 20000";
        let mut app = TestApp::start_with(db, limits).await;
        let wanted = json!({});
        let unwanted = json!({"kinds": ["b"]});
        let url = integration(&mut app, &[wanted.clone(), unwanted.clone(), wanted, unwanted]).await;
        send(&app, &url, (0..100).map(|number| format!("large{number}"))).await;
        for number in 0..10 {
            send(&app, &url, std::iter::once(format!("small{number}"))).await;
        }
        app.settled().await;
        assert_eq!(db.number("select count(*) from events").await, 4 * 110);
        assert_eq!(db.number("select count(*) from runs").await, 2 * 110);
        assert_eq!(db.number("select count(*) from outbox").await, 2 * 110);
        let twice = "select count(*) from (select 1 from events group by trigger_id, dedup_key having count(*) > 1) as twice";
        assert_eq!(db.number(twice).await, 0);
        let outcomes = "select outcome from inbox where outcome like '%400%'";
        assert_eq!(db.texts(outcomes).await, ["200 of 400 wanted"]);
        if db.kind == Kind::Postgres {
            let largest = "select max(n) from (select count(*) as n from events group by xmin) as by_transaction";
            let largest = db.number(largest).await;
            assert!(largest <= 40, "{largest} events in one transaction");
        }
        app.stop().await;
    }

    async fn a_delivery_that_the_database_refuses_holds_up_no_other(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let url = integration(&mut app, &[json!({}), json!({})]).await;
        poison(db, "poison").await;
        for number in 0..20 {
            send(&app, &url, std::iter::once(format!("before{number}"))).await;
            if number % 10 == 5 {
                send(&app, &url, ["poison".to_owned(), format!("beside{number}")].into_iter()).await;
            }
        }
        let runs = "select count(*) from runs";
        eventually("the runs of the others", async || db.number(runs).await == 40).await;
        app.settled().await;
        assert_eq!(db.number("select count(*) from inbox where error like '%poison%'").await, 2);
        assert_eq!(db.number(runs).await, 40);
        app.stop().await;
    }
}
