//! The attachments of a message: the parts with a file name.
//!
//! An image within the text is not one. It has a `Content-ID` for references, and the disposition
//! `inline` or none. `inline` alone proves little, because Apple's Mail marks every PDF so.

use serde_json::Value;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::{one_line, shorten};

/// The names of the attachments. The message must be fetched with its parts.
pub fn read(message: &Value) -> Vec<String> {
    let mut names = Vec::new();
    let mut parts: Vec<&Value> = message.get("payload").into_iter().collect();
    while let Some(part) = parts.pop() {
        let filename = part.get("filename").and_then(Value::as_str);
        let filename = one_line(filename.unwrap_or_default());
        if !filename.is_empty() && !is_shown_in_text(part) {
            names.push(shorten(&filename, NAME_BYTES_MAX));
            if names.len() == LIST_ITEMS_MAX {
                break;
            }
        }
        let inner = part.get("parts").and_then(Value::as_array);
        parts.extend(inner.into_iter().flatten().rev());
    }
    names
}

fn is_shown_in_text(part: &Value) -> bool {
    let mime_type = part.get("mimeType").and_then(Value::as_str);
    let disposition = header(part, "Content-Disposition");
    let detached = disposition.is_some_and(|value| {
        let (kind, _) = value.split_once(';').unwrap_or((value, ""));
        kind.trim().eq_ignore_ascii_case("attachment")
    });
    mime_type.is_some_and(|mime_type| mime_type.starts_with("image/"))
        && header(part, "Content-ID").is_some()
        && !detached
}

fn header<'a>(part: &'a Value, name: &str) -> Option<&'a str> {
    let headers = part.get("headers")?.as_array()?;
    let named = |header: &&Value| {
        let other = header.get("name").and_then(Value::as_str);
        other.is_some_and(|other| other.eq_ignore_ascii_case(name))
    };
    headers.iter().find(named)?.get("value")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn part(filename: &str, mime_type: &str, headers: &[(&str, &str)]) -> Value {
        let headers: Vec<Value> = headers
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        json!({"filename": filename, "mimeType": mime_type, "headers": headers})
    }

    fn names(parts: &[Value]) -> Vec<String> {
        read(&json!({"payload": {"filename": "", "mimeType": "multipart/mixed", "parts": parts}}))
    }

    #[test]
    fn a_part_with_a_name_is_an_attachment_at_any_depth() {
        let text = part("", "text/plain", &[]);
        assert_eq!(names(std::slice::from_ref(&text)), [""; 0]);
        let pdf = part(
            "a.pdf",
            "application/pdf",
            &[("Content-Disposition", "inline; filename=a.pdf")],
        );
        let nested = json!({"mimeType": "multipart/mixed", "parts": [text, pdf]});
        assert_eq!(
            names(&[nested, part("b.txt", "text/plain", &[])]),
            ["a.pdf", "b.txt"]
        );
        let alone = json!({"payload": part("c.pdf", "application/pdf", &[])});
        assert_eq!(read(&alone), ["c.pdf"]);
    }

    #[test]
    fn an_image_within_the_text_is_not_an_attachment() {
        let id = ("Content-ID", "<logo>");
        let inline = [id, ("content-disposition", "inline; filename=logo.png")];
        assert_eq!(names(&[part("logo.png", "image/png", &inline)]), [""; 0]);
        assert_eq!(names(&[part("logo.png", "image/png", &[id])]), [""; 0]);
        let attached = [id, ("Content-Disposition", "Attachment; filename=p.png")];
        assert_eq!(names(&[part("p.png", "image/png", &attached)]), ["p.png"]);
        assert_eq!(names(&[part("q.png", "image/png", &[])]), ["q.png"]);
    }

    #[test]
    fn a_value_of_another_type_has_no_attachments() {
        for message in [
            json!(null),
            json!({"payload": []}),
            json!({"payload": {"parts": {"a": 1}}}),
        ] {
            assert_eq!(read(&message), [""; 0]);
        }
    }
}
