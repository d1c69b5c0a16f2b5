//! Each field of the configuration, on messages of the API.

use super::*;

/// The event of one message that was fetched for this configuration.
fn fetched(draft: Draft, config: &Value) -> Event {
    let mut host = connected();
    host.gmail().labels = vec![("Label_7".into(), "Clients/Acme".into())];
    // The empty configuration makes the poll fetch every message.
    host.configs = vec![
        "{}".into(),
        json!({"labels": ["DRAFT"]}).to_string(),
        config.to_string(),
    ];
    host.gmail().receive(draft);
    host.poll().unwrap().remove(0)
}

#[track_caller]
fn accepts(draft: Draft, config: Value) {
    testing::assert_accepts::<Gmail>(&fetched(draft, &config), &config);
}

#[track_caller]
fn rejects(draft: Draft, config: Value, field: &str) {
    testing::assert_rejects::<Gmail>(&fetched(draft, &config), &config, field);
}

#[track_caller]
fn invalid(config: Value, field: &str) {
    let event = fetched(draft("a"), &json!({}));
    testing::assert_invalid::<Gmail>(&event, &config, field);
}

fn labelled(labels: &[&str]) -> Draft {
    draft("Hello").labelled(labels)
}

fn with(name: &str, value: &str) -> Draft {
    let mut draft = draft("Hello");
    draft.headers.retain(|(other, _)| other != name);
    draft.headers.push((name.into(), value.into()));
    draft
}

fn attached(filename: &str) -> Draft {
    Draft {
        parts: json!([
            {"mimeType": "text/plain", "filename": "", "body": {"size": 3, "data": "AAAA"}},
            {"mimeType": "application/pdf", "filename": filename, "body": {"size": 3, "attachmentId": "A"}},
        ]),
        ..draft("Hello")
    }
}

#[test]
fn the_empty_configuration_matches_every_new_message() {
    accepts(draft("Hello"), json!({}));
    accepts(labelled(&["Label_7"]), json!({}));
}

#[test]
fn drafts_spam_trash_and_sent_mail_match_only_if_asked_for() {
    for label in ["DRAFT", "SPAM", "TRASH", "SENT"] {
        rejects(labelled(&[label]), json!({}), "labels");
        rejects(
            labelled(&[label, "Label_7"]),
            json!({"labels": ["Label_7"]}),
            "labels",
        );
        accepts(
            labelled(&[label]),
            json!({"labels": [label.to_lowercase()]}),
        );
        accepts(labelled(&["INBOX"]), json!({"labels": [label, "INBOX"]}));
    }
    rejects(
        labelled(&["SENT", "SPAM"]),
        json!({"labels": ["SENT"]}),
        "labels",
    );
}

#[test]
fn mail_to_oneself_counts_as_received() {
    accepts(labelled(&["SENT", "INBOX", "UNREAD"]), json!({}));
    rejects(
        labelled(&["SENT", "INBOX"]),
        json!({"exclude_labels": ["SENT"]}),
        "exclude_labels",
    );
}

#[test]
fn one_of_the_labels_is_enough_by_id_or_name_in_any_case() {
    let message = || labelled(&["INBOX", "Label_7"]);
    for label in [
        "INBOX",
        "inbox",
        "Label_7",
        "label_7",
        "Clients/Acme",
        "clients/acme",
    ] {
        accepts(message(), json!({"labels": ["nothing", label]}));
        rejects(
            message(),
            json!({"exclude_labels": ["nothing", label]}),
            "exclude_labels",
        );
    }
    rejects(
        message(),
        json!({"labels": ["Clients", "Label_70"]}),
        "labels",
    );
    accepts(message(), json!({"exclude_labels": ["Clients"]}));
    rejects(labelled(&[]), json!({"labels": ["INBOX"]}), "labels");
}

