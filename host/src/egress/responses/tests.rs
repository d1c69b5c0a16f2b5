use super::*;
use crate::egress::hop::Request;
use crate::egress::placed_credential::PlacedCredential;
use reqwest::Method;

const NOW: Timestamp = Timestamp(1_795_444_469_000_000);

fn key(url: &str, headers: &[(&str, &str)], secret: Option<&str>) -> Key {
    let headers = headers.iter().map(|(name, value)| Header {
        name: (*name).into(),
        value: (*value).into(),
    });
    let request = Request {
        method: Method::GET,
        url: url.into(),
        headers: headers.collect(),
        body: None,
    };
    let hop = Hop::first(
        request,
        &PlacedCredential::default(),
        &EgressLimits::default(),
    )
    .unwrap();
    Key::of(&hop, secret.map(Secret::from).as_ref())
}

fn answer(headers: &[(&'static str, &str)], body: &[u8]) -> (HeaderMap, Response) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let headers = headers.iter().map(|(name, value)| Header {
        name: (*name).into(),
        value: (*value).into(),
    });
    let response = Response {
        status: 200,
        headers: headers.collect(),
        body: body.to_vec(),
    };
    (map, response)
}

fn keep(cache: &ResponseCache, key: Key, answer: &(HeaderMap, Response), limits: &EgressLimits) {
    cache.keep(key, &answer.0, &answer.1, limits);
}

#[test]
fn an_answer_belongs_to_its_url_its_headers_and_its_credential() {
    let url = "https://a.example/?q";
    let base = key(url, &[("accept", "a"), ("x", "1")], Some("s"));
    assert_eq!(base, key(url, &[("x", "1"), ("Accept", "a")], Some("s")));
    for other in [
        key(
            "https://a.example/?r",
            &[("accept", "a"), ("x", "1")],
            Some("s"),
        ),
        key(url, &[("accept", "b"), ("x", "1")], Some("s")),
        key(url, &[("accept", "a")], Some("s")),
        key(url, &[("accept", "a"), ("x", "1")], Some("t")),
        key(url, &[("accept", "a"), ("x", "1")], None),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn a_response_without_etag_or_with_no_store_or_vary_is_not_kept() {
    let (cache, limits) = (ResponseCache::default(), EgressLimits::default());
    let key = key("https://a.example/", &[], None);
    for headers in [
        &[][..],
        &[("etag", "\"a\""), ("cache-control", "private, No-Store")],
        &[("etag", "\"a\""), ("vary", "*")],
    ] {
        keep(&cache, key, &answer(&[("etag", "\"a\"")], b"x"), &limits);
        assert!(cache.find(key).is_some());
        keep(&cache, key, &answer(headers, b"x"), &limits);
        assert!(cache.find(key).is_none(), "{headers:?}");
    }
    let mut created = answer(&[("etag", "\"a\"")], b"x");
    created.1.status = 201;
    keep(&cache, key, &created, &limits);
    assert!(cache.find(key).is_none());
}

#[test]
fn number_and_bytes_are_bounded_and_the_least_recently_used_goes_first() {
    let limits = EgressLimits {
        kept_responses_max: 3,
        kept_response_bytes_max: 60,
        kept_bytes_max: 100,
        ..EgressLimits::default()
    };
    let cache = ResponseCache::default();
    let keys: Vec<Key> = (0..5)
        .map(|n| key(&format!("https://a.example/{n}"), &[], None))
        .collect();
    // Each has 7 bytes of headers.
    let of = |bytes: usize| answer(&[("etag", "\"a\"")], &vec![0; bytes]);
    let found = || -> Vec<bool> {
        let memory = cache.0.lock().unwrap();
        keys.iter()
            .map(|key| memory.kept.iter().any(|(kept, _)| kept == key))
            .collect()
    };
    for key in &keys[..3] {
        keep(&cache, *key, &of(10), &limits);
    }
    assert!(cache.find(keys[0]).is_some());
    keep(&cache, keys[3], &of(10), &limits);
    assert_eq!(found(), [true, false, true, true, false]);
    keep(&cache, keys[4], &of(53), &limits);
    assert_eq!(found(), [true, false, false, true, true]);
    keep(&cache, keys[0], &of(40), &limits);
    assert_eq!(found(), [true, false, false, false, false]);
    keep(&cache, keys[0], &of(54), &limits);
    assert_eq!(found(), [false; 5]);
    let none = EgressLimits {
        kept_responses_max: 0,
        ..EgressLimits::default()
    };
    keep(&cache, keys[0], &of(1), &none);
    assert_eq!(found(), [false; 5]);
}

#[test]
fn a_kept_response_takes_over_newer_headers() {
    let (cache, limits) = (ResponseCache::default(), EgressLimits::default());
    let key = key("https://a.example/", &[], None);
    let headers = [
        ("etag", "\"a\""),
        ("content-type", "a/b"),
        ("x-left", "9"),
        ("x-left", "8"),
    ];
    keep(&cache, key, &answer(&headers, b"body"), &limits);
    let newer = answer(
        &[("x-left", "7"), ("content-length", "0"), ("x-new", "1")],
        b"",
    );
    let refreshed = cache.find(key).unwrap().refreshed(newer.1.headers);
    let expected = answer(
        &[
            ("etag", "\"a\""),
            ("content-type", "a/b"),
            ("x-left", "7"),
            ("x-new", "1"),
        ],
        b"body",
    );
    assert_eq!(refreshed, expected.1);
}

#[test]
fn a_pause_belongs_to_its_host_and_ends() {
    let cache = ResponseCache::default();
    let host = |url: &str| HostPort::of(&url.parse().unwrap());
    let (a, b) = (host("https://a.example/x"), host("https://b.example/"));
    let second = Duration::from_secs(1);
    assert_eq!(cache.paused_until(NOW), None);
    cache.pause(a.clone(), StatusCode::TOO_MANY_REQUESTS, NOW + second * 9);
    cache.pause(b.clone(), StatusCode::SERVICE_UNAVAILABLE, NOW + second * 5);
    let refusal = cache.paused(&a, NOW + second / 2).unwrap();
    assert_eq!((refusal.status, refusal.body.len()), (429, 0));
    assert_eq!(refusal.headers[0].value, "9");
    assert_eq!(cache.paused(&b, NOW).unwrap().status, 503);
    assert_eq!(cache.paused(&b, NOW + second * 5), None);
    assert_eq!(cache.paused(&host("https://a.example:8443/"), NOW), None);
    assert_eq!(cache.paused_until(NOW), Some(NOW + second * 9));
    assert_eq!(cache.paused_until(NOW + second * 9), None);
    cache.pause(a.clone(), StatusCode::TOO_MANY_REQUESTS, NOW + second);
    assert_eq!(cache.paused_until(NOW), Some(NOW + second * 5));
    for n in 0..PAUSES_MAX {
        let other = host(&format!("https://{n}.example/"));
        cache.pause(other, StatusCode::TOO_MANY_REQUESTS, NOW + second);
    }
    assert_eq!(cache.paused(&a, NOW), None);
}
