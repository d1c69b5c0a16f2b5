//! The loop of one poll: fetches pending messages, reads the next page, and repeats.

use crate::api::{Added, Api, Failure, LABELS_UNITS, Label, MESSAGE_UNITS};
use crate::cursor::{Cursor, HistoryId, Next, Scan, Source};
use crate::log;
use crate::message::{self, Context};
use crate::needs::Needs;
use serde_json::Value;
use std::collections::HashSet;
use triggerhouse_sdk::prelude::*;

/// Messages that one poll fetches, one after the other: about three seconds, and at 20 units
/// each a tenth of a user's quota per minute.
const FETCHES_MAX: usize = 25;
/// Pages that one poll reads. An empty page of the history may have a successor.
const PAGES_MAX: usize = 5;
/// The overlap of a resync with settled messages, in milliseconds. Messages may become visible out
/// of order, and the host's clock may differ from Google's.
const RESYNC_OVERLAP_MS: u64 = 60 * 60 * 1_000;

/// One poll under way.
pub struct Run<'a> {
    api: &'a Api<'a>,
    needs: &'a Needs,
    cursor: Cursor,
    /// The end of the history when this poll began.
    fresh: HistoryId,
    now_us: u64,
    limit: usize,
    events: Vec<Event>,
    fetches: usize,
    pages: usize,
    labels: Option<Vec<Label>>,
    /// True after the service refused the scan's token.
    restarted: bool,
    /// True if the next poll need not repeat all of this one.
    pub progress: bool,
}

impl<'a> Run<'a> {
    pub fn new(
        api: &'a Api<'a>,
        needs: &'a Needs,
        cursor: Cursor,
        fresh: HistoryId,
        request: &PollRequest,
    ) -> Self {
        Self {
            api,
            needs,
            cursor,
            fresh,
            now_us: request.now,
            limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
            events: Vec::new(),
            fetches: 0,
            pages: 0,
            labels: None,
            restarted: false,
            progress: false,
        }
    }

    /// The cursor and the events, in the order of arrival.
    pub fn finish(self) -> (Cursor, Vec<Event>) {
        (self.cursor, self.events)
    }

    /// Runs until the scan is complete or a limit is met. Returns true if more is waiting.
    pub fn go(&mut self) -> Result<bool, Failure> {
        self.open();
        loop {
            while let Some((_, id)) = self.cursor.pending.front() {
                let id = id.clone();
                if self.events.len() >= self.limit || self.fetches == FETCHES_MAX {
                    return Ok(true);
                }
                self.fetch(&id)?;
            }
            let next = self.cursor.scan.as_ref().map(|scan| scan.next.clone());
            match next {
                None | Some(Next::None) => {
                    self.cursor.close_scan();
                    return Ok(false);
                }
                Some(Next::Scan) => {
                    self.cursor.close_scan();
                    // Without new messages the next poll can wait.
                    return Ok(self.fetches > 0);
                }
                Some(Next::First | Next::Token(_)) => {}
            }
            if self.pages == PAGES_MAX {
                return Ok(true);
            }
            self.read_page()?;
        }
    }

    /// Starts a scan, or continues the one under way. If a new trigger needs more than that
    /// scan reads, the scan starts again; the cursor knows the completed messages.
    fn open(&mut self) {
        let label = self.needs.label.clone();
        let start = self.cursor.history;
        match &mut self.cursor.scan {
            None => {
                self.cursor.scan = Some(Scan {
                    source: Source::History { start },
                    label,
                    began_ms: self.now_us / 1_000,
                    end: self.fresh,
                    next: Next::First,
                });
            }
            Some(scan) => {
                let mut narrow = scan.label.is_some() && scan.label != label;
                if let Source::Messages { spam_and_trash, .. } = &mut scan.source {
                    narrow |= self.needs.spam_and_trash && !*spam_and_trash;
                    *spam_and_trash |= self.needs.spam_and_trash && narrow;
                }
                if narrow {
                    scan.label = label;
                    restart(scan, start);
                }
            }
        }
    }

    fn fetch(&mut self, id: &str) -> Result<(), Failure> {
        // Without units for the labels' names, the message would be useless.
        let names = self.needs.label_names && self.labels.is_none();
        let units = MESSAGE_UNITS + if names { LABELS_UNITS } else { 0 };
        if !self.api.quota().has(units) {
            return Err(Failure::QuotaUsed);
        }
        self.fetches += 1;
        let parts = self.needs.attachments;
        let mut date_ms = None;
        match self.api.message(id, parts) {
            Ok(message) => {
                self.learn_labels(&message)?;
                date_ms = message::internal_date_ms(&message);
                self.found(id, &message);
            }
            // Deleted since it was listed.
            Err(Failure::Gone) => {}
            Err(failure) => return Err(failure),
        }
        self.cursor.handled(date_ms);
        self.progress = true;
        Ok(())
    }

    /// Fetches the names of labels, if a configuration asks and the message has an own label.
    fn learn_labels(&mut self, message: &Value) -> Result<(), Failure> {
        let ids = message.get("labelIds").and_then(Value::as_array);
        let own = |id: &Value| id.as_str().is_some_and(|id| id.starts_with("Label_"));
        let has_own = ids.into_iter().flatten().any(own);
        if self.needs.label_names && has_own && self.labels.is_none() {
            self.labels = Some(self.api.labels()?);
        }
        Ok(())
    }

