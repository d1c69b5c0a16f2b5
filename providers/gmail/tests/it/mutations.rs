//! Answers broken at random. `cargo test` tries a few thousand. A fuzzer continues, guided by
//! coverage: `cargo bolero test -p triggerhouse-provider-gmail
//! mutations::a_broken_answer_never_panics`.

use super::answers::{Answers, message, request};
use super::*;

const CONFIGS: &[&str] = &[
    "{}",
    r#"{"labels": ["Clients/Acme", "DRAFT"], "exclude_labels": ["x"], "unread_only": true}"#,
    r#"{"from": ["*@{a,b}.[!c]*"], "to": ["!x"], "subject": ["x"], "mailing_lists": ["*"]}"#,
    r#"{"has_attachment": true}"#,
];

/// Answers of which one is broken. `bytes` choose the damage.
fn broken(bytes: &[u8]) -> Answers {
    let (choice, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let names = ["invoice", "mailing_list", "bare", "sent"];
    let answers = Answers::to(&message(names[usize::from(choice & 3)]));
    let mut all = answers.0.borrow_mut();
    if choice & 4 != 0 {
        // The history has expired.
        all.remove(1);
    }
    // Usually the message, which has most values.
    let count = all.len();
    let at = match usize::from(choice >> 3) {
        at if at < count => at,
        _ => count - 2,
    };
    let delivery = WebhookRequest::for_test(&[], &all[at].1);
    all[at].1 = testing::mutate(&[delivery], bytes).body;
    drop(all);
    answers
}

#[test]
fn a_broken_answer_never_panics() {
    bolero::check!()
        .with_iterations(10_000)
        .for_each(|bytes: &[u8]| check(bytes));
}

/// Checks what must hold for any answers: no panic, the same page each time, events within the
/// limits, verdicts for all, a readable cursor, and errors with a text.
fn check(bytes: &[u8]) {
    let answers = broken(bytes);
    let mut request = request(CONFIGS);
    for _ in 0..3 {
        let result = triggerhouse_provider_gmail::poll(&answers, &request);
        assert_eq!(
            triggerhouse_provider_gmail::poll(&answers, &request),
            result
        );
        let page = match result {
            Ok(page) => page,
            Err(PollError::InvalidCursor(text)) => panic!("{text}"),
            Err(PollError::RateLimited(_)) => return,
            Err(
                PollError::Unauthorized(text)
                | PollError::Unavailable(text)
                | PollError::Other(text),
            ) => {
                assert!(!text.is_empty() && text.len() < 2_000, "{text}");
                return;
            }
        };
        let configs: Vec<String> = CONFIGS.iter().map(|&config| config.into()).collect();
        for event in &page.events {
            testing::assert_within_limits(event);
            let verdicts = triggerhouse_sdk::judge::<Gmail>(event, &configs);
            assert_eq!(verdicts.len(), configs.len());
            let nobody = json!({"from": ["in no message@x"]});
            let verdict = testing::verdict::<Gmail>(event, &nobody);
            assert!(matches!(verdict, Verdict::Reject(_)), "{verdict:?}");
        }
        request.cursor = Some(page.cursor);
        request.now += 60_000_000;
    }
}
