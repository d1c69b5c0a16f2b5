//! A group follows its triggers and its integration, in the same transaction.

use super::*;

/// A host without workers: the tests look at what is written.
async fn quiet(db: &TestDb) -> TestApp {
    TestApp::start_with(db, "roles = ['api']").await
}

async fn change(app: &mut TestApp, path: &str, change: Value) -> Value {
    let response = app.call("acme", Method::PATCH, path, Some(change)).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

async fn delete(app: &mut TestApp, path: &str) {
    let response = app.call("acme", Method::DELETE, path, None).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

async fn groups(app: &mut TestApp) -> Vec<Value> {
    app.all("acme", "/v1/poll-groups").await
}

on_both! {
    async fn a_group_comes_with_its_first_trigger_and_goes_with_its_last(db: &TestDb) {
        let mut app = quiet(db).await;
        let integration = integration(&mut app).await;
        assert!(groups(&mut app).await.is_empty());
        let first = trigger(&mut app, &integration, json!({})).await;
        let second = trigger(&mut app, &integration, json!({})).await;
        let one = group(&mut app).await;
        assert_eq!((&one["triggers"], &one["state"]), (&json!(2), &json!("waiting")));
        assert!(one["cursor_age_seconds"].is_null() && one["last_error"].is_null());
        delete(&mut app, &format!("/v1/triggers/{first}")).await;
        assert_eq!(group(&mut app).await["id"], one["id"]);
        delete(&mut app, &format!("/v1/triggers/{second}")).await;
        assert!(groups(&mut app).await.is_empty());

        // The deletion of an automation deletes its trigger.
        let third = trigger(&mut app, &integration, json!({})).await;
        assert_ne!(group(&mut app).await["id"], one["id"]);
        let third = app.get("acme", &format!("/v1/triggers/{third}")).await;
        let automation = text(&third["automation_id"]);
        delete(&mut app, &format!("/v1/automations/{automation}")).await;
        assert!(groups(&mut app).await.is_empty());
        app.stop().await;
    }

    async fn the_shortest_interval_wins_and_a_change_of_it_counts_from_the_last_poll(db: &TestDb) {
        let mut app = quiet(db).await;
        let integration = integration(&mut app).await;
        let slow = trigger(&mut app, &integration, json!({"poll_interval_seconds": 3000})).await;
        let default = app.get("acme", &format!("/v1/triggers/{slow}")).await;
        assert_eq!(default["poll_interval_seconds"], 3000);
        // The state after a poll that begins in a later year.
        db.execute("update poll_groups set due_at = 4102444800000000 + 3000000000, started_at = 4102444800000000").await;
        let due = async |app: &mut TestApp| text(&group(app).await["next_due_at"]);
        let hour = json!({"cron": "0 * * * *", "timezone": "Europe/Berlin"});
        let cron = trigger(&mut app, &integration, hour).await;
        assert_eq!(due(&mut app).await, "2100-01-01T00:50:00.000000Z");
        change(&mut app, &format!("/v1/triggers/{slow}"), json!({"poll_interval_seconds": 7200})).await;
        assert_eq!(due(&mut app).await, "2100-01-01T01:00:00.000000Z");
        let changed = change(&mut app, &format!("/v1/triggers/{cron}"), json!({"cron": "*/20 * * * *"})).await;
        assert_eq!(changed["timezone"], "Europe/Berlin");
        assert_eq!(due(&mut app).await, "2100-01-01T00:20:00.000000Z");
        let changed = change(&mut app, &format!("/v1/triggers/{cron}"), json!({"poll_interval_seconds": 600})).await;
        assert!(changed["cron"].is_null() && changed["timezone"].is_null());
        assert_eq!(due(&mut app).await, "2100-01-01T00:10:00.000000Z");
        let changed = change(&mut app, &format!("/v1/triggers/{cron}"), json!({"cron": "30 * * * *"})).await;
        assert!(changed["poll_interval_seconds"].is_null());
        assert_eq!(due(&mut app).await, "2100-01-01T00:30:00.000000Z");
        change(&mut app, &format!("/v1/triggers/{cron}"), json!({"enabled": false})).await;
        assert_eq!(due(&mut app).await, "2100-01-01T02:00:00.000000Z");
        app.stop().await;
    }

    async fn a_group_pauses_with_its_triggers_and_with_its_integration(db: &TestDb) {
        let mut app = quiet(db).await;
        let integration = integration(&mut app).await;
        let only = trigger(&mut app, &integration, json!({})).await;
        let id = text(&group(&mut app).await["id"]);
        let ask = format!("/v1/poll-groups/{id}/poll-now");
        let off = [
            (format!("/v1/triggers/{only}"), json!({"enabled": false}), json!({"enabled": true})),
            (format!("/v1/integrations/{integration}"), json!({"status": "suspended"}), json!({"status": "active"})),
        ];
        for (path, pause, resume) in off {
            change(&mut app, &path, pause).await;
            let paused = group(&mut app).await;
            assert_eq!((&paused["state"], &paused["next_due_at"]), (&json!("paused"), &Value::Null));
            let refused = app.call("acme", Method::POST, &ask, None).await;
            assert_eq!(refused.status(), StatusCode::CONFLICT);
            change(&mut app, &path, resume).await;
            let resumed = group(&mut app).await;
            assert_eq!((&resumed["state"], &resumed["id"]), (&json!("waiting"), &json!(id)));
            app.post("acme", &ask, json!({})).await;
        }
        app.stop().await;
    }

    /// Defect: the second deletion fails.
    async fn d15_integrations_can_be_deleted_one_after_the_other_and_take_their_groups(db: &TestDb) {
        let mut app = quiet(db).await;
        let (first, second) = (integration(&mut app).await, integration(&mut app).await);
        let moved = trigger(&mut app, &first, json!({})).await;
        trigger(&mut app, &second, json!({})).await;
        assert_eq!(groups(&mut app).await.len(), 2);
        // The trigger leaves its group, which ends, and joins the other.
        change(&mut app, &format!("/v1/triggers/{moved}"), json!({"integration_id": second})).await;
        assert_eq!(group(&mut app).await["triggers"], 2);
        change(&mut app, &format!("/v1/triggers/{moved}"), json!({"integration_id": first})).await;
        assert_eq!(groups(&mut app).await.len(), 2);
        for integration in [first, second] {
            delete(&mut app, &format!("/v1/integrations/{integration}")).await;
        }
        assert!(groups(&mut app).await.is_empty());
        app.stop().await;
    }

    async fn an_invalid_polling_trigger_is_refused_at_once(db: &TestDb) {
        let mut app = quiet(db).await;
        let integration = integration(&mut app).await;
        let errors = async |app: &mut TestApp, body: Value| {
            let response = app.call("acme", Method::POST, "/v1/triggers", Some(body)).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
            let problem: Value = response.json().await.unwrap();
            let errors = problem["errors"].as_array().unwrap().clone();
            let error = |error: &Value| format!("{}: {}", text(&error["pointer"]), text(&error["message"]));
            errors.iter().map(error).collect::<Vec<_>>()
        };
        let body = json!({"name": "t", "kind": "polling", "provider": "github", "schedule_id": "sch_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f"});
        assert_eq!(errors(&mut app, body).await, [
            "/schedule_id: a polling trigger has no such field",
            "/provider: does not poll",
            "/integration_id: expected the integration to poll",
        ]);
        let body = json!({"name": "t", "kind": "polling", "provider": "gmail", "integration_id": integration,
            "config": {"label": ["x"]}, "poll_interval_seconds": 9, "timezone": "UTC"});
        let found = errors(&mut app, body).await;
        assert!(found[0].starts_with("/config"), "{found:?}");
        assert_eq!(found[1..], [
            "/timezone: belongs to a cron",
            "/poll_interval_seconds: expected a number from 10 to 604800",
        ]);
        let body = json!({"name": "t", "kind": "polling", "provider": "gmail", "integration_id": integration,
            "cron": "*/5 * * * * *", "poll_interval_seconds": 60});
        assert_eq!(errors(&mut app, body).await, [
            "/cron: expected either a cron or a poll_interval_seconds",
            "/cron: polls more often than every 10 s",
        ]);
        let body = json!({"name": "t", "kind": "webhook", "provider": "github", "poll_interval_seconds": 60});
        assert_eq!(errors(&mut app, body).await, ["/poll_interval_seconds: a webhook trigger has no such field"]);
        assert!(groups(&mut app).await.is_empty());
        app.stop().await;
    }
}
