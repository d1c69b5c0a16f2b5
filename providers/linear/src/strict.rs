//! Readers for values that filters decide on. A missing value is no fact. A value of another
//! type is an error, because a filter would silently decide on nothing.

use crate::facts::{Project, State, Team};
use serde_json::Value;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// Floats represent whole numbers exactly up to here.
const FLOAT_EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The whole number at `pointer`; missing and `null` are `None`. Linear's schema says
/// `Float`, so a proxy that rewrites the JSON may turn it into `2.0`.
pub fn whole_number(entity: &Payload<'_>, pointer: &str) -> Result<Option<i64>, ReadError> {
    match entity.value_at(pointer).and_then(Value::as_f64) {
        Some(number) if number.fract() == 0.0 && number.abs() <= FLOAT_EXACT_MAX => {
            // The cast is exact within these bounds.
            Ok(Some(number as i64))
        }
        _ => entity.integer_opt(pointer),
    }
}

/// The teams of an entity: `team`, or else the ids in `teamId` or `teamIds`.
pub fn teams(entity: &Payload<'_>) -> Result<Vec<Team>, ReadError> {
    if let Some(team) = entity.object_opt("/team")? {
        return Ok(vec![Team {
            id: team.short_text_opt("/id")?,
            key: team.short_text_opt("/key")?,
            name: team.name("/name"),
        }]);
    }
    let ids = match entity.short_text_opt("/teamId")? {
        Some(id) => vec![id],
        None => ids(entity, "/teamIds")?,
    };
    Ok(ids.into_iter().map(Team::of_id).collect())
}

/// The project that an entity belongs to, or only its id.
pub fn project(entity: &Payload<'_>) -> Result<Option<Project>, ReadError> {
    if let Some(project) = entity.object_opt("/project")? {
        return Ok(Some(Project {
            id: project.short_text_opt("/id")?,
            name: project.short_text_opt("/name")?,
            url: project.link("/url"),
            ..Project::default()
        }));
    }
    let id = entity.short_text_opt("/projectId")?;
    Ok(id.map(|id| Project {
        id: Some(id),
        ..Project::default()
    }))
}

/// The state at `pointer`, such as `/state`, or only the id at `/stateId`.
pub fn state(entity: &Payload<'_>, pointer: &str) -> Result<Option<State>, ReadError> {
    if let Some(state) = entity.object_opt(pointer)? {
        return Ok(Some(State {
            id: state.short_text_opt("/id")?,
            name: state.short_text_opt("/name")?,
            kind: state.short_text_opt("/type")?,
        }));
    }
    let id = entity.short_text_opt(&format!("{pointer}Id"))?;
    Ok(id.map(|id| State {
        id: Some(id),
        ..State::default()
    }))
}

/// The names and ids of an entity's labels. Webhooks send the arrays `labels` and
/// `labelIds`, unlike the GraphQL API with its `nodes`.
pub fn labels(entity: &Payload<'_>) -> Result<(Vec<String>, Vec<String>), ReadError> {
    let mut names = Vec::new();
    let mut label_ids = ids(entity, "/labelIds")?;
    // Reads by index: `items` would build a path for each of a million labels first.
    for index in 0..entity.array("/labels")?.len().min(LIST_ITEMS_MAX) {
        names.push(entity.short_text(&format!("/labels/{index}/name"))?);
        let id = entity.short_text_opt(&format!("/labels/{index}/id"))?;
        // Compares at most 100 with 100.
        label_ids.extend(id.filter(|id| !label_ids.contains(id)));
    }
    label_ids.truncate(LIST_ITEMS_MAX);
    Ok((names, label_ids))
}

/// The ids in the array at `pointer`.
pub fn ids(entity: &Payload<'_>, pointer: &str) -> Result<Vec<String>, ReadError> {
    let items = entity.array(pointer)?.iter().enumerate();
    items
        .take(LIST_ITEMS_MAX)
        .map(|(index, item)| match item {
            Value::String(id) => Ok(shorten(id, NAME_BYTES_MAX)),
            // The reader of one item reports the error.
            _ => entity.short_text(&format!("{pointer}/{index}")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        let read = |value: Value| whole_number(&Payload::new(&json!({ "n": value })), "/n");
        assert_eq!(read(json!(2)), Ok(Some(2)));
        assert_eq!(read(json!(2.0)), Ok(Some(2)));
        assert_eq!(read(json!(null)), Ok(None));
        for value in [json!(2.5), json!("2"), json!(1e300), json!(u64::MAX)] {
            let error = read(value.clone()).unwrap_err().to_string();
            assert!(
                error.starts_with("/n: expected a whole number, found "),
                "{value}: {error}"
            );
        }
    }

    #[test]
    fn labels_of_webhooks_are_an_array_and_never_nodes() {
        let entity = json!({"labels": [{"id": "1", "name": "Bug"}], "labelIds": ["1", "2"]});
        let (names, ids) = labels(&Payload::new(&entity)).unwrap();
        assert_eq!(names, ["Bug"]);
        assert_eq!(ids, ["1", "2"]);
        let nodes = json!({"labels": {"nodes": [{"id": "1", "name": "Bug"}]}});
        assert_eq!(
            labels(&Payload::new(&nodes)).unwrap_err().to_string(),
            "/labels: expected an array, found an object"
        );
    }

    #[test]
    fn an_id_of_another_type_is_named_by_its_place() {
        let entity = json!({"labelIds": ["1", 2]});
        assert_eq!(
            labels(&Payload::new(&entity)).unwrap_err().to_string(),
            "/labelIds/1: expected a string, found a number"
        );
    }
}