    fn found(&mut self, id: &str, message: &Value) {
        let resync = matches!(&self.cursor.scan, Some(scan) if is_resync(scan));
        if let Some(date_ms) = message::internal_date_ms(message) {
            // Imported mail may have a future date, and a resync must not begin there.
            let date_ms = date_ms.min(self.now_us / 1_000);
            self.cursor.latest_ms = self.cursor.latest_ms.max(date_ms);
            // The list has a resolution of seconds, and Gmail's rounding is unknown.
            if resync && date_ms < self.cursor.since_ms {
                return;
            }
        }
        let context = Context {
            mailbox: &self.cursor.mailbox,
            id,
            labels: self.labels.as_deref(),
            parts: self.needs.attachments,
            resync,
        };
        self.events.push(message::event(message, &context));
    }

    fn read_page(&mut self) -> Result<(), Failure> {
        let Some(scan) = self.cursor.scan.clone() else {
            return Ok(());
        };
        self.pages += 1;
        let token = match &scan.next {
            Next::Token(token) => Some(token.as_str()),
            Next::First | Next::Scan | Next::None => None,
        };
        let label = scan.label.as_deref();
        let read = match &scan.source {
            Source::History { start } => self.read_history(*start, label, token),
            Source::Messages {
                after_s,
                spam_and_trash,
            } => self.read_messages(*after_s, label, *spam_and_trash, token),
        };
        match read {
            Ok(()) => {
                self.progress = true;
                Ok(())
            }
            Err(Failure::Gone) if !is_resync(&scan) => {
                log::warn("the history has expired; resynchronizing from the list of messages");
                self.resync();
                Ok(())
            }
            // The token has expired.
            Err(Failure::Refused(_)) if token.is_some() && !self.restarted => {
                self.restarted = true;
                let start = self.cursor.history;
                if let Some(scan) = &mut self.cursor.scan {
                    restart(scan, start);
                }
                Ok(())
            }
            Err(failure) => {
                // Reading the first page again is not progress. Otherwise refused tokens would
                // be retried forever.
                self.progress &= !self.restarted || !self.events.is_empty();
                Err(failure)
            }
        }
    }

    fn read_history(
        &mut self,
        start: HistoryId,
        label: Option<&str>,
        token: Option<&str>,
    ) -> Result<(), Failure> {
        let page = self.api.history(start, label, token)?;
        if let (None, Some(scan)) = (token, &mut self.cursor.scan) {
            // The current end of the history: later records belong to the next scan. Either
            // answer may come from a replica that lags.
            scan.end = page.history.max(self.fresh).max(start);
            scan.began_ms = self.now_us / 1_000;
        }
        let end = self.cursor.scan.as_ref().map_or(start, |scan| scan.end);
        let beyond = page.added.last().is_some_and(|added| added.history >= end);
        for Added {
            history,
            id,
            labels,
        } in page.added
        {
            if !self.cursor.knows(&id) && !self.needs.rule_out(&labels) {
                self.cursor.pending.push_back((history, id));
            }
        }
        match &mut self.cursor.scan {
            Some(scan) if beyond && page.next.is_some() => scan.next = Next::Scan,
            _ => self.turn_page(page.next),
        }
        Ok(())
    }

    fn read_messages(
        &mut self,
        after_s: u64,
        label: Option<&str>,
        spam_and_trash: bool,
        token: Option<&str>,
    ) -> Result<(), Failure> {
        let page = self.api.messages(after_s, label, spam_and_trash, token)?;
        let end = self
            .cursor
            .scan
            .as_ref()
            .map_or(self.fresh, |scan| scan.end);
        let mut seen = HashSet::new();
        // The list has the newest first; events go out oldest first.
        for id in page.ids.into_iter().rev() {
            if !self.cursor.knows(&id) && seen.insert(id.clone()) && !self.needs.rule_out(&[]) {
                self.cursor.pending.push_back((end, id));
            }
        }
        self.turn_page(page.next);
        Ok(())
    }

    fn turn_page(&mut self, next: Option<String>) {
        if let Some(scan) = &mut self.cursor.scan {
            scan.next = next.map_or(Next::None, Next::Token);
        }
    }

    /// Starts a resync after the history has expired. The list has the messages since then;
    /// later ones follow `fresh` in the history, which was read before.
    fn resync(&mut self) {
        let after_ms = self.cursor.settled_ms.saturating_sub(RESYNC_OVERLAP_MS);
        let after_ms = after_ms.max(self.cursor.since_ms);
        self.cursor.scan = Some(Scan {
            source: Source::Messages {
                // The documentation does not say if the second itself is included.
                after_s: (after_ms / 1_000).saturating_sub(1),
                spam_and_trash: self.needs.spam_and_trash,
            },
            label: self.needs.label.clone(),
            began_ms: self.now_us / 1_000,
            end: self.fresh,
            next: Next::First,
        });
    }
}

/// Restarts a scan at its first page. The cursor knows the delivered messages.
fn restart(scan: &mut Scan, history: HistoryId) {
    scan.next = Next::First;
    if let Source::History { start } = &mut scan.source {
        *start = history;
    }
}

fn is_resync(scan: &Scan) -> bool {
    matches!(scan.source, Source::Messages { .. })
}
