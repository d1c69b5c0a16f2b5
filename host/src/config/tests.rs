use super::*;

fn load(environment: &[(&str, &str)], flags: &str) -> anyhow::Result<Config> {
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::load(None, environment, flags.parse().unwrap())
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
fn flags_stand_above_the_environment_above_the_default() {
    let environment = [
        ("TRIGGERHOUSE_LISTEN", "1.2.3.4:5"),
        ("TRIGGERHOUSE_INBOX_POLL_MS", "7"),
    ];
    let config = load(&environment, "listen = '9.9.9.9:9'").unwrap();
    assert_eq!(config.listen, "9.9.9.9:9");
    assert_eq!(config.inbox.poll_ms, 7);
}

#[test]
fn a_wrong_setting_is_named() {
    let error = load(&[("TRIGGERHOUSE_INBOX_POLL_MS", "soon")], "").unwrap_err();
    assert!(
        format!("{error:#}").contains("TRIGGERHOUSE_INBOX_POLL_MS"),
        "{error:#}"
    );
    let error = load(&[], "[inbox]\nattempts = 3").unwrap_err();
    assert!(format!("{error:#}").contains("attempts"), "{error:#}");
}
#[test]
fn no_secret_shows_in_what_is_printed_for_debugging() {
    let flags = "master_key = 'the-master-key'
        database_url = 'postgres://me:the-password@host/db'
        redis_url = 'rediss://me:the-redis-password@host'
        [nango]
        signing_key = ['a-signing-key']
        secret_key = 'a-secret-key'
        [[providers]]
        id = 'x'
        settings = { key = 'a-setting' }
        app_secrets = ['an-app-secret']";
    let shown = format!("{:?}", load(&[], flags).unwrap());
    for secret in [
        "the-master-key",
        "the-password",
        "the-redis-password",
        "a-setting",
        "an-app-secret",
        "a-signing-key",
        "a-secret-key",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_lease_has_room_for_waiting_and_for_working() {
    let error = load(
        &[],
        "[inbox]\nlease_seconds = 40\ndelivery_seconds_max = 20",
    )
    .unwrap_err();
    assert!(
        format!("{error:#}").starts_with("inbox.lease_seconds: expected more than twice"),
        "{error:#}"
    );
    assert!(load(&[], "[inbox]\nlease_seconds = 41").is_ok());
}
