//! The union of all active configurations, so that a poll fetches only data that one of them
//! needs.
//!
//! Decisions here must agree with the filter's later decision, which reads the labels at the
//! time of the fetch. So there are only two kinds: name the one label that every configuration
//! requires, and skip a message by a label that users cannot add or remove (`DRAFT`,
//! `SENT`). Everything else may change between a record and the fetch.

use crate::filter::{Config, is_id};

/// The union of all configurations.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    configs: Vec<Config>,
    /// The label that every configuration requires.
    pub label: Option<String>,
    /// True if a configuration asks for spam or trash.
    pub spam_and_trash: bool,
    /// True if a configuration decides on attachments.
    pub attachments: bool,
    /// True if a configuration uses the name of a label.
    pub label_names: bool,
}

impl Needs {
    /// Reads configurations. An invalid one needs nothing, and the filter reports it for each
    /// event.
    pub fn of(configs: &[String]) -> Self {
        let configs: Vec<Config> = configs
            .iter()
            .filter_map(|config| serde_json::from_str(config).ok())
            .collect();
        let names = |config: &Config| {
            let labels = config.labels.iter().chain(&config.exclude_labels);
            labels.into_iter().any(|label| !is_id(label))
        };
        Self {
            label: shared_label(&configs),
            spam_and_trash: configs
                .iter()
                .any(|config| config.asks_for("SPAM") || config.asks_for("TRASH")),
            attachments: configs.iter().any(|config| config.has_attachment.is_some()),
            label_names: configs.iter().any(names),
            configs,
        }
    }

    /// True if no configuration can want a message with these labels, however its other labels
    /// change.
    pub fn rule_out(&self, labels: &[String]) -> bool {
        self.configs
            .iter()
            .all(|config| config.always_rejects(labels))
    }
}

/// The id of the one label that every configuration requires. A name does not count, because
/// its owner can change it at any time.
fn shared_label(configs: &[Config]) -> Option<String> {
    let (first, rest) = configs.split_first()?;
    let [label] = &first.labels[..] else {
        return None;
    };
    let same = |config: &Config| matches!(&config.labels[..], [other] if other.eq_ignore_ascii_case(label));
    (is_id(label) && rest.iter().all(same)).then(|| canonical(label))
}

/// `Inbox` is `INBOX`, `label_7` is `Label_7`.
fn canonical(label: &str) -> String {
    match label.get(.."label_".len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case("label_") => {
            format!("Label_{}", &label["label_".len()..])
        }
        _ => label.to_ascii_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(configs: &[&str]) -> Needs {
        let configs: Vec<String> = configs.iter().map(|&config| config.into()).collect();
        Needs::of(&configs)
    }

    fn label(configs: &[&str]) -> Option<String> {
        needs(configs).label
    }

    #[test]
    fn a_label_is_shared_only_if_every_configuration_requires_it() {
        let inbox = r#"{"labels": ["Inbox"]}"#;
        assert_eq!(
            label(&[inbox, r#"{"labels": ["INBOX"], "from": ["a"]}"#]),
            Some("INBOX".into())
        );
        assert_eq!(
            label(&[r#"{"labels": ["label_7"]}"#]),
            Some("Label_7".into())
        );
        assert_eq!(label(&[]), None);
        assert_eq!(label(&[inbox, "{}"]), None);
        assert_eq!(label(&[inbox, r#"{"labels": ["SPAM"]}"#]), None);
        assert_eq!(label(&[r#"{"labels": ["INBOX", "SPAM"]}"#]), None);
        // A name. Only `users.labels.list` could turn it into an id.
        assert_eq!(label(&[r#"{"labels": ["Invoices"]}"#]), None);
    }

    #[test]
    fn drafts_are_ruled_out_unless_a_configuration_asks_for_them() {
        let draft = ["DRAFT".to_owned()];
        assert!(needs(&["{}", r#"{"labels": ["INBOX"]}"#]).rule_out(&draft));
        assert!(!needs(&["{}", r#"{"labels": ["draft"]}"#]).rule_out(&draft));
        let contradiction = r#"{"labels": ["DRAFT", "SENT"], "exclude_labels": ["Draft"]}"#;
        assert!(needs(&[contradiction]).rule_out(&draft));
    }

    #[test]
    fn a_label_that_can_change_rules_nothing_out() {
        let labels = |label: &str| [label.to_owned()];
        let needs = needs(&[r#"{"labels": ["INBOX"], "exclude_labels": ["SENT", "Label_1"]}"#]);
        for label in ["SPAM", "TRASH", "UNREAD", "Label_1"] {
            assert!(!needs.rule_out(&labels(label)), "{label}");
        }
        assert!(needs.rule_out(&labels("SENT")));
        assert!(!needs.rule_out(&[]));
    }

    #[test]
    fn only_wanted_parts_are_fetched() {
        let none = needs(&["{}", r#"{"labels": ["INBOX", "label_7"]}"#]);
        assert!(!none.spam_and_trash && !none.attachments && !none.label_names);
        assert!(needs(&["{}", r#"{"labels": ["Trash"]}"#]).spam_and_trash);
        assert!(needs(&[r#"{"has_attachment": false}"#]).attachments);
        assert!(needs(&[r#"{"exclude_labels": ["Invoices"]}"#]).label_names);
        // Without a valid configuration no message is wanted.
        assert!(needs(&[]).rule_out(&[]) && needs(&[r#"{"form": 1}"#]).rule_out(&[]));
    }
}
