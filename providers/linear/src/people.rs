//! Actors, persons and bots. Recognizes apps, and never guesses from a name.

use crate::facts::{Actor, Person};
use serde_json::Value;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// The end of an app's synthetic e-mail address. Linear treats an app that acts in its own
/// name as a `user` of the workspace, and only the address reveals it.
const APP_ADDRESS: &str = "@oauthapp.linear.app";
/// Bytes of a bot's description, which may be JSON within a string. Longer ones are not read.
const BOT_BYTES_MAX: usize = 4_096;

/// The `actor`: `null` if it was deleted, missing in payloads of 2023.
///
/// # Errors
/// If it is not as Linear documents it, because `ignore_apps` decides on it.
pub fn actor(payload: &Payload<'_>) -> Result<Option<Actor>, ReadError> {
    let Some(actor) = payload.object_opt("/actor")? else {
        return Ok(None);
    };
    let person = read(&actor)?;
    Ok(Some(Actor {
        kind: actor.short_text_opt("/type")?,
        service: actor.name("/service"),
        url: actor.link("/url"),
        ..Actor::from(person)
    }))
}

/// The person at `pointer`, such as `/creator`, or else only the id at `/creatorId`: removed
/// users and payloads of 2023 have nothing more.
///
/// # Errors
/// If either is not as Linear documents it.
pub fn person(entity: &Payload<'_>, pointer: &str) -> Result<Option<Person>, ReadError> {
    if let Some(person) = entity.object_opt(pointer)? {
        return read(&person).map(Some);
    }
    let id = entity.short_text_opt(&format!("{pointer}Id"))?;
    Ok(id.map(|id| Person {
        id: Some(id),
        ..Person::default()
    }))
}

fn read(person: &Payload<'_>) -> Result<Person, ReadError> {
    Ok(Person {
        id: person.short_text_opt("/id")?,
        name: person.short_text_opt("/name")?,
        email: person.short_text_opt("/email")?,
    })
}

/// The bot that created `entity`. Linear's schema says it is a string; deliveries with an
/// object exist too. No filter decides on its contents.
pub fn bot(entity: &Payload<'_>) -> Option<Person> {
    let parsed;
    let bot = match entity.value_at("/botActor")? {
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => {
            let json = (text.len() <= BOT_BYTES_MAX).then(|| serde_json::from_str(text));
            parsed = match json {
                Some(Ok(value @ Value::Object(_))) => value,
                _ => serde_json::json!({ "name": shorten(text, NAME_BYTES_MAX) }),
            };
            Payload::new(&parsed)
        }
        value => Payload::new(value),
    };
    Some(Person {
        id: bot.name("/id"),
        name: bot.name("/name").or_else(|| bot.name("/type")),
        email: None,
    })
}

/// True for an actor that is not a person. Linear documents the types `user`, `externalUser`,
/// `oauthClient` and `integration`; the first two are people. A type that Linear adds later
/// counts as an app, because a missed run is noticed sooner than a loop is stopped.
pub fn is_app(actor: &Actor, app_user: Option<&str>) -> bool {
    let is_person = |kind: &String| {
        kind.eq_ignore_ascii_case("user") || kind.eq_ignore_ascii_case("externalUser")
    };
    let is_app_address = |email: &String| email.to_ascii_lowercase().ends_with(APP_ADDRESS);
    actor.kind.as_ref().is_some_and(|kind| !is_person(kind))
        || actor.email.as_ref().is_some_and(is_app_address)
        || (actor.id.is_some() && actor.id.as_deref() == app_user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bot_is_an_object_json_in_a_string_or_a_name() {
        let name = |value: Value| bot(&Payload::new(&value))?.name;
        let object = json!({"id": "1", "type": "workflow", "name": "Linear"});
        assert_eq!(name(json!({"botActor": object})), Some("Linear".into()));
        assert_eq!(
            name(json!({"botActor": object.to_string()})),
            Some("Linear".into())
        );
        assert_eq!(name(json!({"botActor": "Linear"})), Some("Linear".into()));
        assert_eq!(
            name(json!({"botActor": {"type": "github"}})),
            Some("github".into())
        );
        assert_eq!(name(json!({"botActor": null})), None);
        assert_eq!(name(json!({"botActor": ""})), None);
        assert!(bot(&Payload::new(&json!({"botActor": 7}))).is_some());
    }
}