#[test]
fn contradictory_labels_are_refused() {
    invalid(
        json!({"labels": ["a"], "exclude_labels": ["A", "b"]}),
        "exclude_labels",
    );
    accepts(
        labelled(&["INBOX"]),
        json!({"labels": ["INBOX", "a"], "exclude_labels": ["a"]}),
    );
}

#[test]
fn a_sender_is_an_address_or_a_domain() {
    let from = || with("From", "Jane <Jane.Doe+x@Mail.Example.com>");
    for wanted in [
        "jane.doe+x@mail.example.com",
        "*@mail.example.com",
        "*@*.example.com",
        "jane*@*",
        "mail.example.com",
        "*.EXAMPLE.com",
        "{a,mail}.example.com",
        "!*.example.org",
    ] {
        accepts(from(), json!({"from": ["nobody@x.org", wanted]}));
    }
    for wanted in [
        "example.com",
        "*@example.com",
        "jane",
        "Jane",
        "doe+x@mail.example.com",
        "mail.example.co",
    ] {
        rejects(from(), json!({"from": [wanted]}), "from");
    }
    accepts(
        with("From", "a/b@example.com"),
        json!({"from": ["*@example.com"]}),
    );
    rejects(with("From", ""), json!({"from": ["*@*"]}), "from");
}

