//! Tests of the cursor.

use super::*;

const SECOND_MS: u64 = 1_000;

fn cursor(history: u64) -> Cursor {
    Cursor::first("me@example.com".into(), HistoryId(history), 0)
}

fn scan(start: u64, end: u64) -> Scan {
    Scan {
        source: Source::History {
            start: HistoryId(start),
        },
        label: None,
        began_ms: 0,
        end: HistoryId(end),
        next: Next::None,
    }
}

/// Completes one message for each record, in a scan that began at `began_ms`.
fn scan_through(
    cursor: &mut Cursor,
    records: impl IntoIterator<Item = u64>,
    end: u64,
    began_ms: u64,
) {
    cursor.scan = Some(Scan {
        began_ms,
        ..scan(cursor.history.0, end)
    });
    for record in records {
        cursor
            .pending
            .push_back((HistoryId(record), format!("m{record}")));
        cursor.handled(None);
    }
    cursor.close_scan();
}

#[test]
fn the_documented_example_is_read_and_written_back() {
    let documentation = include_str!("mod.rs");
    let (_, rest) = documentation.split_once("//! ```json\n").unwrap();
    let (example, _) = rest.split_once("//! ```").unwrap();
    let example = example.replace("//! ", "");
    let cursor = Cursor::read(&example).unwrap();
    assert_eq!(cursor.history, HistoryId(9_007_199_254_740_995));
    let value: Value = serde_json::from_str(&example).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&cursor.write()).unwrap(),
        value
    );
}

#[test]
fn a_cursor_of_another_version_or_shape_is_invalid() {
    let mut newer = cursor(1);
    newer.v = 2;
    for json in [
        newer.write().as_str(),
        "",
        "null",
        "17",
        r#""v""#,
        "{}",
        r#"{"v": 1}"#,
        r#"{"v": "1", "mailbox": "a"}"#,
        &cursor(1).write().replace("\"1\"", "1"),
        &cursor(1).write().replace("\"1\"", "\"1.0\""),
        &cursor(1).write().replace("since", "sinse"),
    ] {
        assert!(
            matches!(Cursor::read(json), Err(PollError::InvalidCursor(text)) if text.starts_with("cursor: ")),
            "{json}"
        );
    }
}

#[test]
fn history_ids_keep_all_of_their_64_bits() {
    let cursor = cursor(u64::MAX);
    assert!(cursor.write().contains("\"18446744073709551615\""));
    assert_eq!(Cursor::read(&cursor.write()), Ok(cursor));
}

#[test]
fn the_history_follows_once_a_scan_is_old_enough() {
    let mut cursor = cursor(10);
    scan_through(&mut cursor, [11, 12], 12, 0);
    assert_eq!(cursor.history, HistoryId(10));
    assert!(cursor.knows("m11") && cursor.knows("m12") && !cursor.knows("m13"));
    scan_through(&mut cursor, [15], 15, OVERLAP_MS - 1);
    assert_eq!(cursor.history, HistoryId(10));
    scan_through(&mut cursor, [], 15, OVERLAP_MS);
    assert_eq!(cursor.history, HistoryId(12));
    assert!(!cursor.knows("m12") && cursor.knows("m15"));
    scan_through(&mut cursor, [], 15, 3 * OVERLAP_MS);
    assert_eq!(cursor.history, HistoryId(15));
    assert!(cursor.recent.is_empty() && cursor.marks.is_empty());
}

#[test]
fn a_scan_that_ends_late_settles_only_what_was_old_when_it_began() {
    let mut cursor = cursor(10);
    scan_through(&mut cursor, [11], 12, 0);
    // Its only page is read after a second, its messages only hours later.
    scan_through(&mut cursor, [13], 13, SECOND_MS);
    assert_eq!(cursor.history, HistoryId(10));
    scan_through(&mut cursor, [], 13, 10 * OVERLAP_MS);
    assert_eq!(cursor.history, HistoryId(12));
}

