use super::*;

const FORWARD: &str = r#"{"payload":{"z":1,"a":"Grüße 🍞 é"},"type":"forward",
    "connectionId":"c-1","providerConfigKey":"our-hub","from":"any"}"#;

#[test]
fn an_envelope_in_any_order_gives_its_payload_unchanged() {
    let Message::Forward {
        connection,
        payload,
    } = Message::read(FORWARD.as_bytes())
    else {
        panic!("a forward expected")
    };
    let named = (
        connection.provider_config_key,
        connection.id,
        connection.service,
    );
    assert_eq!(named, ("our-hub".into(), "c-1".into(), Some("any".into())));
    assert_eq!(payload.get(), r#"{"z":1,"a":"Grüße 🍞 é"}"#);
}

#[test]
fn any_payload_without_an_envelope_is_unattributed() {
    for body in [
        r#"{"action":"opened","type":"Issue","connectionId":"c-1"}"#,
        r#"{"type":"Issue","from":"me","payload":{"connectionId":"c-1"}}"#,
        r#"{"type":"sync","connectionId":"c-1"}"#,
        r#"{"type":"auth","connectionId":"c-1","operation":"deletion","success":true}"#,
        r#"{"type":5,"from":"x","providerConfigKey":"y"}"#,
        "[]",
        "no json",
        "",
    ] {
        assert!(
            matches!(Message::read(body.as_bytes()), Message::Unattributed),
            "{body}"
        );
    }
}

#[test]
fn an_envelope_without_connection_or_payload_says_so() {
    for (body, expected) in [
        (
            r#"{"type":"forward","from":"x","providerConfigKey":"y","payload":{}}"#,
            "the envelope names no connection",
        ),
        (
            r#"{"type":"forward","from":"x","providerConfigKey":"y","connectionId":"c","payload":null}"#,
            "the envelope has no payload",
        ),
        (
            r#"{"type":"tomorrows","from":"x","providerConfigKey":"y","connectionId":"c"}"#,
            "messages of the type \"tomorrows\" start no run",
        ),
    ] {
        let Message::Other(reason) = Message::read(body.as_bytes()) else {
            panic!("{body}")
        };
        assert_eq!(reason, expected);
    }
}

#[test]
fn news_about_a_connection_names_the_error() {
    let body = r#"{"type":"auth","from":"x","providerConfigKey":"y","connectionId":"c",
        "operation":"refresh","success":false,"authMode":"OAUTH2",
        "error":{"type":"refresh_token_invalid","description":"revoked"},"endUser":{"id":"7"}}"#;
    let Message::Auth(auth) = Message::read(body.as_bytes()) else {
        panic!("news expected")
    };
    assert_eq!(
        (auth.operation, auth.success, auth.error.as_deref()),
        (Operation::Refresh, false, Some("revoked"))
    );
    let connection = auth.connection;
    assert_eq!(
        (
            connection.provider_config_key.as_str(),
            connection.id.as_str()
        ),
        ("y", "c")
    );
}

#[test]
fn unreadable_news_is_kept_with_its_reason() {
    let news = |rest: &str| {
        format!(r#"{{"type":"auth","providerConfigKey":"y","connectionId":"c"{rest}}}"#)
    };
    for rest in [
        "",
        r#","operation":"refresh""#,
        r#","operation":1,"success":true"#,
    ] {
        let body = news(rest);
        let Message::Other(reason) = Message::read(body.as_bytes()) else {
            panic!("{body}")
        };
        assert_eq!(reason, "news about a connection, which cannot be read");
    }
    // An error of another form must not make the news unreadable.
    let body = news(r#","operation":"refresh","success":false,"error":"gone""#);
    assert!(matches!(
        Message::read(body.as_bytes()),
        Message::Auth(Auth {
            success: false,
            error: None,
            ..
        })
    ));
}