#[test]
fn a_name_is_not_the_sender() {
    let from = with("From", r#""boss@example.com" <mallory@example.net>"#);
    rejects(from.clone(), json!({"from": ["boss@example.com"]}), "from");
    rejects(from.clone(), json!({"from": ["example.com"]}), "from");
    accepts(from, json!({"from": ["example.net"]}));
}

#[test]
fn a_recipient_is_anywhere_in_to_cc_and_delivered_to() {
    let list = "\"Doe, J\" <j@example.org>, team@example.com";
    for header in ["To", "Cc", "Delivered-To"] {
        for wanted in ["team@example.com", "example.org", "J@*"] {
            accepts(with(header, list), json!({"to": [wanted]}));
        }
        rejects(
            with(header, list),
            json!({"to": ["doe", "example.net"]}),
            "to",
        );
    }
    rejects(with("Bcc", list), json!({"to": ["example.org"]}), "to");
}

#[test]
fn a_recipient_beyond_the_five_hundredth_may_match() {
    let many: Vec<String> = (0..600).map(|n| format!("u{n}@example.com")).collect();
    let message = with("To", &many.join(", "));
    assert!(facts(&fetched(message.clone(), &json!({}))).recipients_truncated);
    accepts(message, json!({"to": ["u599@example.com"]}));
}

#[test]
fn a_subject_contains_one_of_the_texts_in_any_case() {
    let message = || with("Subject", "Re: Ihre RECHNUNG für März");
    for wanted in ["rechnung", "Für März", "re:"] {
        accepts(message(), json!({"subject": ["offer", wanted]}));
    }
    rejects(
        message(),
        json!({"subject": ["rech*", "invoice"]}),
        "subject",
    );
    rejects(with("Subject", ""), json!({"subject": ["a"]}), "subject");
    accepts(
        with("Subject", "=?utf-8?q?Rechnung_f=C3=BCr_M=C3=A4rz?="),
        json!({"subject": ["für märz"]}),
    );
}

#[test]
fn an_attachment_is_a_part_with_a_file_name() {
    accepts(attached("a.pdf"), json!({"has_attachment": true}));
    rejects(
        attached("a.pdf"),
        json!({"has_attachment": false}),
        "has_attachment",
    );
    accepts(draft("a"), json!({"has_attachment": false}));
    rejects(
        draft("a"),
        json!({"has_attachment": true}),
        "has_attachment",
    );
    let event = fetched(attached("a.pdf"), &json!({"has_attachment": true}));
    assert_eq!(facts(&event).attachments, ["a.pdf"]);
}

#[test]
fn attachments_are_unknown_unless_a_configuration_asked() {
    let event = fetched(attached("a.pdf"), &json!({}));
    assert_eq!(facts(&event).has_attachment, None);
    for wanted in [true, false] {
        let config = json!({"has_attachment": wanted});
        testing::assert_rejects::<Gmail>(&event, &config, "has_attachment");
    }
}

#[test]
fn a_message_that_was_read_at_once_is_not_unread() {
    accepts(labelled(&["INBOX", "UNREAD"]), json!({"unread_only": true}));
    rejects(
        labelled(&["INBOX"]),
        json!({"unread_only": true}),
        "unread_only",
    );
}

#[test]
fn labels_are_those_at_the_time_of_the_fetch() {
    let mut host = connected();
    let id = host.gmail().receive(draft("a"));
    host.gmail().relabel(&id, &["Label_7"], &["UNREAD"]);
    let event = host.poll().unwrap().remove(0);
    assert_eq!(facts(&event).labels, ["INBOX", "Label_7"]);
}

#[test]
fn a_mailing_list_matches_by_its_id() {
    let message = || with("List-ID", "Rust users <users.lists.Example.org>");
    for wanted in ["users.lists.example.org", "*.lists.example.org", "USERS.*"] {
        accepts(message(), json!({"mailing_lists": [wanted]}));
    }
    rejects(
        message(),
        json!({"mailing_lists": ["Rust users"]}),
        "mailing_lists",
    );
    rejects(draft("a"), json!({"mailing_lists": ["*"]}), "mailing_lists");
}

#[test]
fn fields_are_joined_by_and_and_entries_by_or() {
    let all = json!({
        "labels": ["INBOX"], "from": ["x.org", "example.com"], "to": ["me@example.com"],
        "subject": ["hello"], "unread_only": true, "has_attachment": true
    });
    accepts(attached("a"), all.clone());
    for (field, value) in [
        ("from", json!(["x.org"])),
        ("subject", json!(["bye"])),
        ("labels", json!(["SENT"])),
    ] {
        let mut config = all.clone();
        config[field] = value;
        rejects(attached("a"), config, field);
    }
}

#[test]
fn a_broken_configuration_is_refused_and_names_its_field() {
    for field in ["from", "to", "mailing_lists"] {
        invalid(json!({field: ["a", "[a"]}), field);
        invalid(json!({field: [""]}), field);
    }
    invalid(json!({"label": ["INBOX"]}), "label");
    invalid(json!({"labels": "INBOX"}), "expected a sequence");
    invalid(json!({"unread_only": "yes"}), "expected a boolean");
}

#[test]
fn a_message_that_is_not_fetched_is_one_that_the_filter_rejects() {
    let labels = [
        "DRAFT", "SENT", "SPAM", "TRASH", "INBOX", "UNREAD", "Label_7",
    ];
    let some = |bits: usize| -> Vec<&str> {
        let chosen = labels.iter().enumerate();
        chosen
            .filter(|(at, _)| bits & (1 << at) != 0)
            .map(|(_, label)| *label)
            .collect()
    };
    for wanted in 0..1 << labels.len() {
        // Every eighth combination of the others, in turn.
        for bits in (wanted % 8..1 << labels.len()).step_by(8) {
            let (wanted, bits) = (some(wanted), some(bits));
            let config = json!({"labels": wanted, "exclude_labels": ["SENT", "Label_8"]});
            let mut host = connected();
            host.configs = vec![config.to_string()];
            host.gmail().receive(labelled(&bits));
            let fetched = host.poll().unwrap();
            if let Some(event) = fetched.first() {
                assert_eq!(facts(event).labels, bits);
                continue;
            }
            // A message that was not fetched must not match.
            host.configs.push("{}".into());
            host.configs.push(json!({"labels": ["DRAFT"]}).to_string());
            host.cursor = None;
            host.poll().unwrap();
            host.gmail().receive(labelled(&bits));
            for event in host.poll().unwrap() {
                let verdict = testing::verdict::<Gmail>(&event, &config);
                assert_ne!(verdict, Verdict::Accept, "{config} on {bits:?}");
            }
        }
    }
}
