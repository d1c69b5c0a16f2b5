//! Partial answers: `fields=id,payload/headers,payload(parts(filename))`.

use serde_json::{Map, Value};

/// The part of an answer that `selector` selects.
pub fn select(value: Value, selector: Option<&str>) -> Value {
    match selector {
        Some(selector) => pick(&value, selector),
        None => value,
    }
}

fn pick(value: &Value, selector: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| pick(item, selector)).collect(),
        Value::Object(object) => {
            let mut picked = Map::new();
            for (name, rest) in split(selector) {
                let Some(value) = object.get(name) else {
                    continue;
                };
                let value = if rest.is_empty() {
                    value.clone()
                } else {
                    pick(value, rest)
                };
                match picked.get_mut(name) {
                    Some(before) => merge(before, value),
                    None => {
                        picked.insert(name.into(), value);
                    }
                }
            }
            picked.into()
        }
        other => other.clone(),
    }
}

/// `a,b/c,d(e,f)` is `a`, `b` with `c`, `d` with `e,f`.
fn split(selector: &str) -> Vec<(&str, &str)> {
    let (mut depth, mut start, mut fields) = (0, 0, Vec::new());
    for (at, byte) in selector.bytes().chain([b',']).enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                fields.push(field(&selector[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    fields
}

fn field(text: &str) -> (&str, &str) {
    match text.find(['/', '(']) {
        Some(at) if text[at..].starts_with('/') => (&text[..at], &text[at + 1..]),
        Some(at) => {
            let inner = &text[at + 1..];
            (&text[..at], inner.strip_suffix(')').unwrap_or(inner))
        }
        None => (text, ""),
    }
}

/// `payload/headers,payload(parts)` names `payload` twice.
fn merge(before: &mut Value, value: Value) {
    if let (Value::Object(before), Value::Object(value)) = (before, value) {
        before.extend(value);
    }
}
