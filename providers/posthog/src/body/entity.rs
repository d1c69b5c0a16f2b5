//! The surroundings of an event: the person, the project, the groups, the destination.

use crate::facts::{Bag, Group, Person, Project, Source};
use serde_json::Value;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// Bytes of the JSON of all properties kept of a person.
const PERSON_BYTES_MAX: usize = 32_768;
/// Bytes of an e-mail address (RFC 5321 allows 254). A longer text is none: if it were cut, it
/// might seem to end in another domain.
const EMAIL_BYTES_MAX: usize = 320;

/// The text at `pointer`. It becomes the event's kind or title, so it must not be blank.
pub fn required_text<'a>(payload: &Payload<'a>, pointer: &str) -> Result<&'a str, ReadError> {
    let text = payload.text(pointer)?;
    match payload.object(pointer) {
        // Only an error of the reader knows the whole path.
        Err(error) if text.trim().is_empty() => Err(ReadError {
            expected: "a name or text",
            found: "a blank one",
            ..error
        }),
        _ => Ok(text),
    }
}

/// The first id at one of `pointers` that is not empty, uncut.
pub fn id_of(payload: &Payload<'_>, pointers: &[&str]) -> Result<Option<String>, ReadError> {
    for pointer in pointers {
        if let Some(id) = payload.id_opt(pointer)?.filter(|id| !id.is_empty()) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The text or number at `pointer` as it is written, to compare it with another.
pub fn written(payload: &Payload<'_>, pointer: &str) -> Option<String> {
    match payload.value_at(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The person. Customers choose the properties, so an `email` of another type is ignored, and
/// the event is still read.
pub fn person(around: &Payload<'_>) -> Result<Option<Person>, ReadError> {
    let Some(person) = around.object_opt("/person")? else {
        return Ok(None);
    };
    let id = id_of(&person, &["/uuid", "/id"])?;
    let properties = person.object_opt("/properties")?;
    let properties = properties.as_ref().map(Payload::value);
    let bag = Bag::of(properties, PERSON_BYTES_MAX);
    Ok(known(Person {
        id: id.map(|id| shorten(&id, NAME_BYTES_MAX)),
        name: person.name("/name"),
        email: person
            .raw("/properties/email")
            .filter(|email| email.len() <= EMAIL_BYTES_MAX)
            .map(str::to_owned),
        url: person.link("/url"),
        properties: bag.kept,
        properties_omitted: bag.omitted,
    }))
}

/// The project. The default body lacks it, but the URL of the event contains its id.
pub fn project(
    around: &Payload<'_>,
    event: &Payload<'_>,
    uuid: Option<&str>,
) -> Result<Option<Project>, ReadError> {
    let short = |id: String| shorten(&id, NAME_BYTES_MAX);
    let named = match around.object_opt("/project")? {
        Some(project) => Project {
            id: id_of(&project, &["/id"])?.map(short),
            name: project.short_text_opt("/name")?,
            url: project.link("/url"),
        },
        None => Project {
            id: id_of(event, &["/teamId", "/team_id"])?.map(short),
            ..Project::default()
        },
    };
    Ok(known(Project {
        id: named
            .id
            .or_else(|| project_of_link(event.raw("/url")?, uuid?)),
        ..named
    }))
}

/// `2` of `https://us.posthog.com/project/2/events/<uuid>/…`. A template may contain any other
/// link, so only a link to this event counts.
fn project_of_link(link: &str, uuid: &str) -> Option<String> {
    let (_, path) = link.split_once("/project/")?;
    let mut steps = path.split('/');
    let (id, events, event) = (steps.next()?, steps.next()?, steps.next()?);
    let is_number = !id.is_empty() && id.len() <= 20 && id.bytes().all(|b| b.is_ascii_digit());
    (is_number && events == "events" && event == uuid).then(|| id.to_owned())
}

/// The groups.
pub fn groups(body: &Payload<'_>) -> Vec<Group> {
    let groups = body.value_at("/groups").and_then(Value::as_object);
    let groups = groups.into_iter().flatten().take(LIST_ITEMS_MAX);
    groups
        .map(|(kind, group)| {
            let group = Payload::new(group);
            Group {
                kind: shorten(kind, NAME_BYTES_MAX),
                id: written(&group, "/id").map(|id| shorten(&id, NAME_BYTES_MAX)),
                url: group.link("/url"),
            }
        })
        .collect()
}

/// The destination.
pub fn source(body: &Payload<'_>) -> Option<Source> {
    known(Source {
        name: body.name("/source/name"),
        url: body.link("/source/url"),
    })
}

/// The identity of the destination: the URL of its page, or its name.
pub fn rule(body: &Payload<'_>) -> Option<String> {
    let rule = body.raw("/source/url").or_else(|| body.raw("/source/name"));
    rule.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_of_this_event_reveals_the_project() {
        let of = |link: &str| project_of_link(link, "u-1");
        assert_eq!(
            of("https://us.posthog.com/project/2/events/u-1/2026-01-01"),
            Some("2".into())
        );
        assert_eq!(
            of("https://ph.example.com/x/project/2/events/u-1"),
            Some("2".into())
        );
        for link in [
            "https://us.posthog.com/project/2/events/u-2/2026-01-01",
            "https://us.posthog.com/project/2/person/u-1",
            "https://us.posthog.com/project//events/u-1",
            "https://us.posthog.com/project/acme/events/u-1",
            "https://us.posthog.com/events/u-1",
            "https://app.example.com/project/2",
        ] {
            assert_eq!(of(link), None, "{link}");
        }
    }
}
