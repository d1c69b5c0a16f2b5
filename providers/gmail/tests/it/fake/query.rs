//! Query parameters and page tokens.

use super::Answer;

/// Parameters in order. One may appear more than once.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Self(pairs.map(pair).collect())
    }

    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Refuses parameters that the method does not know.
    pub fn only(&self, known: &[&str]) -> Result<(), Answer> {
        match self
            .0
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            Some((name, _)) => Err(Answer::bad_request(&format!("Unknown name \"{name}\""))),
            None => Ok(()),
        }
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Answer> {
        let parse = |text: &str| text.parse().map_err(|_| Answer::bad_request(name));
        self.one(name).map(parse).transpose()
    }

    /// `maxResults`: 100 by default, 500 at most.
    pub fn page_size(&self) -> Result<usize, Answer> {
        let size = self.number("maxResults")?.unwrap_or(100);
        Ok(size.clamp(1, 500) as usize)
    }

    /// The start of a page, and true if it follows an empty page. Refuses the token of another
    /// request.
    pub fn place(&self, scope: &str) -> Result<(u64, bool), Answer> {
        let Some(token) = self.one("pageToken") else {
            return Ok((0, false));
        };
        let parts: Vec<&str> = token.split('~').collect();
        match parts[..] {
            [of, place, empty] if of == scope => {
                let place = place
                    .parse()
                    .map_err(|_| Answer::bad_request("pageToken"))?;
                Ok((place, empty == "e"))
            }
            _ => Err(Answer::bad_request("Invalid pageToken")),
        }
    }
}

/// A page token, which clients must not interpret.
pub fn token(scope: &str, place: u64, empty: bool) -> String {
    format!("{scope}~{place}~{}", if empty { "e" } else { "" })
}

fn decode(text: &str) -> String {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let escaped = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
