//! The methods of the API, one request each.

use super::Gmail;
use super::answer::Answer;
use super::message::{Message, Record, has};
use super::query::{self, Query};
use serde_json::{Map, Value, json};

impl Gmail {
    pub(super) fn profile(&mut self) -> Result<Value, Answer> {
        self.calls.profile += 1;
        Ok(json!({
            "emailAddress": self.address,
            "messagesTotal": self.messages.len(),
            "threadsTotal": self.messages.len(),
            "historyId": self.history_id.to_string(),
        }))
    }

    pub(super) fn list_labels(&mut self) -> Result<Value, Answer> {
        self.calls.labels += 1;
        let system = ["INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD"];
        let system = system
            .iter()
            .map(|id| json!({"id": id, "name": id, "type": "system"}));
        let own = self
            .labels
            .iter()
            .map(|(id, name)| json!({"id": id, "name": name, "type": "user"}));
        Ok(json!({"labels": system.chain(own).collect::<Vec<_>>()}))
    }

    pub(super) fn history(&mut self, query: &Query) -> Result<Value, Answer> {
        self.calls.history += 1;
        query.only(&[
            "startHistoryId",
            "historyTypes",
            "labelId",
            "maxResults",
            "pageToken",
        ])?;
        let start: u64 = query.number("startHistoryId")?.unwrap_or(0);
        if query.all("historyTypes") != ["messageAdded"] {
            return Err(Answer::bad_request(
                "historyTypes: only messageAdded is known here",
            ));
        }
        if start < self.oldest_history_id {
            return Err(Answer::not_found());
        }
        let label = query.one("labelId");
        let scope = format!("h{start}l{}", label.unwrap_or_default());
        let (place, empty) = query.place(&scope)?;
        let after = start.max(place);
        let size = query.page_size()?;
        let mut records: Vec<&Record> = self
            .records
            .iter()
            .filter(|record| record.id > after && record.visible_ms <= self.now_ms)
            .filter(|record| record.added.iter().any(|(_, labels)| has(labels, label)))
            .collect();
        records.sort_by_key(|record| record.id);
        let mut answer = Map::new();
        answer.insert("historyId".into(), self.history_id.to_string().into());
        if self.empty_pages && !empty && !records.is_empty() {
            answer.insert(
                "nextPageToken".into(),
                query::token(&scope, after, true).into(),
            );
            return Ok(answer.into());
        }
        if records.len() > size {
            records.truncate(size);
            let place = records.last().map_or(after, |record| record.id);
            answer.insert(
                "nextPageToken".into(),
                query::token(&scope, place, false).into(),
            );
        }
        if !records.is_empty() {
            let records: Vec<Value> = records.iter().map(|record| record.json(label)).collect();
            answer.insert("history".into(), records.into());
        }
        Ok(answer.into())
    }

    pub(super) fn list(&mut self, query: &Query) -> Result<Value, Answer> {
        self.calls.list += 1;
        query.only(&[
            "q",
            "labelIds",
            "includeSpamTrash",
            "maxResults",
            "pageToken",
        ])?;
        let search = query.one("q").unwrap_or_default();
        let after_s = search
            .strip_prefix("after:")
            .and_then(|text| text.parse::<u64>().ok());
        let Some(after_s) = after_s else {
            return Err(Answer::bad_request("q: only after:<seconds> is known here"));
        };
        let label = query.one("labelIds");
        let hidden = query.one("includeSpamTrash") != Some("true");
        let scope = format!("m{after_s}l{}s{hidden}", label.unwrap_or_default());
        let (place, _) = query.place(&scope)?;
        let size = query.page_size()?;
        let mut found: Vec<(u64, &String, &Message)> = self
            .messages
            .iter()
            .map(|(id, message)| (message.rank(id), id, message))
            .filter(|(_, _, message)| message.date_ms / 1_000 > after_s)
            .filter(|(_, _, message)| has(&message.draft.labels, label))
            .filter(|(_, _, message)| !hidden || !message.is_hidden())
            .collect();
        // Newest first. A token contains the last rank that was sent.
        found.sort_by_key(|(rank, _, _)| std::cmp::Reverse(*rank));
        if place > 0 {
            found.retain(|(rank, _, _)| *rank < place);
        }
        let mut answer = Map::new();
        answer.insert("resultSizeEstimate".into(), found.len().into());
        if found.len() > size {
            found.truncate(size);
            let place = found.last().map_or(0, |(rank, _, _)| *rank);
            answer.insert(
                "nextPageToken".into(),
                query::token(&scope, place, false).into(),
            );
        }
        if !found.is_empty() {
            let messages = found
                .iter()
                .map(|(_, id, message)| json!({"id": id, "threadId": message.thread}));
            answer.insert("messages".into(), messages.collect::<Vec<_>>().into());
        }
        Ok(answer.into())
    }

    pub(super) fn get(&mut self, id: &str, query: &Query) -> Result<Value, Answer> {
        self.calls.get += 1;
        query.only(&["format", "metadataHeaders", "fields"])?;
        let message = self.messages.get(id).ok_or_else(Answer::not_found)?;
        let wanted = query.all("metadataHeaders");
        let full = match query.one("format") {
            Some("metadata") => false,
            None | Some("full") => true,
            _ => return Err(Answer::bad_request("format")),
        };
        Ok(message.json(id, full, &wanted))
    }
}
