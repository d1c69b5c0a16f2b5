use super::*;

async fn rig(guest: &'static str, servers: &[&Server], credential: Option<&'static str>) -> Rig {
    let mut setup = Setup::granting(servers);
    setup.guest = guest;
    setup.credential = credential;
    setup.rig().await
}

#[tokio::test]
async fn a_credential_replaces_the_guests_own_text_in_its_place() {
    let server = Server::ok().await;
    let rig = rig("poller", &[&server], Some("hush")).await;
    let answer = rig
        .fetch(json!({
            "url": server.url("/"),
            "headers": [["Authorization", "Basic bWU6bWU="], ["authorization", "x"], ["Cookie", "a=b"]],
        }))
        .await;
    let seen = server.seen().remove(0);
    assert_eq!(seen.header("authorization"), Some("Bearer hush"));
    assert_eq!(seen.header("cookie"), None);
    let count = seen
        .headers
        .iter()
        .filter(|(name, _)| name == "authorization");
    assert_eq!(count.count(), 1);
    assert!(!answer.to_string().contains("hush"), "{answer}");
}

#[tokio::test]
async fn without_a_credential_its_place_stays_empty() {
    let server = Server::ok().await;
    let bearer = rig("poller", &[&server], None).await;
    let headers = json!([["Authorization", "mine"]]);
    bearer
        .fetch(json!({ "url": server.url("/"), "headers": headers }))
        .await;
    assert_eq!(server.seen()[0].header("authorization"), None);
    let query = rig("both", &[&server], None).await;
    query.get(&server.url("/?key=mine&a=1")).await;
    assert_eq!(server.seen()[1].target, "/?a=1");
}

#[tokio::test]
async fn redirects_carry_the_credential_to_the_same_origin_only() {
    let (home, other) = (Server::redirecting().await, Server::redirecting().await);
    let rig = rig("poller", &[&home, &other], Some("hush")).await;
    let there_and_back = format!("/?to={}", encoded(&home.url("/back")));
    let away = other.url(&there_and_back);
    let start = format!("/?to={}", encoded(&format!("/next?to={}", encoded(&away))));
    let answer = rig.get(&home.url(&start)).await;
    assert_eq!(answer["status"], 200);
    let with: Vec<bool> = home
        .seen()
        .iter()
        .map(|seen| seen.header("authorization") == Some("Bearer hush"))
        .collect();
    // The first request, the redirect to another origin, and the redirect back.
    assert_eq!(with, [true, true, true]);
    let elsewhere = other.seen().remove(0);
    assert_eq!(elsewhere.header("authorization"), None);
    assert!(!format!("{elsewhere:?}").contains("hush"));
}

#[tokio::test]
async fn a_credential_in_the_query_replaces_the_guests_and_appears_in_no_answer() {
    let (home, other) = (Server::redirecting().await, Server::ok().await);
    let rig = rig("both", &[&home, &other], Some("hu sh")).await;
    let echoed = encoded(&other.url("/?a=1&key=hu+sh"));
    rig.get(&home.url(&format!("/?key=mine&k%65y=mine&to={echoed}")))
        .await;
    assert_eq!(home.seen()[0].target, format!("/?to={echoed}&key=hu+sh"));
    assert_eq!(other.seen()[0].target, "/?a=1");
    // No server listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut setup = Setup::with_grants([gone]);
    (setup.guest, setup.credential) = ("both", Some("hush"));
    let answer = setup.rig().await.get(&format!("http://{gone}/")).await;
    assert!(answer["unreachable"].is_string(), "{answer}");
    assert!(!answer.to_string().contains("hush"), "{answer}");
}

#[tokio::test]
async fn a_credential_that_fits_no_header_sends_nothing_and_is_not_shown() {
    let server = Server::ok().await;
    let rig = rig("poller", &[&server], Some("hu\nsh")).await;
    let answer = rig.get(&server.url("/")).await;
    let reason = "the credential holds characters that no header may hold";
    assert_eq!((answer, server.count()), (json!({ "other": reason }), 0));
}

#[tokio::test]
async fn a_redirected_post_keeps_or_loses_its_body_as_the_standard_says() {
    let server = Server::redirecting().await;
    let rig = rig("poller", &[&server], None).await;
    for (status, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "body"),
        (308, "POST", "body"),
    ] {
        let url = server.url(&format!("/?status={status}&to={}", encoded("/next")));
        let headers = json!([["content-type", "text/plain"]]);
        rig.fetch(json!({ "url": url, "method": "POST", "body": "body", "headers": headers }))
            .await;
        let seen = server.seen().pop().unwrap();
        assert_eq!((&*seen.method, &*seen.body), (method, body), "{status}");
        assert_eq!(
            seen.header("content-type").is_some(),
            !body.is_empty(),
            "{status}"
        );
        assert_eq!(seen.target, "/next");
    }
}

/// Set in the child process whose log is read.
const CHILD: &str = "TRIGGERHOUSE_TEST_EGRESS_LOG";

/// Runs itself as a child process, because a process has one log.
#[tokio::test]
async fn the_log_names_provider_and_host_and_nothing_of_the_request() {
    if std::env::var_os(CHILD).is_some() {
        return logging().await;
    }
    let name =
        "egress::placed_credential::the_log_names_provider_and_host_and_nothing_of_the_request";
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(
        !text.contains("hush") && !text.contains("private"),
        "{text}"
    );
    let lines = |level: &str, part: &str| {
        let lines = text.lines().filter(|line| line.contains(level));
        lines.filter(|line| line.contains(part)).count()
    };
    let refusal = "GET evil.example was denied: evil.example is not among the hosts";
    assert_eq!(lines("WARN", refusal), 1, "{text}");
    assert_eq!(lines("DEBUG", "GET evil.example failed after"), 1, "{text}");
    assert_eq!(lines("DEBUG", "POST 127.0.0.1:"), 1, "{text}");
    assert_eq!(lines("DEBUG", "answered 200 with 2 bytes in"), 1, "{text}");
    assert_eq!(lines("DEBUG", r#"provider.id="both""#), 3, "{text}");
}

/// The most verbose filter, without compiler and engine, which see no request.
async fn logging() {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter("trace,cranelift_codegen=off,regalloc2=off,wasmtime=off")
        .init();
    let server = Server::redirecting().await;
    let rig = rig("both", &[&server], Some("hush")).await;
    let denied = json!({ "url": "https://evil.example/private?q=private#private" });
    let posted = json!({
        "url": server.url("/private?q=private"), "method": "POST", "body": "private",
        "headers": [["x-a", "private"]],
    });
    rig.fetch_all(json!([denied, denied, posted, { "url": "private" }]))
        .await;
}
