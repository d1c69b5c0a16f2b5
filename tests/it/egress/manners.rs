use super::*;
use std::time::Duration;

/// Serves one resource with an ETag, and answers 304 to a matching condition.
async fn tagged() -> Server {
    Server::start(|seen| {
        if seen.header("if-none-match") == Some("\"v1\"") {
            return (StatusCode::NOT_MODIFIED, [("x-left", "1")]).into_response();
        }
        let bytes = seen.query("bytes").unwrap_or("4").parse().unwrap();
        let headers = [("etag", "\"v1\""), ("x-left", "2")];
        (headers, "x".repeat(bytes)).into_response()
    })
    .await
}

fn validators(server: &Server) -> Vec<bool> {
    let seen = server.seen();
    seen.iter()
        .map(|seen| seen.header("if-none-match").is_some())
        .collect()
}

#[tokio::test]
async fn an_answer_with_an_etag_is_revalidated_next_time() {
    let server = tagged().await;
    let rig = Setup::granting(&[&server]).rig().await;
    let first = rig.get(&server.url("/a")).await;
    let second = rig.get(&server.url("/a")).await;
    assert_eq!(validators(&server), [false, true]);
    for answer in [&first, &second] {
        assert_eq!(
            (&answer["status"], &answer["body"]),
            (&json!(200), &json!("xxxx"))
        );
    }
    let left = |answer: &Value, count: &str| {
        let headers = answer["headers"].as_array().unwrap();
        headers.contains(&json!(["x-left", count]))
    };
    assert!(left(&first, "2") && left(&second, "1"), "{second}");
}

#[tokio::test]
async fn only_an_identical_request_is_revalidated() {
    let server = tagged().await;
    let rig = Setup::granting(&[&server]).rig().await;
    let url = server.url("/a");
    rig.get(&url).await;
    for other in [
        json!({ "url": server.url("/b") }),
        json!({ "url": url, "headers": [["accept", "text/html"]] }),
        json!({ "url": url, "method": "POST" }),
        json!({ "url": url, "method": "HEAD" }),
    ] {
        rig.fetch(other).await;
    }
    assert_eq!(validators(&server), [false; 5]);
    let own = json!({ "url": url, "headers": [["If-None-Match", "\"v1\""]] });
    assert_eq!(
        rig.fetch(own).await["status"],
        304,
        "a guest may ask by itself"
    );
}

#[tokio::test]
async fn a_large_answer_is_not_cached() {
    let server = tagged().await;
    let rig = Setup::granting(&[&server]).rig().await;
    for bytes in [262_145, 262_145, 200_000, 200_000] {
        rig.get(&server.url(&format!("/?bytes={bytes}"))).await;
    }
    assert_eq!(validators(&server), [false, false, false, true]);
}

#[tokio::test]
async fn groups_and_credentials_share_no_cached_answer() {
    let server = tagged().await;
    let mut rig = Setup::granting(&[&server]).rig().await;
    rig.access = group(Some("one"));
    rig.get(&server.url("/")).await;
    rig.access.credential = Some("two".into());
    rig.get(&server.url("/")).await;
    rig.access = group(Some("one"));
    rig.get(&server.url("/")).await;
    assert_eq!(validators(&server), [false; 3]);
    rig.get(&server.url("/")).await;
    assert_eq!(validators(&server), [false, false, false, true]);
}

/// Asks for a pause at `/limited`.
async fn limiting(status: u16) -> Server {
    Server::start(move |seen| match seen.target.as_str() {
        "/limited" => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("retry-after", "60")], "slow down").into_response()
        }
        _ => "ok".into_response(),
    })
    .await
}

#[tokio::test]
async fn during_a_pause_that_a_service_asks_for_it_gets_no_request() {
    for status in [429, 503] {
        let (server, other) = (limiting(status).await, Server::ok().await);
        let mut rig = Setup::granting(&[&server, &other]).rig().await;
        let (limited, fine) = (server.url("/limited"), server.url("/fine"));
        let requests = json!([{ "url": limited }, { "url": fine }, { "url": other.url("/") }]);
        let answers = rig.fetch_all(requests).await;
        assert_eq!(answers[0]["body"], "slow down");
        let again = json!([["retry-after", "60"]]);
        assert_eq!(
            (&answers[1]["status"], &answers[1]["headers"]),
            (&json!(status), &again)
        );
        assert_eq!(answers[2]["status"], 200, "another host is not affected");
        assert_eq!(server.count(), 1);

        let until = rig.access.responses.paused_until(NOW).unwrap();
        let end = NOW + Duration::from_secs(60);
        assert!(
            until >= end && until < end + Duration::from_secs(20),
            "{until}"
        );
        assert_eq!(rig.access.responses.paused_until(until), None);
        let soon = NOW + Duration::from_secs(30);
        let answers = rig.fetch_at(soon, json!([{ "url": fine }])).await;
        assert_eq!((&answers[0]["status"], server.count()), (&json!(status), 1));
        let answers = rig.fetch_at(until, json!([{ "url": fine }])).await;
        assert_eq!((&answers[0]["status"], server.count()), (&json!(200), 2));

        rig.get(&limited).await;
        rig.access = group(None);
        assert_eq!(rig.get(&fine).await["status"], 200, "nor is another group");
    }
}
