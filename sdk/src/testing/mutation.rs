//! Breaks a delivery. Random bytes choose the damage.

use crate::contract::types::WebhookRequest;
use serde_json::{Value, json};

/// Decisions made by bytes. When they run out, the first choice is taken, so that a fuzzer
/// can shorten its findings.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let Some((low, rest)) = self.0.split_first() else {
            return 0;
        };
        let (high, rest) = match rest.split_first() {
            // Only long lists need a second byte.
            Some((high, rest)) if limit > 256 => (*high, rest),
            _ => (0, rest),
        };
        self.0 = rest;
        (usize::from(*low) + 256 * usize::from(high)) % limit.max(1)
    }
}

/// One of `deliveries` with one to four changes: a value of its JSON is replaced or removed,
/// a header is changed or removed, the body is cut off, or `bytes` become the body.
pub fn mutate(deliveries: &[WebhookRequest], bytes: &[u8]) -> WebhookRequest {
    let mut choices = Choices(bytes);
    let mut request = deliveries[choices.below(deliveries.len())].clone();
    for _ in 0..=choices.below(4) {
        match choices.below(16) {
            0 => cut(&mut request, &mut choices),
            1 => header(&mut request, &mut choices),
            2 => request.body = choices.0.to_vec(),
            _ => value(&mut request, &mut choices),
        }
    }
    request
}

fn cut(request: &mut WebhookRequest, choices: &mut Choices<'_>) {
    let length = choices.below(request.body.len());
    request.body.truncate(length);
}

fn header(request: &mut WebhookRequest, choices: &mut Choices<'_>) {
    if request.headers.is_empty() {
        return;
    }
    let index = choices.below(request.headers.len());
    match choices.below(3) {
        0 => {
            request.headers.remove(index);
        }
        1 => request.headers[index].value = "é🍞\u{0}".repeat(choices.below(400)),
        _ => request.headers[index].value.clear(),
    }
}

fn value(request: &mut WebhookRequest, choices: &mut Choices<'_>) {
    if let Ok(mut value) = serde_json::from_slice(&request.body) {
        walk(&mut value, choices);
        request.body = value.to_string().into_bytes();
    }
}

/// Replaces or removes one value.
fn walk(value: &mut Value, choices: &mut Choices<'_>) {
    let descend = choices.below(4) > 0;
    match value {
        Value::Object(map) if descend && !map.is_empty() => {
            let Some(key) = map.keys().nth(choices.below(map.len())).cloned() else {
                return;
            };
            if choices.below(8) == 0 {
                map.remove(&key);
            } else if let Some(value) = map.get_mut(&key) {
                walk(value, choices);
            }
        }
        Value::Array(items) if descend && !items.is_empty() => {
            let index = choices.below(items.len());
            walk(&mut items[index], choices);
        }
        _ => *value = strange(choices),
    }
}

/// A value that most fields do not expect.
fn strange(choices: &mut Choices<'_>) -> Value {
    match choices.below(20) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1.5e300),
        5 => json!(0),
        6 => json!(""),
        7 => json!("\u{0}\u{7f}\n"),
        8 => json!("é🍞".repeat(700)),
        9 => json!("\u{1}".repeat(50_000)),
        10 => json!([]),
        11 => json!([null, 1, "x", {"name": 5}, [["a", "b"], ["c"]]]),
        12 => json!({}),
        13 => json!({"login": "x", "id": [], "name": {}, "type": null, "key": 1}),
        14 => json!("refs/heads/"),
        15 => json!("9999-12-31T23:59:59Z"),
        16 => json!("-4712-01-01T00:00:00Z"),
        17 => json!(i64::MIN),
        18 => json!("https://x/projects/é/../"),
        _ => json!("17"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_break_a_delivery_in_the_same_way() {
        let body = br#"{"a": {"b": [1, 2, {"c": "d"}]}, "e": null}"#;
        let deliveries = [WebhookRequest::for_test(&[("x-event", "rung")], body)];
        let mut seen = std::collections::HashSet::new();
        for seed in 0..=255u8 {
            let bytes: Vec<u8> = (0..12)
                .map(|i| seed.wrapping_mul(31).wrapping_add(i * 7))
                .collect();
            let broken = mutate(&deliveries, &bytes);
            assert_eq!(broken, mutate(&deliveries, &bytes));
            seen.insert(broken.body);
        }
        assert!(seen.len() > 50, "{} bodies", seen.len());
        mutate(&deliveries, &[]);
    }
}
