//! Each mail becomes an event of each trigger that wants it.

use super::*;

on_both! {
    async fn new_mail_becomes_runs_and_older_mail_starts_none(db: &TestDb) {
        let gmail = GmailServer::start().await;
        gmail.receive(3, "Before");
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        let all = trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        let config = json!({"poll_interval_seconds": 3600, "config": {"subject": ["Invoice"]}});
        let some = trigger(&mut app, &integration, config).await;
        polled_since(&mut app, &json!({})).await;
        assert!(app.all("acme", "/v1/events").await.is_empty());

        gmail.receive(2, "Invoice");
        gmail.receive(1, "Greetings");
        poll(&mut app).await;
        let events = app.all("acme", "/v1/events").await;
        let of = |trigger: &str, status: &str| {
            let its = events.iter().filter(|event| event["trigger_id"] == trigger && event["status"] == status);
            its.map(|event| text(&event["title"])).collect::<Vec<_>>()
        };
        assert_eq!(of(&all, "queued"), ["Greetings 0", "Invoice 1", "Invoice 0"]);
        assert_eq!(of(&some, "queued"), ["Invoice 1", "Invoice 0"]);
        assert_eq!(of(&some, "skipped"), ["Greetings 0"]);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 5);
        let claim = json!({"max": 100, "lease_seconds": 60});
        let claimed = app.post("acme", "/v1/outbox/claim", claim).await;
        assert_eq!(claimed["items"].as_array().unwrap().len(), 5);
        poll(&mut app).await;
        assert_eq!(app.all("acme", "/v1/events").await.len(), 6);
        app.stop().await;
    }

    async fn a_trigger_that_is_created_during_a_page_sees_all_later_mail(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        let hour = json!({"poll_interval_seconds": 3600});
        trigger(&mut app, &integration, hour.clone()).await;
        polled_since(&mut app, &json!({})).await;
        let before = group(&mut app).await;
        gmail.receive(1, "Early");
        gmail.hold_after(1);
        app.post("acme", &format!("/v1/poll-groups/{}/poll-now", text(&before["id"])), json!({})).await;
        gmail.held().await;
        let late = trigger(&mut app, &integration, hour).await;
        gmail.receive(1, "Late");
        gmail.release();
        polled_since(&mut app, &before).await;
        let seen = app.all("acme", &format!("/v1/events?trigger_id={late}")).await;
        let titles: Vec<String> = seen.iter().map(|event| text(&event["title"])).collect();
        assert!(titles.contains(&"Late 0".into()), "{titles:?}");
        app.stop().await;
    }
}
