//! Values at JSON Pointers (RFC 6901) of a body. One pass reads all of them and keeps
//! nothing else, so a body of megabytes costs no tree.
//!
//! The last of several members with the same name counts, as in the JSON readers of
//! providers. So host and guest never see different values.

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use std::fmt;

/// The value at a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyValue {
    String(String),
    /// A number with the digits of the body: ids exceed both `u64` and `f64`.
    Number(String),
    Bool(bool),
    Null,
    /// An object, an array, or a string that is not valid Unicode.
    Other,
}

impl BodyValue {
    fn from_json(raw: &RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map_or(Self::Other, Self::String),
            Some(b'-' | b'0'..=b'9') => Self::Number(text.to_owned()),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Other,
        }
    }
}

/// The values at `pointers`, in their order.
///
/// # Errors
/// The body is no JSON document. Without pointers, the body is not read.
pub(super) fn read(body: &[u8], pointers: &[&str]) -> Result<Vec<Option<BodyValue>>, String> {
    let mut found = vec![None; pointers.len()];
    let tokens: Vec<Option<Vec<String>>> = pointers.iter().map(|pointer| tokens(pointer)).collect();
    let paths: Vec<Path<'_>> = tokens
        .iter()
        .enumerate()
        .filter_map(|(slot, tokens)| {
            let rest = tokens.as_deref()?;
            Some(Path { slot, rest })
        })
        .collect();
    if paths.is_empty() {
        return Ok(found);
    }
    let mut document = serde_json::Deserializer::from_slice(body);
    let node = Node {
        paths,
        found: &mut found,
    };
    node.deserialize(&mut document)
        .and_then(|()| document.end())
        .map_err(|error| error.to_string())?;
    Ok(found)
}

/// A pointer's unescaped tokens; `None` if the text is no pointer.
fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(vec![]);
    }
    let tokens = pointer.strip_prefix('/')?.split('/');
    Some(
        tokens
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect(),
    )
}

/// The rest of a pointer below the current value.
#[derive(Clone, Copy)]
struct Path<'p> {
    slot: usize,
    rest: &'p [String],
}

impl<'p> Path<'p> {
    /// The path below the member or element `name`, if the path leads through it.
    fn step(self, name: &str) -> Option<Self> {
        let (token, rest) = self.rest.split_first()?;
        let slot = self.slot;
        (token == name).then_some(Self { slot, rest })
    }
}

/// A value at which some paths end, or through which they lead.
struct Node<'p, 'f> {
    paths: Vec<Path<'p>>,
    found: &'f mut [Option<BodyValue>],
}

impl Node<'_, '_> {
    /// Drops the values of an earlier member with the same name.
    fn clear(&mut self) {
        for path in &self.paths {
            self.found[path.slot] = None;
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
        self.clear();
        if self.paths.iter().all(|path| !path.rest.is_empty()) {
            return deserializer.deserialize_any(self);
        }
        let raw = <&RawValue as serde::Deserialize>::deserialize(deserializer)?;
        let (here, below): (Vec<Path<'_>>, Vec<Path<'_>>) = self
            .paths
            .into_iter()
            .partition(|path| path.rest.is_empty());
        for path in here {
            self.found[path.slot] = Some(BodyValue::from_json(raw));
        }
        if below.is_empty() {
            return Ok(());
        }
        let node = Node {
            paths: below,
            found: self.found,
        };
        node.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
            .map_err(D::Error::custom)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(paths) = map.next_key_seed(Key(&self.paths))? {
            if paths.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                let found = &mut *self.found;
                map.next_value_seed(Node { paths, found })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let name = index.to_string();
            let paths = below(&self.paths, &name);
            let more = if paths.is_empty() {
                seq.next_element::<IgnoredAny>()?.is_some()
            } else {
                let found = &mut *self.found;
                seq.next_element_seed(Node { paths, found })?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    // A scalar through which paths lead: no value is at their ends.

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn below<'p>(paths: &[Path<'p>], name: &str) -> Vec<Path<'p>> {
    paths.iter().filter_map(|path| path.step(name)).collect()
}

/// Reads a member's name as the paths that lead through the member.
struct Key<'p, 'n>(&'n [Path<'p>]);

impl<'de, 'p> DeserializeSeed<'de> for Key<'p, '_> {
    type Value = Vec<Path<'p>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Key<'p, '_> {
    type Value = Vec<Path<'p>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(below(self.0, name))
    }
}

#[cfg(test)]
mod tests;
