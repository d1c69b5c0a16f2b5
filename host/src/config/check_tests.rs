use super::*;

#[test]
fn a_number_out_of_its_bounds_is_named() {
    for (flags, expected) in [
        (
            "[outbox]\nretry_seconds = 0",
            "outbox.retry_seconds: expected a number greater than 0",
        ),
        (
            "[outbox]\nattempts_max = -1",
            "outbox.attempts_max: expected a number greater than 0",
        ),
        (
            "[ingress]\nrequest_timeout_ms = 0",
            "ingress.request_timeout_ms: expected a number greater than 0",
        ),
        (
            "[inbox]\nin_flight_max = 10001",
            "inbox.in_flight_max: expected at most 10000, got 10001",
        ),
        (
            "[inbox]\nsettle_deliveries_max = 1001",
            "inbox.settle_deliveries_max: expected at most 1000",
        ),
        (
            "[runs]\ndeadline_seconds = 604801",
            "runs.deadline_seconds: expected at most 604800, got 604801",
        ),
        (
            "[ingress]\nbatch_deliveries_max = 1001",
            "ingress.batch_deliveries_max: expected at most 1000",
        ),
        (
            "[credentials]\ntimeout_ms = 0",
            "credentials.timeout_ms: expected a number greater than 0",
        ),
        (
            "[credentials]\nallow_hosts = ['localhost:9000']",
            "credentials.allow_hosts: expected an address and port",
        ),
        (
            "[telemetry]\notlp_endpoint = 'collector:4318'",
            "telemetry.otlp_endpoint: expected",
        ),
        (
            "[sinks]\nallow_hosts = ['localhost:9000']",
            "sinks.allow_hosts: expected an address and port",
        ),
        (
            "[sinks]\ncircuit_failures = -1",
            "sinks.circuit_failures: expected a number greater than 0",
        ),
        (
            "[sinks]\nlease_seconds = 19",
            "sinks.lease_seconds: expected at least twice sinks.timeout_ms",
        ),
        (
            "[nango]\nbase_url = 'api.nango.dev'",
            "nango.base_url: expected a URL",
        ),
        (
            "[nango]\nbase_url = 'https://api.nango.dev?a=b'",
            "nango.base_url: expected http or https",
        ),
    ] {
        let error = Config::load(None, std::iter::empty(), flags.parse().unwrap()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_redis_url_that_is_none_is_named_and_not_shown() {
    let load = |url: &str| {
        let environment = [("TRIGGERHOUSE_REDIS_URL".to_owned(), url.to_owned())];
        Config::load(None, environment.into_iter(), toml::Table::new())
    };
    let error = format!("{:#}", load("redis://:hunter2@host/first").unwrap_err());
    assert!(error.starts_with("redis_url: expected redis://"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert!(load("rediss://:hunter2@host/1").is_ok());
    assert!(load("").is_ok());
}