#[test]
fn the_history_follows_messages_that_were_old_when_the_scan_began() {
    let mut cursor = cursor(10);
    let began_ms = 10 * OVERLAP_MS;
    cursor.scan = Some(Scan {
        began_ms,
        ..scan(10, 20)
    });
    let mut handle = |record: u64, date_ms: u64| {
        let id = format!("m{record}-{date_ms}");
        cursor.pending.push_front((HistoryId(record), id));
        cursor.handled(Some(date_ms));
        (cursor.history.0, cursor.settled_ms, cursor.recent.len())
    };
    let old_ms = began_ms - OVERLAP_MS;
    assert_eq!(handle(11, old_ms + 1), (10, 0, 1));
    assert_eq!(handle(12, old_ms - 9), (12, old_ms - 9, 0));
    // Imported with an old date: its record may be new.
    assert_eq!(handle(13, old_ms - 10), (12, old_ms - 9, 1));
    assert_eq!(handle(14, old_ms), (14, old_ms, 0));
    assert_eq!(handle(15, u64::MAX), (14, old_ms, 1));
}

#[test]
fn a_clock_that_was_set_back_does_not_block_the_history() {
    let mut cursor = cursor(10);
    scan_through(&mut cursor, [11], 11, 1_000 * OVERLAP_MS);
    scan_through(&mut cursor, [], 11, 5 * SECOND_MS);
    scan_through(&mut cursor, [], 11, 5 * SECOND_MS + OVERLAP_MS);
    assert_eq!(cursor.history, HistoryId(11));
}

#[test]
fn a_resync_ends_at_the_end_of_the_history_before_it() {
    let mut cursor = cursor(10);
    scan_through(&mut cursor, [11], 11, 0);
    cursor.scan = Some(Scan {
        source: Source::Messages {
            after_s: 0,
            spam_and_trash: false,
        },
        ..scan(0, 40)
    });
    cursor.pending.push_back((HistoryId(40), "old".into()));
    cursor.handled(None);
    cursor.close_scan();
    assert_eq!(cursor.history, HistoryId(40));
    assert!(cursor.recent.is_empty() && cursor.marks.is_empty() && cursor.scan.is_none());
}

#[test]
fn a_resync_begins_before_everything_unsettled() {
    let mut cursor = cursor(10);
    let minute_ms = 60_000;
    // The scan took an hour and saw messages newer than its start.
    cursor.scan = Some(Scan {
        began_ms: minute_ms,
        ..scan(10, 20)
    });
    cursor.latest_ms = 50 * minute_ms;
    cursor.close_scan();
    assert_eq!(cursor.settled_ms, 0);
    scan_through(&mut cursor, [], 20, minute_ms + OVERLAP_MS - 1);
    assert_eq!(cursor.history, HistoryId(10));
    scan_through(&mut cursor, [], 20, minute_ms + OVERLAP_MS);
    assert_eq!(
        (cursor.history, cursor.settled_ms),
        (HistoryId(20), minute_ms)
    );
}

#[test]
fn the_cursor_stays_small_and_keeps_its_place_when_thousands_arrive_at_once() {
    let mut cursor = cursor(0);
    scan_through(&mut cursor, 1..=5_000, 5_000, 0);
    assert_eq!(cursor.recent.len(), RECENT_MAX);
    assert_eq!(cursor.history, HistoryId(5_000 - RECENT_MAX as u64));
    assert!(cursor.write().len() < 32 * RECENT_MAX);
    for second in 1..=600 {
        scan_through(&mut cursor, [], 5_000 + second, second * SECOND_MS);
        assert!(cursor.marks.len() <= 12);
    }
}

#[test]
fn the_history_never_passes_a_message_of_the_same_record() {
    let mut cursor = cursor(0);
    cursor.scan = Some(scan(0, 10));
    for message in 0..RECENT_MAX + 50 {
        let id = format!("m{message:04}");
        cursor.pending.push_back((HistoryId(10), id));
    }
    cursor.pending.push_back((HistoryId(11), "next".into()));
    for _ in 0..RECENT_MAX + 49 {
        cursor.handled(None);
    }
    assert_eq!(cursor.history, HistoryId(0));
}
