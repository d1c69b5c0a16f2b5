//! Misbehaving providers, and the worker that polls with them.

use super::*;
use triggerhouse_tests::{eventually, files};

/// A host whose provider `poller` follows the script in its cursor.
async fn scripted(db: &TestDb, gmail: &GmailServer, more: &str) -> TestApp {
    let address = gmail.address;
    let guest = files::guest("guest_poller");
    let providers = format!(
        "[[providers]]\ncomponent = '{}'\nallow_hosts = ['{address}']\n\
         settings = {{ base_url = 'http://{address}' }}\n",
        guest.display()
    );
    TestApp::start_with(db, &format!("{QUICK}{more}\n{providers}")).await
}

/// Creates a group of the provider; returns its id.
async fn grouped(app: &mut TestApp) -> String {
    let integration = app
        .post("acme", "/v1/integrations", json!({"provider": "poller"}))
        .await;
    let body = json!({"name": "t", "kind": "polling", "provider": "poller", "poll_interval_seconds": 3600,
        "integration_id": integration["integration"]["id"]});
    app.post("acme", "/v1/triggers", body).await;
    let groups = app.all("acme", "/v1/poll-groups").await;
    text(&groups[0]["id"])
}

async fn see(app: &mut TestApp, id: &str) -> Value {
    app.get("acme", &format!("/v1/poll-groups/{id}")).await["poll_group"].clone()
}

/// Writes a script into the cursor of the only group and polls it.
async fn run(db: &TestDb, app: &mut TestApp, id: &str, script: Value) {
    eventually("a first poll", async || {
        see(app, id).await["polled_at"].is_string()
    })
    .await;
    db.execute(&format!("update poll_groups set cursor = '{script}'"))
        .await;
    app.post("acme", &format!("/v1/poll-groups/{id}/poll-now"), json!({}))
        .await;
}

on_both! {
    async fn a_provider_that_makes_no_progress_waits_for_its_next_poll(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = scripted(db, &gmail, "").await;
        let id = grouped(&mut app).await;
        run(db, &mut app, &id, json!({"do": "circle"})).await;
        let waits = "select count(*) from poll_groups where epoch = 2 and lease_until is null and due_at > started_at + 3000000000";
        eventually("an hour to wait", async || db.number(waits).await == 1).await;
        app.stop().await;
    }

    async fn a_group_that_is_never_done_yields_to_others(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let one_at_a_time = "[engine]\npoll_instances = 1";
        let mut app = scripted(db, &gmail, &format!("pages_max = 2\n{one_at_a_time}")).await;
        let endless = grouped(&mut app).await;
        run(db, &mut app, &endless, json!({"do": "endless"})).await;
        eventually("more than a turn", async || db.number("select count(*) from events").await > 6).await;
        let other = grouped(&mut app).await;
        eventually("the other's turn", async || see(&mut app, &other).await["polled_at"].is_string()).await;
        let before = db.number("select count(*) from events").await;
        eventually("the first one's again", async || db.number("select count(*) from events").await > before + 4).await;
        app.stop().await;
        let doubled = "select count(*) - count(distinct dedup_key) from events where dedup_key like 'endless:%'";
        assert_eq!(db.number(doubled).await, 0);
    }

    async fn a_failure_in_a_provider_is_visible_and_costs_other_groups_nothing(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = scripted(db, &gmail, "[engine]\npoll_cpu_ms = 1000").await;
        let id = grouped(&mut app).await;
        for (script, expected) in [
            (json!({"do": "trap"}), "the provider trapped (panic)"),
            (json!({"do": "loop"}), "the provider computed for more than 1000 ms"),
            (json!({"do": "title"}), "3000 bytes of title"),
            (json!({"do": "unavailable"}), "unavailable: "),
            (json!({"do": "invalid_cursor"}), "invalid cursor: "),
        ] {
            run(db, &mut app, &id, script.clone()).await;
            eventually("an error", async || {
                let error = see(&mut app, &id).await["last_error"].clone();
                error.as_str().is_some_and(|error| error.contains(expected))
            }).await;
            assert!(see(&mut app, &id).await["failures"].as_i64() > Some(0), "{script}");
        }
        // Only a person can fix an unknown cursor.
        let before = db.number("select count(*) from events").await;
        let reset = json!({"reset_cursor": true});
        app.post("acme", &format!("/v1/poll-groups/{id}/poll-now"), reset).await;
        eventually("a poll that succeeds", async || see(&mut app, &id).await["failures"] == 0).await;
        assert_eq!(db.texts("select cursor from poll_groups").await, ["1"]);
        assert_eq!(db.number("select count(*) from events").await, before, "its key was taken");
        // A credential is refused although the integration has none.
        run(db, &mut app, &id, json!({"do": "unauthorized"})).await;
        eventually("a pause", async || see(&mut app, &id).await["state"] == "paused").await;
        assert_eq!(see(&mut app, &id).await["integration_status"], "needs_reauth");
        app.stop().await;
    }
}
