use super::*;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use triggerhouse::domain::event::{ParsedEvent, Verdict};

/// URLs that lead to this machine or its private network, in every known spelling. None
/// of them is granted.
fn forbidden(port: u16) -> Vec<String> {
    let mut urls: Vec<String> = [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "①②⑦.0.0.1",
        "0.0.0.0",
        "0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "me@127.0.0.1",
        "api.example.com@127.0.0.1",
    ]
    .iter()
    .flat_map(|host| {
        [
            format!("http://{host}:{port}/"),
            format!("https://{host}:{port}/"),
        ]
    })
    .collect();
    urls.extend(
        [
            "http://169.254.169.254/latest/meta-data/",
            "https://169.254.169.254/",
            "http://[fd00:ec2::254]/",
            "http://metadata.google.internal/",
            "https://localhost/",
            "http://localhost/",
            "http://10.0.0.1/",
            "https://192.168.0.1/",
            "https://evil.example/",
            "http://api.example.com/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
            "unix:/run/docker.sock",
        ]
        .map(str::to_owned),
    );
    urls
}

#[tokio::test]
async fn a_granted_address_and_port_gets_the_guests_request_unchanged() {
    let server = Server::start(|_| {
        let headers = [("x-answer", "  42 "), ("connection", "close")];
        (StatusCode::CREATED, headers, "made").into_response()
    })
    .await;
    let rig = Setup::granting(&[&server]).rig().await;
    let answer = rig
        .fetch(json!({
            "url": server.url("/a%20b?c=d&e=%20#f"), "method": "POST",
            "headers": [["X-Asks", "6 times 7"], ["Accept-Encoding", "gzip"], ["Host", "evil.example"]],
            "body": "how many?",
        }))
        .await;
    assert_eq!(
        (&answer["status"], &answer["body"]),
        (&json!(201), &json!("made"))
    );
    let headers = answer["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-answer", "42"])), "{answer}");
    assert!(
        !answer["headers"].to_string().contains("connection"),
        "{answer}"
    );
    let seen = server.seen().remove(0);
    assert_eq!((&*seen.method, &*seen.target), ("POST", "/a%20b?c=d&e=%20"));
    assert_eq!(
        (seen.header("x-asks"), &*seen.body),
        (Some("6 times 7"), "how many?")
    );
    assert_eq!(seen.header("host"), Some(&*server.address.to_string()));
    assert_eq!(seen.header("accept-encoding"), None);
    let agent = seen.header("user-agent").unwrap();
    assert!(agent.starts_with("triggerhouse/"), "{agent}");
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_reached_without_a_grant() {
    let server = Server::ok().await;
    // Grants of other addresses and ports.
    let setup = Setup::with_grants(["localhost", "127.0.0.1", "127.0.0.1:1"]);
    let rig = setup.rig().await;
    let urls = forbidden(server.address.port());
    let requests: Vec<Value> = urls.iter().map(|url| json!({ "url": url })).collect();
    let answers = rig.fetch_all(json!(requests)).await;
    for (url, answer) in urls.iter().zip(&answers) {
        assert!(answer["denied"].is_string(), "{url}: {answer}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn no_private_address_is_reached_through_a_redirect() {
    let (front, back) = (Server::redirecting().await, Server::ok().await);
    let mut setup = Setup::granting(&[&front]);
    setup.grants.push("localhost".into());
    let rig = setup.rig().await;
    let urls = forbidden(back.address.port());
    let through = |url: &String| json!({ "url": front.url(&format!("/?to={}", encoded(url))) });
    // Header values are ASCII: other characters would not arrive unchanged.
    let urls: Vec<&String> = urls.iter().filter(|url| url.is_ascii()).collect();
    let requests: Vec<Value> = urls.iter().map(|url| through(url)).collect();
    let answers = rig.fetch_all(json!(requests)).await;
    for (url, answer) in urls.iter().zip(&answers) {
        assert!(answer["denied"].is_string(), "{url}: {answer}");
    }
    assert_eq!((front.count(), back.count()), (urls.len(), 0));
    let granted = Setup::granting(&[&front, &back]).rig().await;
    let answer = granted.fetch(through(&back.url("/"))).await;
    assert_eq!((&answer["status"], back.count()), (&json!(200), 1));
}

/// Resolves every name to the same addresses.
struct Everything(&'static [&'static str]);

impl Resolve for Everything {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Vec<SocketAddr> = self
            .0
            .iter()
            .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
            .collect();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn a_public_name_that_resolves_to_a_private_address_is_refused_directly_and_by_redirect() {
    let front = Server::redirecting().await;
    for addresses in [
        &["127.0.0.1"][..],
        &["::1"],
        &["0.0.0.0"],
        &["10.0.0.1", "192.168.1.1"],
        &["169.254.169.254"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::a9fe:a9fe"],
        &["fd00:ec2::254"],
    ] {
        let resolver = Arc::new(Everything(addresses));
        let egress = Egress::with(EgressLimits::default(), resolver, []).unwrap();
        let mut setup = Setup::granting(&[&front]);
        setup.grants.push("api.example.com".into());
        // Opens the address, but no name that leads there.
        setup.grants.push("127.0.0.1:443".into());
        let rig = setup.rig_with(egress).await;
        let to = encoded("https://api.example.com/");
        for url in [
            "https://api.example.com/items".into(),
            front.url(&format!("/?to={to}")),
        ] {
            let denied = json!({ "denied": "api.example.com leads to no public address" });
            assert_eq!(rig.get(&url).await, denied, "{addresses:?} {url}");
        }
    }
}

#[tokio::test]
async fn localhost_is_refused_even_if_declared_and_granted() {
    let setup = Setup::with_grants(["localhost"]);
    let rig = setup.rig().await;
    let denied = json!({ "denied": "localhost leads to no public address" });
    assert_eq!(rig.get("https://localhost/").await, denied);
}

#[tokio::test]
async fn a_host_that_the_provider_does_not_declare_is_refused_even_if_granted() {
    let setup = Setup::with_grants(["other.example.com"]);
    let rig = setup.rig().await;
    let answer = rig.get("https://other.example.com/").await;
    let reason = "other.example.com is not among the hosts that the provider declares";
    assert_eq!(answer, json!({ "denied": reason }));
}

#[tokio::test]
async fn only_a_poll_can_send_requests() {
    let server = Server::ok().await;
    let rig = Setup::granting(&[&server]).rig().await;
    let asks = ParsedEvent {
        dedup_key: "k".into(),
        kind: "k".into(),
        occurred_at: None,
        title: String::new(),
        url: None,
        actor: None,
        facts: json!({ "fetch": server.url("/") }).to_string(),
    };
    let expected = [Verdict::Reject(
        r#"{"denied":"only a poll may send requests"}"#.into(),
    )];
    let request = request(&json!({ "fetch": [{ "url": server.url("/") }] }), NOW);
    let mut polled = rig.open(&request).await.unwrap();
    assert_eq!(polled.matches(&asks, &["{}"]).await.unwrap(), expected);
    polled.poll(&request).await.unwrap();
    assert_eq!(polled.matches(&asks, &["{}"]).await.unwrap(), expected);
    let context = CallContext::of_poll(&request);
    let mut opened = rig.provider.open(context).await.unwrap();
    assert_eq!(opened.matches(&asks, &["{}"]).await.unwrap(), expected);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let setup = Setup::with_grants([address]);
    let rig = setup.rig().await;
    let answer = rig.get(&format!("http://{address}/?hush")).await;
    let text = answer["unreachable"].as_str().unwrap();
    assert!(text.contains("refused") && !text.contains("hush"), "{text}");
}
