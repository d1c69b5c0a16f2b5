use super::*;
use std::time::{Duration, Instant};

/// Answers with the number of bytes in the query, chunked or with a length.
async fn generous() -> Server {
    Server::start(|seen| {
        let bytes: usize = seen.query("bytes").unwrap_or("0").parse().unwrap();
        if seen.target.starts_with("/chunked") {
            let chunks = (0..bytes).step_by(1_000).map(move |at| {
                let chunk = vec![b'x'; (bytes - at).min(1_000)];
                Ok::<_, std::convert::Infallible>(chunk)
            });
            return Body::from_stream(futures_util::stream::iter(chunks)).into_response();
        }
        if seen.target.starts_with("/head") {
            return ([("x-long", "x".repeat(bytes))], "").into_response();
        }
        if seen.target.starts_with("/drip") {
            let first = futures_util::stream::iter([Ok::<_, std::convert::Infallible>("x")]);
            let never = futures_util::stream::pending();
            let body = futures_util::StreamExt::chain(first, never);
            return Body::from_stream(body).into_response();
        }
        "x".repeat(bytes).into_response()
    })
    .await
}

async fn rig(server: &Server, change: impl FnOnce(&mut Setup)) -> Rig {
    let mut setup = Setup::granting(&[server]);
    change(&mut setup);
    setup.rig().await
}

#[tokio::test]
async fn an_answer_that_never_begins_or_never_ends_is_a_timeout() {
    let server = generous().await;
    let rig = rig(&server, |setup| setup.egress.call_ms = 200).await;
    let begun = Instant::now();
    let requests = json!([
        { "url": server.url("/hang") },
        { "url": server.url("/drip") },
        { "url": server.url("/?bytes=3") },
    ]);
    let answers = rig.fetch_all(requests).await;
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(
        answers[..2],
        [json!({ "timeout": true }), json!({ "timeout": true })]
    );
    assert_eq!(answers[2]["bytes"], 3, "the poll goes on");
}

#[tokio::test]
async fn a_call_never_outlasts_its_poll() {
    let server = generous().await;
    let rig = rig(&server, |setup| setup.engine.poll_wall_ms = 800).await;
    let hang = json!({ "url": server.url("/hang") });
    let answers = rig.fetch_all(json!([hang, hang])).await;
    let timeout = json!({ "timeout": true });
    assert_eq!(answers, [timeout.clone(), timeout]);
    assert_eq!(server.count(), 1, "nothing was left for the second one");
}

#[tokio::test]
async fn waiting_for_a_service_is_not_computing() {
    let server = generous().await;
    let rig = rig(&server, |setup| {
        setup.egress.call_ms = 600;
        setup.engine.poll_cpu_ms = 300;
    })
    .await;
    assert_eq!(
        rig.get(&server.url("/hang")).await,
        json!({ "timeout": true })
    );
}

#[tokio::test]
async fn an_answer_is_read_only_up_to_its_limit() {
    let server = generous().await;
    let rig = rig(&server, |setup| setup.egress.response_bytes_max = 10_000).await;
    for kind in ["/announced", "/chunked"] {
        let fits = rig.get(&server.url(&format!("{kind}?bytes=10000"))).await;
        assert_eq!(fits["bytes"], 10_000, "{kind}: {fits}");
        let large = rig.get(&server.url(&format!("{kind}?bytes=10001"))).await;
        assert_eq!(large, json!({ "too_large": true }), "{kind}");
    }
    let huge = server.url("/announced?bytes=40000000");
    assert_eq!(rig.get(&huge).await, json!({ "too_large": true }));
    let head = rig.fetch(json!({ "url": huge, "method": "HEAD" })).await;
    assert_eq!((&head["status"], &head["bytes"]), (&json!(200), &json!(0)));
}

