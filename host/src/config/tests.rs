use super::*;

fn load(environment: &[(&str, &str)], flags: &str) -> anyhow::Result<Config> {
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::load(None, environment, flags.parse().unwrap())
}

/// The message about wrong flags.
fn refused(flags: &str) -> String {
    format!("{:#}", load(&[], flags).unwrap_err())
}

#[test]
fn the_default_configuration_is_complete() {
    let config = load(&[], "").unwrap();
    assert_eq!(config.public_url(), "http://127.0.0.1:8787");
    assert!(config.has_role(Role::Workers));
    assert_eq!(config.engine, EngineLimits::default());
    assert_eq!(config.egress, EgressLimits::default());
}

#[test]
fn flags_override_the_environment_which_overrides_the_default() {
    let environment = [
        ("TRIGGERHOUSE_LISTEN", "1.2.3.4:5"),
        ("TRIGGERHOUSE_INBOX_POLL_MS", "7"),
    ];
    let config = load(&environment, "listen = '9.9.9.9:9'").unwrap();
    assert_eq!(config.listen, "9.9.9.9:9");
    assert_eq!(config.inbox.poll_ms.u64(), 7);
}

#[test]
fn a_public_url_ends_without_a_slash() {
    for url in [
        "https://hooks.example.com/th/",
        "https://hooks.example.com/th",
    ] {
        let config = load(&[], &format!("public_url = '{url}'")).unwrap();
        assert_eq!(config.public_url(), "https://hooks.example.com/th");
    }
}

#[test]
fn an_error_names_the_setting_and_says_what_was_expected_and_given() {
    for (flags, expected) in [
        (
            "[outbox]\nretry_seconds = 0",
            "outbox.retry_seconds: expected 1 to 604800 seconds, got 0",
        ),
        (
            "[outbox]\nattempts_max = -1",
            "outbox.attempts_max: expected 1 to 2147483647, got -1",
        ),
        (
            "[ingress]\nrequest_timeout_ms = 0",
            "ingress.request_timeout_ms: expected 1 to 604800000 milliseconds, got 0",
        ),
        (
            "[ingress]\nqueue_bytes_max = 0",
            "ingress.queue_bytes_max: expected 1 or more bytes, got 0",
        ),
        (
            "[ingress]\nsource_burst = 4294967296",
            "ingress.source_burst: expected 0 to 4294967295, got 4294967296",
        ),
        (
            "[ingress]\nbatch_deliveries_max = 1001",
            "ingress.batch_deliveries_max: expected 1 to 1000, got 1001",
        ),
        (
            "[inbox]\nin_flight_max = 10001",
            "inbox.in_flight_max: expected 1 to 10000, got 10001",
        ),
        (
            "[inbox]\nsettle_deliveries_max = 1001",
            "inbox.settle_deliveries_max: expected 1 to 1000, got 1001",
        ),
        (
            "[inbox]\npoll_ms = 'soon'",
            "inbox.poll_ms: invalid type: string \"soon\", expected 1 to 604800000 milliseconds",
        ),
        (
            "[inbox]\npoll_ms = 0.5",
            "inbox.poll_ms: invalid type: floating point `0.5`, expected 1 to 604800000 \
             milliseconds",
        ),
        (
            "[runs]\ndeadline_seconds = 604801",
            "runs.deadline_seconds: expected 1 to 604800 seconds, got 604801",
        ),
        (
            "[credentials]\ntimeout_ms = 0",
            "credentials.timeout_ms: expected 1 to 604800000 milliseconds, got 0",
        ),
        (
            "[sinks]\ncircuit_failures = -1",
            "sinks.circuit_failures: expected 1 to 2147483647, got -1",
        ),
        (
            "[retention]\nruns_days = 36501",
            "retention.runs_days: expected 0 to 36500 days, got 36501",
        ),
        (
            "[retention]\npass_rows_max = 0",
            "retention.pass_rows_max: expected 1 to 10000, got 0",
        ),
        (
            "[retention]\nevery_seconds = 0",
            "retention.every_seconds: expected 1 to 604800 seconds, got 0",
        ),
        (
            "database_connections_max = 5",
            "database_connections_max: expected 6 to 1000000, got 5",
        ),
        (
            "roles = []",
            "roles: expected at least one of ingress, workers, scheduler, dispatcher, api",
        ),
        (
            "[log]\nformat = 'xml'",
            "log.format: unknown variant `xml`, expected `text` or `json`",
        ),
    ] {
        assert_eq!(refused(flags), expected);
    }
}

