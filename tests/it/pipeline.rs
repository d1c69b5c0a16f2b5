//! From the acknowledgment to the hand-off.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{Kind, TestApp, claim_deliveries, eventually, github, on_both};

async fn echo(app: &TestApp, hook: &Hook, body: Value) -> String {
    let body = body.to_string().into_bytes();
    let response = app
        .http
        .post(&hook.url)
        .header("x-echo-signature", github::signature(&hook.secret, &body))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    text(&response.json::<Value>().await.unwrap()["id"])
}

fn event(key: &str, kind: &str) -> Value {
    json!({"dedup_key": key, "kind": kind, "title": format!("Title of {key}"), "facts": {"n": 1}})
}

on_both! {
    async fn a_signed_github_delivery_becomes_a_run_that_a_consumer_acknowledges(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({"events": ["issues.opened"]})).await;
        let body = github::issue("opened", 7);
        let sent = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d-7", &body).send().await.unwrap();
        let delivery = text(&sent.json::<Value>().await.unwrap()["id"]);

        let claim = json!({"max": 10, "lease_seconds": 30, "wait_seconds": 20});
        let claimed = app.post("acme", "/v1/outbox/claim", claim).await;
        let message = &claimed["items"][0];
        assert_eq!(message["kind"], "enqueue_enrich");
        assert_eq!(message["attempt"], 1);
        let (run, event) = (text(&message["payload"]["run_id"]), text(&message["payload"]["event_id"]));

        let seen = app.get("acme", &format!("/v1/events/{event}")).await;
        assert_eq!(seen["event"]["kind"], "issues.opened");
        assert_eq!(seen["event"]["status"], "queued");
        assert_eq!(seen["event"]["dedup_key"], "github:d-7");
        assert_eq!(seen["event"]["actor"], "octocat");
        assert_eq!(seen["event"]["delivery_id"], delivery);
        assert_eq!(seen["run"]["id"], run);
        assert_eq!(app.get("acme", &format!("/v1/runs/{run}")).await["run"]["status"], "queued");

        let ack = format!("/v1/outbox/{}/ack", text(&message["id"]));
        app.post("acme", &ack, json!({"lease_token": message["lease_token"]})).await;
        let again = app.call("acme", Method::POST, &ack, Some(json!({"lease_token": message["lease_token"]}))).await;
        assert_eq!(again.status(), StatusCode::CONFLICT);
        let inbox = app.get("acme", &format!("/v1/inbox/{delivery}")).await;
        assert_eq!(inbox["delivery"]["status"], "completed");
        assert_eq!(inbox["delivery"]["body"].as_str().unwrap().as_bytes(), body);
        assert!(!inbox.to_string().contains("x-hub-signature"), "signatures are not kept");
        app.stop().await;
    }

    async fn a_mismatch_is_a_visible_skip_that_names_the_field(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({"labels": ["security"]})).await;
        let body = github::issue("opened", 1);
        github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body).send().await.unwrap();
        app.settled().await;
        let events = app.all("acme", &format!("/v1/events?trigger_id={}", hook.trigger)).await;
        assert_eq!(events[0]["status"], "skipped");
        assert_eq!(events[0]["skip_reason"], "filter_mismatch");
        assert!(text(&events[0]["skip_detail"]).starts_with("labels"), "{}", events[0]);
        assert!(app.all("acme", "/v1/runs").await.is_empty());
        app.stop().await;
    }

    async fn a_disabled_automation_skips_visibly_and_a_disabled_trigger_sees_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let trigger = format!("/v1/triggers/{}", hook.trigger);
        let automation = text(&app.get("acme", &trigger).await["automation_id"]);
        let automation = format!("/v1/automations/{automation}");
        app.call("acme", Method::PATCH, &automation, Some(json!({"enabled": false}))).await;
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/events").await[0]["skip_reason"], "automation_disabled");

        app.call("acme", Method::PATCH, &automation, Some(json!({"enabled": true}))).await;
        app.call("acme", Method::PATCH, &trigger, Some(json!({"enabled": false}))).await;
        let id = echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        let delivery = app.get("acme", &format!("/v1/inbox/{id}")).await;
        assert_eq!(delivery["delivery"]["status"], "completed");
        assert_eq!(delivery["delivery"]["outcome"], "no active trigger");

        app.call("acme", Method::PATCH, &trigger, Some(json!({"enabled": true}))).await;
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1, "the skip left the key free");
        app.stop().await;
    }

    async fn an_integration_delivery_reaches_all_of_its_triggers(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "echo", "secret": "s3cret", "account": "a-1"});
        let integration = text(&app.post("acme", "/v1/integrations", body).await["integration"]["id"]);
        for kinds in [json!(["a"]), json!(["b"]), json!([])] {
            let body = json!({"name": "t", "provider": "echo", "kind": "webhook",
                "integration_id": integration, "config": {"kinds": kinds}});
            app.post("acme", "/v1/triggers", body).await;
        }
        let hook = Hook {
            trigger: String::new(),
            url: format!("{}/webhooks/direct/echo/{integration}", app.url),
            secret: "s3cret".into(),
        };
        echo(&app, &hook, json!({"events": [event("k1", "a"), event("k2", "b")]})).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 4);
        assert_eq!(app.all("acme", "/v1/events?status=skipped").await.len(), 2);

        let suspend = format!("/v1/integrations/{integration}");
        app.call("acme", Method::PATCH, &suspend, Some(json!({"status": "suspended"}))).await;
        let id = echo(&app, &hook, json!({"events": [event("k3", "a")]})).await;
        app.settled().await;
        let delivery = app.get("acme", &format!("/v1/inbox/{id}")).await;
        assert_eq!(delivery["delivery"]["outcome"], "the integration's status is suspended: it starts no run");
        // Deliveries to the triggers' own URLs start no run either.
        let body = json!({"name": "own", "provider": "echo", "kind": "webhook", "integration_id": integration});
        let created = app.post("acme", "/v1/triggers", body).await;
        let own = Hook {
            trigger: String::new(),
            url: text(&created["webhook_url"]),
            secret: text(&created["webhook_secret"]),
        };
        let id = echo(&app, &own, json!({"events": [event("k4", "a")]})).await;
        app.settled().await;
        let delivery = app.get("acme", &format!("/v1/inbox/{id}")).await;
        assert_eq!(delivery["delivery"]["outcome"], "the integration's status is suspended: it starts no run");
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 4);
        app.stop().await;
    }

    async fn an_account_delivery_finds_the_integration_that_owns_the_account(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "echo", "account": "a-1"});
        let integration = text(&app.post("acme", "/v1/integrations", body.clone()).await["integration"]["id"]);
        let taken = app.call("other", Method::POST, "/v1/integrations", Some(body)).await;
        assert_eq!(taken.status(), StatusCode::CONFLICT, "an account belongs to one organization");
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook", "integration_id": integration});
        app.post("acme", "/v1/triggers", body).await;
        let hook = Hook {
            trigger: String::new(),
            url: format!("{}/webhooks/direct/echo", app.url),
            secret: "echo-app-secret".into(),
        };
        let id = echo(&app, &hook, json!({"account": "a-1", "events": [event("k", "a")]})).await;
        echo(&app, &hook, json!({"account": "nobody", "events": [event("k2", "a")]})).await;
        echo(&app, &hook, json!({"events": [event("k3", "a")]})).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        let delivery = app.get("acme", &format!("/v1/inbox/{id}")).await;
        assert_eq!(delivery["delivery"]["integration_id"], integration.as_str(), "its owner sees it now");
        assert!(app.all("other", "/v1/inbox").await.is_empty());
        app.stop().await;
    }

    async fn unreadable_json_is_a_dead_letter_with_a_reason_and_its_neighbors_settle(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let bodies: Vec<Vec<u8>> = vec![
            github::issue("opened", 1),
            b"{\"action\": \"ope".to_vec(),
            vec![0xff, 0xfe, 0x00],
            Vec::new(),
            format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
            b"{\"action\":\"opened\",\"issue\":{\"title\":\"\\u0000\"}}".to_vec(),
            github::issue("opened", 2),
        ];
        let sent = bodies.iter().enumerate().map(|(n, body)| {
            let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", &format!("d-{n}"), body);
            tokio::spawn(async move { request.send().await.unwrap().status() })
        });
        for status in sent.collect::<Vec<_>>() {
            assert_eq!(status.await.unwrap(), StatusCode::OK);
        }
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 2);
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 5);
        for delivery in &failed {
            assert!(text(&delivery["error"]).starts_with("malformed: "), "{delivery}");
            assert_eq!(delivery["attempt"], 1, "what cannot be read is not tried again");
        }
        app.stop().await;
    }

    async fn a_misbehaving_delivery_costs_only_its_own_attempts(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[engine]\ncall_cpu_ms = 50").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        for what in ["trap", "loop", "hog", "recurse"] {
            echo(&app, &hook, json!({"do": what})).await;
        }
        for number in 0..20 {
            echo(&app, &hook, json!({"events": [event(&format!("k{number}"), "a")]})).await;
        }
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 20);
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 4);
        for delivery in &failed {
            assert!(delivery["attempt"].as_i64() > Some(1), "{delivery}");
        }

        let id = text(&failed[0]["id"]);
        app.post("acme", &format!("/v1/inbox/{id}/retry"), json!({})).await;
        app.settled().await;
        assert_eq!(app.get("acme", &format!("/v1/inbox/{id}")).await["delivery"]["status"], "failed");
        app.post("acme", &format!("/v1/inbox/{id}/discard"), json!({})).await;
        let again = app.call("acme", Method::POST, &format!("/v1/inbox/{id}/retry"), None).await;
        assert_eq!(again.status(), StatusCode::CONFLICT);
        app.stop().await;
    }

    async fn a_configuration_that_violates_the_schema_is_refused_with_pointers(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"name": "t", "provider": "github", "kind": "webhook", "config": {"labels": "bug", "nonsense": 1}});
        let refused = app.call("acme", Method::POST, "/v1/triggers", Some(body)).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        let problem: Value = refused.json().await.unwrap();
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| text(&e["pointer"])).collect();
        assert!(pointers.iter().any(|pointer| pointer == "/config/labels"), "{problem}");
        app.stop().await;
    }

    async fn a_shutdown_finishes_what_was_claimed(db: &TestDb) {
        let mut door = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let hook = door.hook("acme", "echo", json!({})).await;
        for number in 0..40 {
            echo(&door, &hook, json!({"events": [event(&format!("k{number}"), "a")]})).await;
        }
        // Each event takes the database about 50 ms, so settling takes seconds.
        db.execute(match db.kind {
            Kind::Sqlite => "create trigger slow before insert on events
                begin select hex(randomblob(5000000)); end",
            Kind::Postgres => "create function slow() returns trigger language plpgsql as
                $$ begin perform pg_sleep(0.05); return new; end $$;
                create trigger slow before insert on events for each row execute function slow()",
        })
        .await;
        let held = "select count(*) from inbox_queue where worker is not null";
        let worker = TestApp::start_with(db, "roles = ['workers']").await;
        eventually("a claim", async || db.number(held).await > 0).await;
        assert!(db.number(held).await > 0, "work is in flight when the host is told to stop");
        worker.stop().await;

        assert_eq!(db.number(held).await, 0, "nothing is left half done");
        let done = "select count(*) from inbox where status = 'completed' and attempt = 1";
        let done = db.number(done).await;
        assert!(done > 0);
        assert_eq!(db.number("select count(*) from events").await, done);
        assert_eq!(db.number("select count(*) from outbox").await, done);
        // Unclaimed deliveries wait for the next worker. Read as of a time when every lease
        // has expired, so a dropped claim would show up here.
        let lapsed = triggerhouse::clock::now() + Duration::from_secs(86_400);
        let left = claim_deliveries(&door.app.store, lapsed, Duration::from_secs(1), 100).await;
        assert!(left.iter().all(|delivery| delivery.tries == 1), "{left:?}");
        assert_eq!(left.len() as i64, 40 - done);
        door.stop().await;
    }

    async fn a_settlement_that_the_database_rejects_spares_its_neighbors(db: &TestDb) {
        let mut door = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let hook = door.hook("acme", "echo", json!({})).await;
        let mut poisoned = String::new();
        for number in 0..20 {
            let key = if number == 10 { "poison".to_owned() } else { format!("k{number}") };
            let id = echo(&door, &hook, json!({"events": [event(&key, "a")]})).await;
            if number == 10 {
                poisoned = id;
            }
        }
        db.execute(match db.kind {
            Kind::Sqlite => "create trigger poison before insert on events when new.dedup_key = 'poison'
                begin select raise(abort, 'refused by the test'); end",
            Kind::Postgres => "create function poison() returns trigger language plpgsql as
                $$ begin if new.dedup_key = 'poison' then raise exception 'refused by the test'; end if; return new; end $$;
                create trigger poison before insert on events for each row execute function poison()",
        })
        .await;

        // All of them wait already, so they are claimed and settled together.
        let worker = TestApp::start_with(db, "roles = ['workers']").await;
        door.settled().await;
        worker.stop().await;
        assert_eq!(door.all("acme", "/v1/runs").await.len(), 19);
        let failed = door.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 1);
        assert_eq!(text(&failed[0]["id"]), poisoned);
        assert!(failed[0]["attempt"].as_i64() > Some(1), "{}", failed[0]);
        assert!(text(&failed[0]["error"]).contains("refused by the test"), "{}", failed[0]);
        assert_eq!(db.number("select count(*) from inbox where attempt > 1").await, 1);

        // Once the cause is gone, a manual retry succeeds.
        db.execute(match db.kind {
            Kind::Sqlite => "drop trigger poison",
            Kind::Postgres => "drop trigger poison on events",
        })
        .await;
        door.post("acme", &format!("/v1/inbox/{poisoned}/retry"), json!({})).await;
        let worker = TestApp::start_with(db, "roles = ['workers']").await;
        door.settled().await;
        worker.stop().await;
        assert_eq!(door.all("acme", "/v1/runs").await.len(), 20);
        door.stop().await;
    }

    async fn every_body_is_kept_byte_for_byte_and_ends_visibly(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let issue = String::from_utf8(github::issue("opened", 1)).unwrap();
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        let with_deep = issue.replacen('{', &format!("{{\"deep\":{deep},"), 1);
        let bodies: [(&str, Vec<u8>, &str); 6] = [
            ("nested 100 levels beside what is read", with_deep.into_bytes(), "completed"),
            ("nested 100 levels and nothing else", deep.into_bytes(), "failed"),
            ("an escaped NUL", issue.replace("Issue 1", "a\\u0000b").into_bytes(), "completed"),
            ("a bare NUL", issue.replace("Issue 1", "a\0b").into_bytes(), "failed"),
            ("invalid UTF-8", b"{\"action\": \"\xff\xfe\"}".to_vec(), "failed"),
            ("nothing", Vec::new(), "failed"),
        ];
        for (number, (what, body, status)) in bodies.iter().enumerate() {
            let id = format!("d-{number}");
            let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", &id, body);
            let sent: Value = request.send().await.unwrap().json().await.unwrap();
            app.settled().await;
            let path = format!("/v1/inbox/{}", text(&sent["id"]));
            let delivery = app.get("acme", &path).await["delivery"].take();
            assert_eq!(delivery["status"], *status, "{what}: {delivery}");
            let said = if *status == "failed" { "error" } else { "outcome" };
            assert!(!text(&delivery[said]).is_empty(), "{what} ends without a word");
            let kept = STANDARD.decode(text(&delivery["body_base64"])).unwrap();
            assert_eq!(kept, *body, "{what}");
            let shown = std::str::from_utf8(body).ok();
            assert_eq!(delivery["body"].as_str(), shown, "{what}");
        }
        let events = app.all("acme", "/v1/events").await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| !text(&event["title"]).contains('\0')));
        app.stop().await;
    }
}
