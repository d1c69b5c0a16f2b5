//! A mailbox with fixed answers: one new message, of any kind.

use super::host::NOW_MS;
use super::*;
use std::cell::RefCell;
use triggerhouse_provider_gmail::api::Http;
use triggerhouse_sdk::http::{FetchError, Request, Response};

/// Answers by resource.
pub struct Answers(pub RefCell<Vec<(&'static str, Vec<u8>)>>);

impl Http for Answers {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        let (_, path) = request.url.split_once("/users/me/").unwrap();
        let answers = self.0.borrow();
        let answer = answers
            .iter()
            .find(|(resource, _)| path.starts_with(resource));
        Ok(Response {
            status: if answer.is_some() { 200 } else { 404 },
            headers: Vec::new(),
            body: answer.map(|(_, body)| body.clone()).unwrap_or_default(),
        })
    }
}

impl Answers {
    /// The answers that lead to a message, in the order of a poll's requests.
    pub fn to(message: &Value) -> Self {
        let id = message["id"].as_str().unwrap();
        let added = json!({"message": {"id": id, "threadId": id, "labelIds": message["labelIds"]}});
        let answers = [
            (
                "profile",
                json!({"emailAddress": "sam@example.com", "messagesTotal": 1, "historyId": "9007199254742999"}),
            ),
            (
                "history",
                json!({"history": [{"id": "9007199254742001", "messages": [{"id": id}], "messagesAdded": [added]}], "historyId": "9007199254742999"}),
            ),
            (
                "messages?",
                json!({"messages": [{"id": id, "threadId": id}], "resultSizeEstimate": 1}),
            ),
            ("messages/", message.clone()),
            (
                "labels",
                json!({"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"}, {"id": "Label_7", "name": "Clients/Acme", "type": "user"}]}),
            ),
        ];
        let bytes = answers.map(|(resource, answer)| (resource, answer.to_string().into_bytes()));
        Self(RefCell::new(bytes.into()))
    }
}

/// The messages of the fixtures, by name.
pub fn message(name: &str) -> Value {
    let messages: Value = serde_json::from_str(include_str!("../fixtures/messages.json")).unwrap();
    messages[name].clone()
}

/// A poll after the first.
pub fn request(configs: &[&str]) -> PollRequest {
    let mut request = PollRequest::for_test(configs, 10);
    request.now = NOW_MS * 1_000;
    let cursor = json!({
        "v": 1, "mailbox": "sam@example.com", "since_ms": 0, "latest_ms": NOW_MS, "settled_ms": NOW_MS,
        "history": "9007199254741000",
    });
    request.cursor = Some(cursor.to_string());
    request
}
