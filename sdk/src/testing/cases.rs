//! Tables of broken values, for tests of a provider's errors.

use serde_json::Value;

/// One value of a wrong type, and the error that names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The example to break, in the words of the provider's tests: `issues.opened`.
    pub example: String,
    /// The JSON Pointer to the value, which the example has.
    pub pointer: String,
    /// The wrong value.
    pub value: Value,
    /// The text of the error.
    pub error: String,
}

impl Case {
    /// The example with the wrong value.
    ///
    /// # Panics
    /// If the example has no value there.
    #[track_caller]
    pub fn apply(&self, mut example: Value) -> Value {
        match example.pointer_mut(&self.pointer) {
            Some(value) => *value = self.value.clone(),
            None => panic!("{} has no {}", self.example, self.pointer),
        }
        example
    }
}

/// Reads a table with one case per line: `example /pointer value → expected, found type`.
/// The error starts with the pointer. A text that begins with `/` is the whole error, for
/// one that names another pointer.
///
/// # Panics
/// If a line is not a case.
pub fn cases(table: &str) -> Vec<Case> {
    let lines = table.lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).map(case).collect()
}

fn case(line: &str) -> Case {
    let read = || {
        let (left, expected) = line.split_once(" → ")?;
        let mut words = left.splitn(3, ' ');
        let (example, pointer, value) = (words.next()?, words.next()?, words.next()?);
        let error = match expected.starts_with('/') {
            true => expected.to_owned(),
            false => format!("{pointer}: expected {expected}"),
        };
        Some(Case {
            example: example.to_owned(),
            pointer: pointer.to_owned(),
            value: serde_json::from_str(value).ok()?,
            error,
        })
    };
    read().unwrap_or_else(|| panic!("not a case: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_an_example_a_pointer_a_value_and_an_error() {
        let cases = cases(
            r#"
            door.rung /door {"name": "a b"} → a string, found an object
            door.rung /at [] → /at/0: expected a number, found nothing
            "#,
        );
        assert_eq!(cases[0].error, "/door: expected a string, found an object");
        let broken = cases[0].apply(json!({"door": "front"}));
        assert_eq!(broken, json!({"door": {"name": "a b"}}));
        assert_eq!(cases[1].error, "/at/0: expected a number, found nothing");
        assert_eq!((cases[1].example.as_str(), cases.len()), ("door.rung", 2));
    }
}
