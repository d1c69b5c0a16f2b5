use super::*;

fn place() -> SealedPlace {
    SealedPlace::SigningSecret(Uuid::now_v7())
}

#[test]
fn a_sealed_value_opens_in_its_place_only() {
    let (key, here) = (MasterKey::generate(), place());
    let sealed = key.seal(b"s3cret", here);
    let opened = key.open_secret(&sealed, here);
    assert_eq!(opened.unwrap().expose(), "s3cret");

    let elsewhere = key.open(&sealed, place());
    assert_eq!(elsewhere, Err(OpenError::NotAuthentic));
    let other_key = MasterKey::generate().open(&sealed, here);
    assert_eq!(other_key, Err(OpenError::NotAuthentic));
}

#[test]
fn a_changed_or_cut_value_does_not_open() {
    let (key, place) = (MasterKey::generate(), place());
    let sealed = key.seal(b"s3cret", place);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(key.open(&changed, place).is_err(), "byte {at}");
        assert!(key.open(&sealed[..at], place).is_err(), "{at} bytes");
    }
    assert_eq!(key.open(&[], place), Err(OpenError::UnknownForm));
    assert_eq!(key.open(&[2; 60], place), Err(OpenError::UnknownForm));
}

#[test]
fn the_same_text_is_never_sealed_the_same_way_and_does_not_show() {
    let (key, place) = (MasterKey::generate(), place());
    let (one, two) = (key.seal(b"s3cret", place), key.seal(b"s3cret", place));
    assert_ne!(one, two);
    assert!(!one.windows(6).any(|window| window == b"s3cret"));
    let empty = key.seal(b"", place);
    assert_eq!(key.open(&empty, place).unwrap().as_slice(), b"");
}

/// Values in databases depend on these texts.
#[test]
fn the_texts_of_places_never_change() {
    let id = Uuid::nil();
    let integration = IntegrationId(id);
    let texts = [
        SealedPlace::SigningSecret(id),
        SealedPlace::Credential {
            integration,
            seal_id: id,
        },
        SealedPlace::AccessToken {
            integration,
            seal_id: id,
        },
    ];
    let texts = texts.map(|place| place.to_string());
    let expected = [
        id.to_string(),
        format!("credentials.sealed {integration} {id}"),
        format!("credentials.access_sealed {integration} {id}"),
    ];
    assert_eq!(texts, expected);
}
