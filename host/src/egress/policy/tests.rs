use super::*;

fn policy(declared: &[&str], granted: &[&str]) -> HostPolicy {
    let entries =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| entry(text).unwrap()).collect() };
    HostPolicy::new(&entries(declared), &entries(granted))
}

/// Declares and grants some of everything.
fn generous() -> HostPolicy {
    policy(
        &[
            "api.example.com",
            "api.example.com:8443",
            "declared.example.com",
            "xn--bcher-kva.example",
            "localhost",
            "127.0.0.1",
            "8.8.8.8",
            "10.0.0.1:8443",
            "[2606:4700::1111]",
        ],
        &[
            "api.example.com",
            "API.Example.com:8443",
            "granted.example.com",
            "bücher.example",
            "localhost",
            "127.0.0.1",
            "127.0.0.1:9000",
            "8.8.8.8",
            "[::1]:9000",
            "[2606:4700::1111]",
        ],
    )
}

fn outcome(url: &str) -> String {
    match generous().check(&url.parse().unwrap()) {
        Ok(()) => "ok".into(),
        Err(denied) => denied.to_string(),
    }
}

#[test]
fn a_declared_and_granted_host_is_allowed_in_every_spelling() {
    for url in [
        "https://api.example.com/",
        "https://api.example.com:443/a?b#c",
        "https://API.EXAMPLE.COM/a",
        "https://api.ex%61mple.com/",
        "https://ａpi.example.com/",
        "https://api.example.com:8443/",
        "https:\\\\api.example.com\\a",
        "https://bücher.example/",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/",
        "https://134744072/",
        "https://[2606:4700:0::1111]/",
        // A name is resolved later.
        "https://localhost/",
        // These two were granted with their ports: declared or not, plain or not.
        "http://127.0.0.1:9000/",
        "https://127.0.0.1:9000/",
        "http://2130706433:9000/",
        "http://0x7f.1:9000/",
        "http://0177.0.0.1:9000/",
        "http://127.1:9000/",
        "http://127.0.0.1.:9000/",
        "http://[::1]:9000/",
        "http://[0:0:0:0:0:0:0:1]:9000/",
    ] {
        assert_eq!(outcome(url), "ok", "{url}");
    }
}

#[test]
fn every_other_host_is_denied_with_a_reason() {
    for (url, reason) in [
        ("ftp://api.example.com/", "the scheme \"ftp\" is not https"),
        ("file:///etc/passwd", "the scheme \"file\""),
        ("data:text/plain,hello", "the scheme \"data\""),
        ("http://api.example.com/", "http is for an address"),
        ("http://api.example.com:443/", "http is for an address"),
        ("http://localhost:9000/", "and localhost:9000 is none"),
        ("http://127.0.0.1/", "and 127.0.0.1:80 is none"),
        ("http://127.0.0.1:9001/", "and 127.0.0.1:9001 is none"),
        ("http://8.8.8.8/", "http is for an address"),
        ("https://me@api.example.com/", "a user name or a password"),
        (
            "https://:pass@api.example.com/",
            "a user name or a password",
        ),
        ("https://api.example.com@evil.example/", "a user name"),
        ("http://127.0.0.1:9000@evil.example/", "a user name"),
        ("https://evil.example/", "evil.example is not among"),
        (
            "https://evil.example/?api.example.com",
            "evil.example is not",
        ),
        (
            "https://evil.example#@api.example.com",
            "evil.example is not",
        ),
        (
            "https://evil.example\\@api.example.com",
            "evil.example is not",
        ),
        ("https://api.example.com.evil.example/", "is not among"),
        ("https://notapi.example.com/", "is not among"),
        ("https://a.api.example.com/", "is not among"),
        ("https://example.com/", "is not among"),
        // A trailing dot makes another name of it.
        ("https://api.example.com./", "is not among"),
        // The first letter is Cyrillic.
        ("https://аpi.example.com/", "is not among"),
        (
            "https://api.example.com:444/",
            "api.example.com:444 is not among",
        ),
        ("https://granted.example.com/", "is not among"),
        (
            "https://declared.example.com/",
            "is not granted: the operator",
        ),
        ("https://10.0.0.1:8443/", "10.0.0.1:8443 is not granted"),
        ("https://127.0.0.1/", "127.0.0.1 is not a public address"),
        ("https://2130706433/", "127.0.0.1 is not a public address"),
        ("https://0x7f000001/", "127.0.0.1 is not a public address"),
        ("https://017700000001/", "127.0.0.1 is not a public address"),
        (
            "https://[::ffff:127.0.0.1]/",
            "[::ffff:7f00:1] is not among",
        ),
        ("http://[::ffff:127.0.0.1]:9000/", "http is for an address"),
        ("https://[::ffff:127.0.0.1]:9000/", "is not among"),
        ("http://[::127.0.0.1]:9000/", "http is for an address"),
        ("http://[::1]:9001/", "http is for an address"),
        ("https://[::1]/", "[::1] is not among"),
        ("https://0.0.0.0/", "0.0.0.0 is not among"),
        ("http://0.0.0.0:9000/", "http is for an address"),
        ("http://0:9000/", "and 0.0.0.0:9000 is none"),
        ("https://169.254.169.254/latest/meta-data", "is not among"),
        ("https://[fd00:ec2::254]/", "is not among"),
    ] {
        let outcome = outcome(url);
        assert!(outcome.contains(reason), "{url}: {outcome}");
    }
}

#[test]
fn a_private_address_needs_its_port_from_the_operator_not_from_the_provider() {
    let url: Url = "https://10.0.0.1:8443/".parse().unwrap();
    let declared = policy(&["10.0.0.1:8443"], &[]);
    assert!(matches!(declared.check(&url), Err(Denied::NotGranted(_))));
    let granted = policy(&[], &["10.0.0.1:8443"]);
    assert_eq!(granted.check(&url), Ok(()));
    let url: Url = "https://10.0.0.1/".parse().unwrap();
    let both = policy(&["10.0.0.1"], &["10.0.0.1"]);
    assert!(matches!(both.check(&url), Err(Denied::NotPublic(_))));
    assert_eq!(policy(&[], &["10.0.0.1:443"]).check(&url), Ok(()));
}

#[test]
fn nothing_is_allowed_by_default() {
    let url = "https://api.example.com/".parse().unwrap();
    assert!(HostPolicy::default().check(&url).is_err());
    assert!(policy(&["api.example.com"], &[]).check(&url).is_err());
    assert!(policy(&[], &["api.example.com"]).check(&url).is_err());
}

#[test]
fn an_entry_is_a_host_with_or_without_a_port() {
    for (text, expected) in [
        ("example.com", "example.com"),
        ("EXAMPLE.com:443", "example.com:443"),
        ("a_b.example", "a_b.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("0x7f.1:9000", "127.0.0.1:9000"),
        ("[::0001]:9000", "[::1]:9000"),
        ("[::1]", "[::1]"),
    ] {
        assert_eq!(entry(text).as_deref(), Ok(expected), "{text}");
    }
    for text in [
        "",
        " ",
        "https://example.com",
        "example.com/",
        "example.com:",
        "example.com:0",
        "example.com:+1",
        "example.com:65536",
        "example.com:1:2",
        "*.example.com",
        "*",
        "me@example.com",
        "example..com",
        "example.com.",
        "-a.example",
        "a%2eb.example",
        "::1",
        "[::1]9000",
        "[::1",
        "[127.0.0.1]",
        "1.2.3.4.5",
        "256.1.1.1",
    ] {
        let wrong = format!("expected host or host:port, got {text:?}");
        assert_eq!(entry(text), Err(wrong));
    }
}
