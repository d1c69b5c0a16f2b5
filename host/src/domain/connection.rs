//! Connections at the service that manages them (Nango): a key and an id, which name one
//! together. An integration may know the id alone.

/// A connection, as a signed message names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionName {
    /// The key of the manager's integration. Ids are unique within it, and only there.
    pub provider_config_key: String,
    /// The id of the connection.
    pub id: String,
    /// The manager's own name of the service.
    pub service: Option<String>,
}

/// An integration with the id of a connection, as it is stored.
#[derive(Clone, Debug, Default)]
pub struct KnownConnection {
    /// The provider of the integration.
    pub provider: String,
    /// The key, set by a person or learned.
    pub key: Option<String>,
    /// The first key in a message for this integration, while it had none.
    pub seen_key: Option<String>,
    /// Another key in a later message, so that the id alone is ambiguous.
    pub other_key: Option<String>,
}

/// The relation of a message to an integration with its connection's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The message is for the integration.
    Same,
    /// The same, and the integration learns the key: the message names its service.
    SameAndLearned,
    /// The same, as no other key is known. The key is remembered.
    SameAndSeen,
    /// The message is for another connection of the same id.
    Other,
    /// Nobody can tell whom the message is for; its key is remembered as the second one.
    NowAmbiguous,
    /// Nobody can tell whom the message is for.
    Ambiguous,
}

impl Relation {
    /// True if the message is for the integration.
    pub fn is_same(self) -> bool {
        matches!(self, Self::Same | Self::SameAndLearned | Self::SameAndSeen)
    }
}

impl KnownConnection {
    /// Compares a message with the integration. Their ids are equal.
    pub fn relation(&self, name: &ConnectionName) -> Relation {
        let key = Some(&name.provider_config_key);
        let is_learned = self.key.is_some() && self.key == self.seen_key;
        let names_service = names(name, &self.provider);
        match (&self.key, &self.seen_key, &self.other_key) {
            (Some(_), ..) if self.key.as_ref() == key => Relation::Same,
            // It may have learned the wrong one of two.
            (Some(_), _, None) if is_learned && names_service => Relation::NowAmbiguous,
            (Some(_), ..) => Relation::Other,
            (None, ..) if names_service => Relation::SameAndLearned,
            (None, _, Some(_)) => Relation::Ambiguous,
            (None, None, None) => Relation::SameAndSeen,
            (None, seen, None) if seen.as_ref() == key => Relation::Same,
            (None, Some(_), None) => Relation::NowAmbiguous,
        }
    }
}

/// True if a message names the service of a provider: `tracker-app` is that of the
/// provider `tracker`.
fn names(name: &ConnectionName, provider: &str) -> bool {
    let is_its = |text: &str| {
        let rest = text.strip_prefix(provider);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    is_its(&name.provider_config_key) || name.service.as_deref().is_some_and(is_its)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: &str, service: &str) -> ConnectionName {
        ConnectionName {
            provider_config_key: key.into(),
            id: "user-1".into(),
            service: Some(service.into()),
        }
    }

    fn known(key: Option<&str>, seen: Option<&str>, other: Option<&str>) -> KnownConnection {
        KnownConnection {
            provider: "tracker".into(),
            key: key.map(str::to_owned),
            seen_key: seen.map(str::to_owned),
            other_key: other.map(str::to_owned),
        }
    }

    #[test]
    fn a_key_that_a_person_set_decides() {
        let of_a_person = known(Some("hub"), None, None);
        assert_eq!(of_a_person.relation(&message("hub", "x")), Relation::Same);
        for other in [
            message("mail", "google-mail"),
            message("tracker-2", "tracker"),
        ] {
            assert_eq!(of_a_person.relation(&other), Relation::Other);
        }
    }

    #[test]
    fn without_a_key_the_service_decides_and_the_key_is_learned() {
        for message in [message("hub", "tracker-app"), message("tracker", "any")] {
            for known in [
                known(None, None, None),
                known(None, Some("mail"), None),
                known(None, Some("mail"), Some("x")),
            ] {
                assert_eq!(known.relation(&message), Relation::SameAndLearned);
            }
        }
        let not_its = message("trackers", "google-mail");
        assert_eq!(
            known(None, None, None).relation(&not_its),
            Relation::SameAndSeen
        );
    }

    #[test]
    fn without_a_key_any_key_is_taken_until_there_are_two() {
        let (first, second) = (message("a", "x"), message("b", "x"));
        assert_eq!(
            known(None, None, None).relation(&first),
            Relation::SameAndSeen
        );
        let seen = known(None, Some("a"), None);
        assert_eq!(seen.relation(&first), Relation::Same);
        assert_eq!(seen.relation(&second), Relation::NowAmbiguous);
        let both = known(None, Some("a"), Some("b"));
        assert_eq!(both.relation(&first), Relation::Ambiguous);
    }

    #[test]
    fn a_learned_key_is_doubted_when_another_one_names_the_service_too() {
        let learned = known(Some("tracker-1"), Some("tracker-1"), None);
        let second = message("tracker-2", "tracker");
        assert_eq!(learned.relation(&second), Relation::NowAmbiguous);
        let mail = message("mail", "google-mail");
        assert_eq!(learned.relation(&mail), Relation::Other);
    }
}