#[test]
fn an_unknown_setting_is_named_with_the_known_ones() {
    let error = refused("[inbox]\nattempts = 3");
    let expected = "inbox.attempts: unknown field `attempts`, expected one of `in_flight_max`, ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn an_environment_variable_of_the_wrong_type_is_named() {
    let error = load(&[("TRIGGERHOUSE_INBOX_POLL_MS", "soon")], "").unwrap_err();
    let error = format!("{error:#}");
    let expected = "the environment variable TRIGGERHOUSE_INBOX_POLL_MS: expected integer in TOML, \
                    got \"soon\"";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn an_address_that_is_a_name_and_a_url_that_is_not_one_are_refused() {
    for (flags, expected) in [
        (
            "[credentials]\nallow_hosts = ['localhost:9000']",
            "credentials.allow_hosts: expected an address and port",
        ),
        (
            "[sinks]\nallow_hosts = ['localhost:9000']",
            "sinks.allow_hosts: expected an address and port",
        ),
        (
            "[telemetry]\notlp_endpoint = 'collector:4318'",
            "telemetry.otlp_endpoint: expected http or https",
        ),
        (
            "public_url = 'hooks.example.com'",
            "public_url: expected a URL, got \"hooks.example.com\"",
        ),
        (
            "[nango]\nbase_url = 'api.nango.dev'",
            "nango.base_url: expected a URL, got \"api.nango.dev\"",
        ),
        (
            "[nango]\nbase_url = 'https://api.nango.dev?a=b'",
            "nango.base_url: expected http or https",
        ),
    ] {
        let error = refused(flags);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_redis_url_that_is_wrong_is_named_and_not_shown() {
    let load = |url: &str| load(&[("TRIGGERHOUSE_REDIS_URL", url)], "");
    let error = format!("{:#}", load("redis://:hunter2@host/first").unwrap_err());
    assert!(error.starts_with("redis_url: expected redis://"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert!(load("rediss://:hunter2@host/1").is_ok());
    assert!(load("").is_ok());
}

#[test]
fn no_secret_shows_in_debug_output() {
    let flags = "master_key = 'the-master-key'
        database_url = 'postgres://me:the-password@host/db'
        redis_url = 'rediss://me:the-redis-password@host'
        [nango]
        signing_key = ['a-signing-key']
        secret_key = 'a-secret-key'
        [github_app]
        webhook_secret = 'a-webhook-secret'
        [[providers]]
        id = 'x'
        settings = { key = 'a-setting' }
        app_secrets = ['an-app-secret']";
    let shown = format!("{:?}", load(&[], flags).unwrap());
    assert!(shown.contains("postgres:…"), "{shown}");
    for secret in [
        "the-master-key",
        "the-password",
        "the-redis-password",
        "a-setting",
        "an-app-secret",
        "a-signing-key",
        "a-secret-key",
        "a-webhook-secret",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (flags, expected) in [
        (
            "[sinks]\nlease_seconds = 19",
            "sinks.lease_seconds: expected at least twice sinks.timeout_ms, which is 10000, got \
             19: no other dispatcher may send a message that is being sent",
        ),
        (
            "[polling]\nretry_base_ms = 20\nretry_max_ms = 10",
            "polling.retry_max_ms: expected at least polling.retry_base_ms, which is 20, got 10",
        ),
        (
            "[retention]\nevents_days = 30",
            "retention.events_days: expected 0 (keep forever) or at least retention.runs_days, \
             which is 90, got 30: an event stays as long as its run",
        ),
        (
            "[retention]\nruns_days = 0",
            "retention.events_days: expected 0 (keep forever), because retention.runs_days is 0, \
             got 90: an event stays as long as its run",
        ),
    ] {
        assert_eq!(refused(flags), expected);
    }
    assert!(load(&[], "[sinks]\nlease_seconds = 20").is_ok());
    assert!(load(&[], "[retention]\nevents_days = 0\nruns_days = 0").is_ok());
}
