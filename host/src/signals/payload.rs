//! Signals as the payload of a `NOTIFY`: the sender, then the keys, separated by spaces.
//! `*`, or nothing, stands for all keys.

use super::Raised;
use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;
use uuid::Uuid;

/// The most bytes of a payload: Postgres refuses 8,000.
const PAYLOAD_BYTES_MAX: usize = 7_900;
/// The most payloads that one notification is split into. Beyond that it says `*`.
const PAYLOADS_MAX: usize = 8;
const ALL: &str = "*";

/// The payloads that tell other replicas what was raised.
pub(super) fn encode<K: Eq + Hash + Display>(sender: Uuid, raised: &Raised<K>) -> Vec<String> {
    let all = || vec![format!("{sender} {ALL}")];
    let Raised::Keys(keys) = raised else {
        return all();
    };
    let mut payloads = vec![sender.to_string()];
    for key in keys {
        let key = key.to_string();
        // The list is never empty.
        let Some(last) = payloads.last_mut() else {
            return all();
        };
        if last.len() + 1 + key.len() <= PAYLOAD_BYTES_MAX {
            last.push(' ');
            last.push_str(&key);
        } else {
            payloads.push(format!("{sender} {key}"));
        }
    }
    if payloads.len() > PAYLOADS_MAX {
        return all();
    }
    payloads
}

/// True if `sender` sent the payload.
pub(super) fn is_from(sender: Uuid, text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    Uuid::try_parse(first).is_ok_and(|found| found == sender)
}

/// The keys of a payload. What another version wrote and this one cannot read is `All`.
pub(super) fn decode<K: Eq + Hash + FromStr>(text: &str) -> Raised<K> {
    let keys = text.split(' ').skip(1);
    match keys.map(str::parse).collect() {
        Ok(keys) if text.contains(' ') => Raised::Keys(keys),
        _ => Raised::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OrgId;
    use std::collections::HashSet;

    fn orgs(count: usize) -> HashSet<OrgId> {
        (0..count)
            .map(|n| format!("{n:064}").parse().unwrap())
            .collect()
    }

    #[test]
    fn many_keys_are_split_into_payloads_that_postgres_takes() {
        let (sender, keys) = (Uuid::new_v4(), orgs(300));
        let payloads = encode(sender, &Raised::Keys(keys.clone()));
        assert_eq!(payloads.len(), 3);
        assert!(payloads.iter().all(|text| text.len() < 8_000));
        assert!(payloads.iter().all(|text| is_from(sender, text)));
        let read = payloads.iter().flat_map(|text| match decode(text) {
            Raised::Keys(keys) => keys,
            Raised::All => panic!("{text}"),
        });
        assert_eq!(read.collect::<HashSet<OrgId>>(), keys);
    }

    #[test]
    fn too_many_keys_and_unknown_payloads_are_all_keys() {
        let sender = Uuid::new_v4();
        let payloads = encode(sender, &Raised::Keys(orgs(999)));
        assert_eq!(payloads, [format!("{sender} *")]);
        for text in [&*payloads[0], "", "x", "x Not an organization"] {
            assert_eq!(decode::<OrgId>(text), Raised::All, "{text}");
            assert!(!is_from(Uuid::new_v4(), text));
        }
    }
}
