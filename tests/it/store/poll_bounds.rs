//! Polls under stress: workers that die, pages too large for one transaction, pages without
//! an end, and organizations that crowd one another.

use super::polls::{self, after, claim, groups, settle_for, store_with_group, wanted};
use super::{T0, org};
use std::time::Duration;
use triggerhouse::domain::event::DecidedEvent;
use triggerhouse::store::{AfterPage, PageSettled, PollPageSettlement, PollSettled};
use triggerhouse_tests::on_both;

fn rows(settled: PageSettled) -> PollSettled {
    match settled {
        PageSettled::Written(settled) => settled,
        other => panic!("{other:?}"),
    }
}

on_both! {
    async fn a_poll_that_kills_its_workers_backs_off(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        // The lease is 30 s, and a retry waits for 10 s times the failures.
        claim(&store, group, T0).await.unwrap();
        assert!(claim(&store, group, after(30)).await.is_some(), "the first death may be a restart");
        for (lapses, due, failures) in [(60, 80, 2), (110, 140, 3), (170, 210, 4)] {
            assert!(claim(&store, group, after(lapses)).await.is_none(), "{lapses}");
            let shown = groups(&store, after(lapses)).await.remove(0);
            assert_eq!((shown.failures, shown.next_due_at), (failures, Some(after(due))));
            assert_eq!(shown.last_error.as_deref(), Some("a worker did not finish the poll"));
            assert!(store.due_polls(after(due - 1), 10).await.unwrap().is_empty());
            assert!(claim(&store, group, after(due)).await.is_some(), "{due}");
        }
        // A page that is settled ends it.
        let last = claim(&store, group, after(240)).await;
        assert!(last.is_none());
        let held = claim(&store, group, after(290)).await.unwrap();
        let work = store.poll_work(&held, after(290)).await.unwrap().unwrap();
        assert_eq!(work.failures, 5);
        settle_for(&store, &held, &work, "1", &wanted(trigger, &["a"]), AfterPage::Rest, after(291)).await;
        assert_eq!(groups(&store, after(292)).await.remove(0).failures, 0);
        store.close().await;
    }

    async fn the_cursor_moves_with_the_last_part_and_a_repeated_part_doubles_nothing(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let events: Vec<DecidedEvent> = (0..9)
            .map(|number| crate::store::decided(trigger, &format!("k{number}"), number % 3 == 0))
            .collect();
        let held = claim(&store, group, T0).await.unwrap();
        let work = store.poll_work(&held, T0).await.unwrap().unwrap();
        let part = |written| PollPageSettlement {
            claim: &held,
            work: &work,
            cursor: "1",
            events: &events,
            written,
            after: AfterPage::Rest,
        };
        assert_eq!(rows(store.settle_poll_part(part(0), 4, T0).await.unwrap()).events, 4);
        assert_eq!(rows(store.settle_poll_part(part(0), 4, T0).await.unwrap()).events, 0, "the answer was lost");
        assert_eq!(rows(store.settle_poll_part(part(4), 6, T0).await.unwrap()).events, 2);
        assert_eq!(db.number("select count(*) from poll_groups where cursor is not null").await, 0);

        // The worker dies; the next one asks for the same page.
        let again = claim(&store, group, after(30)).await.unwrap();
        assert_eq!(store.settle_poll_part(part(6), 7, after(30)).await.unwrap(), PageSettled::Lost);
        let work = store.poll_work(&again, after(30)).await.unwrap().unwrap();
        let whole = settle_for(&store, &again, &work, "1", &events, AfterPage::Rest, after(31)).await;
        assert_eq!(rows(whole).events, 3, "what was not written before");
        assert_eq!(db.number("select count(*) from events").await, 9);
        assert_eq!(db.number("select count(distinct dedup_key) from events").await, 9);
        assert_eq!(db.number("select count(*) from runs").await, 3);
        assert_eq!(db.texts("select cursor from poll_groups").await, ["1"]);
        store.close().await;
    }

    async fn turns_with_pages_left_are_counted_until_a_turn_ends(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        for (rounds, turn, next) in [
            (0, 0, AfterPage::Again(Duration::ZERO)),
            (1, 1, AfterPage::Again(Duration::from_secs(5))),
            (2, 7, AfterPage::Rest),
        ] {
            let held = claim(&store, group, after(turn)).await.unwrap();
            let work = store.poll_work(&held, after(turn)).await.unwrap().unwrap();
            assert_eq!(work.rounds, rounds);
            let cursor = turn.to_string();
            settle_for(&store, &held, &work, &cursor, &wanted(trigger, &[]), next, after(turn)).await;
            if turn == 1 {
                assert!(claim(&store, group, after(5)).await.is_none(), "it pauses");
            }
        }
        assert_eq!(db.number("select cast(rounds as bigint) from poll_groups").await, 0);
        store.close().await;
    }

    async fn due_groups_are_read_in_turns_of_their_organizations(db: &TestDb) {
        let (store, _, _) = store_with_group(db).await;
        // Ten more groups of the same organization, due earlier than one of another.
        store.create_key(&"other".parse().unwrap(), "test", b"other", "hint", T0).await.unwrap();
        for number in 0..10 {
            let integration = polls::integration_of(&store, &org(), Some(&format!("a{number}"))).await;
            polls::trigger(&store, integration, 60).await;
        }
        db.execute("update poll_groups set due_at = 1").await;
        let other = "other".parse().unwrap();
        let integration = polls::integration_of(&store, &other, Some("b")).await;
        polls::trigger_of(&store, &other, integration, 60).await;
        let due = store.due_polls(after(1), 4).await.unwrap();
        let organizations: Vec<&str> = due.iter().map(|due| due.org.as_str()).collect();
        assert_eq!(organizations, ["acme", "other", "acme", "acme"]);
        store.close().await;
    }
}
