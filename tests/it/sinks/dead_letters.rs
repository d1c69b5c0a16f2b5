use super::*;
use reqwest::{Method, StatusCode};
use triggerhouse_tests::on_both;
use triggerhouse_tests::receiver::Answer;

/// A host with `count` dead letters.
async fn failed(db: &TestDb, receiver: &Receiver, count: usize) -> (TestApp, Vec<String>) {
    let more = "give_up_seconds = 1\ncircuit_failures = 1000";
    let (mut app, _, _) = with_sink(db, receiver, more).await;
    let messages = start_runs(&mut app, "acme", count).await;
    all_sent(db).await;
    (app, messages)
}

async fn statuses(app: &mut TestApp, status: &str) -> usize {
    let path = format!("/v1/outbox?status={status}");
    app.all("acme", &path).await.len()
}

on_both! {
    async fn a_dead_letter_can_be_retried_and_handed_over(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(500)).await;
        let (mut app, messages) = failed(db, &receiver, 1).await;
        let tried = receiver.count();
        assert!(tried > 1, "as often as there was time");
        let dead = app.all("acme", "/v1/outbox?status=failed").await.remove(0);
        assert_eq!((&dead["id"], &dead["attempt"]), (&json!(messages[0]), &json!(tried)));
        assert_eq!(dead["error"], "the endpoint answered 500");
        let run = format!("/v1/runs/{}", text(&dead["run_id"]));
        let error = app.get("acme", &run).await["run"]["error"].clone();
        assert_eq!(error, "not handed over: the endpoint answered 500");
        assert_eq!(app.get("acme", &run).await["run"]["status"], "failed");

        let path = format!("/v1/outbox/{}/retry", messages[0]);
        assert_eq!(app.call("other", Method::POST, &path, None).await.status(), StatusCode::NOT_FOUND);
        let again = app.call("acme", Method::POST, &path, None).await;
        assert_eq!(again.status(), StatusCode::OK);
        let history = app.get("acme", &run).await["history"].clone();
        let step = history.as_array().unwrap().iter().find(|step| step["to"] == "queued").cloned().unwrap();
        assert_eq!((&step["from"], &step["reason"]), (&json!("failed"), &json!("retried")));
        assert!(text(&step["actor"]).starts_with("key_"), "{step}");
        all_sent(db).await;
        let attempts: Vec<String> = receiver.received().iter().map(|one| one.header("triggerhouse-attempt").to_owned()).collect();
        assert!(attempts.len() > tried + 1, "its time begins again");
        let numbers: Vec<String> = (1..=attempts.len()).map(|number| number.to_string()).collect();
        assert_eq!(attempts, numbers, "no attempt number repeats");
        receiver.answer(Answer::Status(200));
        app.call("acme", Method::POST, &path, None).await;
        all_sent(db).await;
        assert_eq!(statuses(&mut app, "dispatched").await, 1);
        let seen = app.get("acme", &run).await;
        assert_eq!((&seen["run"]["status"], &seen["run"]["error"]), (&json!("queued"), &Value::Null));
        let event = app.get("acme", &format!("/v1/events/{}", text(&seen["run"]["event_id"]))).await;
        assert_eq!((&event["event"]["status"], &event["event"]["processed_at"]), (&json!("queued"), &Value::Null));
        let refused = app.call("acme", Method::POST, &path, None).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "it was handed over");
        app.stop().await;
    }

    async fn a_discarded_message_stays_discarded(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(500)).await;
        let (mut app, messages) = failed(db, &receiver, 1).await;
        let path = |what: &str| format!("/v1/outbox/{}/{what}", messages[0]);
        let discarded = app.call("acme", Method::POST, &path("discard"), None).await;
        let discarded: Value = discarded.json().await.unwrap();
        assert_eq!(discarded["message"]["status"], "discarded");
        for what in ["retry", "discard"] {
            let refused = app.call("acme", Method::POST, &path(what), None).await;
            assert_eq!(refused.status(), StatusCode::CONFLICT, "{what}");
        }
        app.stop().await;
    }

    async fn dead_letters_are_retried_and_discarded_together(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(500)).await;
        let (mut app, _) = failed(db, &receiver, 6).await;
        let dead = app.all("acme", "/v1/outbox?status=failed").await;
        // The list is newest first, so these were written first.
        let until = dead[3]["created_at"].clone();
        let path = |what: &str| format!("/v1/outbox/{what}");
        let none = app.post("other", &path("discard"), json!({})).await;
        assert_eq!(none, json!({"changed": 0, "more": false}), "another organization has none");
        let discarded = app.post("acme", &path("discard"), json!({"until": until})).await;
        assert_eq!(discarded, json!({"changed": 2, "more": false}));
        // A run that a person has resolved is not handed over.
        let resolve = format!("/v1/runs/{}/resolve", text(&dead[0]["run_id"]));
        app.post("acme", &resolve, json!({"outcome": "succeeded", "reason": "done by hand"})).await;
        let refused = app.call("acme", Method::POST, &path(&format!("{}/retry", text(&dead[0]["id"]))), None).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        receiver.answer(Answer::Status(200));
        let retried = app.post("acme", &path("retry"), json!({})).await;
        assert_eq!(retried, json!({"changed": 3, "more": false}));
        all_sent(db).await;
        for (status, count) in [("dispatched", 3), ("discarded", 2), ("failed", 1)] {
            assert_eq!(statuses(&mut app, status).await, count, "{status}");
        }
        app.stop().await;
    }
}