#[tokio::test]
async fn headers_of_an_answer_have_a_limit_too() {
    let server = generous().await;
    let rig = rig(&server, |setup| setup.egress.header_bytes_max = 1_000).await;
    assert_eq!(rig.get(&server.url("/head?bytes=500")).await["status"], 200);
    let large = rig.get(&server.url("/head?bytes=1000")).await;
    assert_eq!(large, json!({ "too_large": true }));
}

#[tokio::test]
async fn a_request_has_limits_and_a_guest_learns_which() {
    let server = generous().await;
    let rig = rig(&server, |setup| setup.egress.request_bytes_max = 1_000).await;
    let large = json!({ "url": server.url("/"), "method": "POST", "body_bytes": 1_000 });
    let text = rig.fetch(large).await["other"].as_str().unwrap().to_owned();
    assert!(text.ends_with("bytes, but the limit is 1000"), "{text}");
    let headers: Vec<Value> = (0..101).map(|n| json!([format!("x-{n}"), ""])).collect();
    let many = json!({ "url": server.url("/"), "headers": headers });
    let text = rig.fetch(many).await["other"].as_str().unwrap().to_owned();
    assert!(text.starts_with("the request has 101 headers"), "{text}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn the_requests_of_a_poll_are_limited_and_redirects_count() {
    let server = Server::redirecting().await;
    let rig = rig(&server, |setup| setup.egress.requests_max = 3).await;
    let redirect = json!({ "url": server.url("/?to=%2Fnext") });
    let ok = json!({ "url": server.url("/") });
    let answers = rig.fetch_all(json!([ok, redirect, ok])).await;
    assert_eq!(
        (&answers[0]["status"], &answers[1]["status"]),
        (&json!(200), &json!(200))
    );
    assert_eq!(answers[2], json!({ "limit_reached": true }));
    assert_eq!(server.count(), 3);
    let denied = json!({ "url": "https://evil.example/" });
    let answers = rig.fetch_all(json!([denied, denied, denied, ok])).await;
    assert_eq!(
        answers[3],
        json!({ "limit_reached": true }),
        "a refusal is one, too"
    );
    assert_eq!(
        rig.fetch(ok).await["status"],
        200,
        "the next poll has its own limit"
    );
}

#[tokio::test]
async fn a_redirect_loop_is_abandoned() {
    let server =
        Server::start(|_| (StatusCode::FOUND, [("location", "/again")]).into_response()).await;
    let rig = rig(&server, |_| {}).await;
    let reason = "the service redirects more than 5 times";
    assert_eq!(rig.get(&server.url("/")).await, json!({ "other": reason }));
    assert_eq!(server.count(), 6);
}

#[tokio::test]
async fn all_requests_of_a_poll_share_one_limit_of_bytes() {
    let server = generous().await;
    let rig = rig(&server, |setup| setup.egress.poll_bytes_max = 10_000).await;
    let of = |bytes: usize| json!({ "url": server.url(&format!("/chunked?bytes={bytes}")) });
    let answers = rig
        .fetch_all(json!([of(4_000), of(4_000), of(4_000), of(0)]))
        .await;
    assert_eq!(
        (&answers[0]["bytes"], &answers[1]["bytes"]),
        (&json!(4_000), &json!(4_000))
    );
    assert_eq!(answers[2], json!({ "limit_reached": true }));
    let posts = json!([
        { "url": server.url("/"), "method": "POST", "body_bytes": 9_000 },
        { "url": server.url("/"), "method": "POST", "body_bytes": 9_000 },
    ]);
    let answers = rig.fetch_all(posts).await;
    assert_eq!(answers[0]["status"], 200);
    assert_eq!(answers[1], json!({ "limit_reached": true }));
}

#[test]
fn an_impossible_limit_is_refused_by_name() {
    let limits = EgressLimits {
        call_ms: 0,
        ..EgressLimits::default()
    };
    let error = Egress::new(limits).unwrap_err().to_string();
    assert_eq!(error, "egress limits: call_ms: expected more than 0");
}
