use super::*;
use crate::domain::source::CredentialPlacement;

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.into(),
    }
}

fn request(method: Method, headers: &[(&str, &str)]) -> Request {
    Request {
        url: "https://api.example.com/a/b?c=1#d".into(),
        headers: headers
            .iter()
            .map(|(name, value)| header(name, value))
            .collect(),
        body: (method == Method::POST).then(|| b"body".to_vec()),
        method,
    }
}

fn first(request: Request, placement: Option<CredentialPlacement>) -> Result<Hop, FetchError> {
    let credential = PlacedCredential::new(placement, None);
    Hop::first(request, &credential, &EgressLimits::default())
}

fn sent(headers: &[(&str, &str)], placement: Option<CredentialPlacement>) -> Vec<String> {
    let hop = first(request(Method::GET, headers), placement).unwrap();
    let mut sent: Vec<String> = hop
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .filter(|line| !line.starts_with("user-agent: triggerhouse/"))
        .collect();
    sent.sort();
    sent
}

#[test]
fn a_guest_cannot_set_headers_of_the_connection() {
    let headers = [
        ("Host", "evil.example"),
        ("Connection", "x-a"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Upgrade", "h2c"),
        ("Keep-Alive", "9"),
        ("Expect", "100-continue"),
        ("Proxy-Authorization", "Basic x"),
        ("Proxy-Connection", "x"),
        ("Cookie", "a=b"),
        ("Accept-Encoding", "gzip"),
        ("Accept", " application/json "),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
    ];
    let expected = ["accept: application/json", "x-twice: 1", "x-twice: 2"];
    assert_eq!(sent(&headers, None), expected);
}

#[test]
fn a_guest_cannot_set_the_credentials_header_or_authorization_beside_a_credential() {
    let headers = [("Authorization", "Basic x"), ("X-Key", "1")];
    let both = ["authorization: Basic x", "x-key: 1"];
    assert_eq!(sent(&headers, None), both);
    assert_eq!(
        sent(&headers, Some(CredentialPlacement::Bearer)),
        ["x-key: 1"]
    );
    let query = Some(CredentialPlacement::Query("key".into()));
    assert_eq!(sent(&headers, query), ["x-key: 1"]);
    let header = Some(CredentialPlacement::Header("x-key".into()));
    assert!(sent(&headers, header).is_empty());
}

#[test]
fn a_guest_may_set_its_user_agent() {
    let hop = first(request(Method::GET, &[("User-Agent", "me")]), None).unwrap();
    assert_eq!(hop.headers["user-agent"], "me");
    let hop = first(request(Method::GET, &[]), None).unwrap();
    assert_eq!(hop.headers["user-agent"], USER_AGENT);
}

#[test]
fn an_invalid_request_is_refused_with_its_reason() {
    let refusal = |request| first(request, None).unwrap_err().to_string();
    let smuggled = request(Method::GET, &[("x-a", "1\r\nHost: evil.example")]);
    assert_eq!(
        refusal(smuggled),
        "header 0: its value contains control characters"
    );
    let nameless = request(Method::GET, &[("x-a", "1"), ("x a", "1")]);
    assert_eq!(refusal(nameless), "header 1: its name is invalid");
    let relative = Request {
        url: "/a?secret".into(),
        ..request(Method::GET, &[])
    };
    let text = refusal(relative);
    assert_eq!(text, "the URL cannot be read: relative URL without a base");
    let many = vec![("x-a", "1"); 101];
    assert!(refusal(request(Method::GET, &many)).contains("101 headers"));
    let long = "x".repeat(70_000);
    let text = refusal(request(Method::GET, &[("x-a", &long)]));
    assert!(text.contains("of 70003 bytes, but the limits are 100 and 65536"));
    let large = Request {
        body: Some(vec![0; 4 << 20]),
        ..request(Method::POST, &[])
    };
    assert!(refusal(large).starts_with("the request has 4194337 bytes, but the limit is"));
}

fn redirected(method: Method, status: u16, location: &str) -> Option<Hop> {
    let headers = [
        ("authorization", "mine"),
        ("content-type", "text/plain"),
        ("x-a", "1"),
    ];
    let hop = first(request(method, &headers), None).unwrap();
    let mut answer = HeaderMap::new();
    answer.insert("location", location.parse().unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    let credential = PlacedCredential::default();
    hop.redirected(status, &answer, &credential).unwrap()
}

#[test]
fn a_redirect_changes_the_method_as_the_standard_requires() {
    use Method as M;
    for (method, status, expected) in [
        (M::GET, 301, Some(M::GET)),
        (M::HEAD, 302, Some(M::HEAD)),
        (M::POST, 301, Some(M::GET)),
        (M::POST, 302, Some(M::GET)),
        (M::PUT, 302, Some(M::PUT)),
        (M::POST, 303, Some(M::GET)),
        (M::PUT, 303, Some(M::GET)),
        (M::HEAD, 303, Some(M::HEAD)),
        (M::POST, 307, Some(M::POST)),
        (M::DELETE, 308, Some(M::DELETE)),
        (M::GET, 300, None),
        (M::GET, 304, None),
        (M::GET, 305, None),
        (M::GET, 200, None),
        (M::POST, 201, None),
    ] {
        let next = redirected(method.clone(), status, "/next");
        let name = format!("{method} {status}");
        assert_eq!(
            next.as_ref().map(|next| next.method.clone()),
            expected,
            "{name}"
        );
        let Some(next) = next else { continue };
        let kept = method == M::POST && next.method == M::POST;
        assert_eq!(next.body.is_some(), kept, "{name}");
        let typed = next.headers.contains_key("content-type");
        assert_eq!(typed, next.method == method, "{name}");
        assert_eq!(next.headers["x-a"], "1");
    }
}

#[test]
fn a_redirect_is_relative_to_its_request_and_takes_no_authorization_elsewhere() {
    for (location, url, authorized) in [
        ("next?x#y", "https://api.example.com/a/next?x", true),
        ("//api.example.com/n", "https://api.example.com/n", true),
        (
            "https://api.example.com:443/",
            "https://api.example.com/",
            true,
        ),
        (
            "https://api.example.com:444/",
            "https://api.example.com:444/",
            false,
        ),
        ("http://api.example.com/", "http://api.example.com/", false),
        ("//127.1/", "https://127.0.0.1/", false),
        ("file:///etc/passwd", "file:///etc/passwd", false),
    ] {
        let next = redirected(Method::GET, 302, location).unwrap();
        assert_eq!(next.url.as_str(), url);
        let found = next.headers.contains_key("authorization");
        assert_eq!(found, authorized, "{location}");
    }
}

#[test]
fn a_redirect_that_repeats_the_credential_does_not_carry_it_on() {
    let credential = PlacedCredential::new(
        Some(CredentialPlacement::Query("key".into())),
        Some("hush".into()),
    );
    let hop = Hop::first(
        request(Method::GET, &[]),
        &credential,
        &EgressLimits::default(),
    );
    let mut answer = HeaderMap::new();
    let location = "https://other.example/?a=1&key=hush".parse().unwrap();
    answer.insert("location", location);
    let next = hop
        .unwrap()
        .redirected(StatusCode::FOUND, &answer, &credential);
    let next = next.unwrap().unwrap();
    assert_eq!(next.url.as_str(), "https://other.example/?a=1");
}

#[test]
fn only_a_plain_get_is_asked_for_by_its_etag() {
    let repeatable = |request| first(request, None).unwrap().is_repeatable();
    assert!(repeatable(request(Method::GET, &[("accept", "a/b")])));
    assert!(!repeatable(request(Method::HEAD, &[])));
    assert!(!repeatable(request(Method::POST, &[])));
    assert!(!repeatable(request(
        Method::GET,
        &[("If-None-Match", "\"a\"")]
    )));
    assert!(!repeatable(request(Method::GET, &[("Range", "bytes=0-1")])));
    let with_body = Request {
        body: Some(vec![]),
        ..request(Method::GET, &[])
    };
    assert!(!repeatable(with_body));
}
