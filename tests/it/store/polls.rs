//! Poll groups: claims, fences, and triggers that join and leave concurrently.

use super::{T0, decided, org};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::time::Duration;
use triggerhouse::domain::event::DecidedEvent;
use triggerhouse::domain::integration::IntegrationStatus;
use triggerhouse::domain::patch::Patch;
use triggerhouse::domain::poll_group::PollGroup;
use triggerhouse::domain::poll_group::PollGroupState;
use triggerhouse::domain::resource::TriggerKind;
use triggerhouse::domain::schedule::FiringLimits;
use triggerhouse::domain::{IntegrationId, OrgId, PollGroupId, Timestamp, TriggerId};
use triggerhouse::store::{
    AfterPage, AutomationPatch, ClaimedPoll, IntegrationPatch, NewIntegration, NewTrigger,
    PageRequest, PageSettled, PollAsked, PollDisposition, PollPageSettlement, PollSettled,
    PollWork, Store, TriggerAutomation, TriggerPatch, TriggerPoll,
};
use triggerhouse_tests::{Kind, TestDb, on_both};

const LEASE: Duration = Duration::from_secs(30);
const LIMITS: FiringLimits = FiringLimits {
    late: Duration::from_secs(60),
    missed_ticks_max: 100,
    events_max: 500,
};

pub fn after(seconds: u64) -> Timestamp {
    T0 + Duration::from_secs(seconds)
}

async fn integration(store: &Store) -> IntegrationId {
    integration_of(store, &org(), None).await
}

pub async fn integration_of(store: &Store, org: &OrgId, account: Option<&str>) -> IntegrationId {
    let new = NewIntegration {
        id: IntegrationId::new(),
        provider: "poller".into(),
        name: None,
        connection_id: None,
        provider_config_key: None,
        account: account.map(str::to_owned),
        secret: None,
        credential: None,
    };
    store.create_integration(org, &new, T0).await.unwrap().id
}

pub async fn trigger(store: &Store, integration: IntegrationId, seconds: u32) -> TriggerId {
    trigger_of(store, &org(), integration, seconds).await
}

pub async fn trigger_of(
    store: &Store,
    org: &OrgId,
    integration: IntegrationId,
    seconds: u32,
) -> TriggerId {
    let new = NewTrigger {
        id: TriggerId::new(),
        automation: TriggerAutomation::New("a".into()),
        name: "t".into(),
        provider: "poller".into(),
        kind: TriggerKind::Polling,
        integration: Some(integration),
        config: json!({}),
        enabled: true,
        endpoint: None,
        clock: None,
        poll: Some(TriggerPoll::Every(seconds)),
    };
    store.create_trigger(org, &new, T0).await.unwrap().id
}

async fn enable(store: &Store, trigger: TriggerId, enabled: bool, now: Timestamp) {
    let patch = TriggerPatch {
        enabled: Some(enabled),
        ..TriggerPatch::default()
    };
    let org = org();
    let changed = store.update_trigger(&org, trigger, &patch, LIMITS, now);
    assert!(changed.await.unwrap().is_some());
}

pub async fn groups(store: &Store, now: Timestamp) -> Vec<PollGroup> {
    let page = PageRequest {
        limit: 100,
        before: None,
    };
    store
        .list_poll_groups(&org(), page, now)
        .await
        .unwrap()
        .items
}

pub async fn store_with_group(db: &TestDb) -> (Store, TriggerId, PollGroupId) {
    let store = db.store().await;
    store
        .create_key(&org(), "test", b"hash", "hint", T0)
        .await
        .unwrap();
    let integration = integration(&store).await;
    let trigger = trigger(&store, integration, 60).await;
    let group = groups(&store, T0).await.remove(0).id;
    (store, trigger, group)
}

pub async fn claim(store: &Store, group: PollGroupId, now: Timestamp) -> Option<ClaimedPoll> {
    let retry = |failures: i32| Duration::from_secs(10 * u64::try_from(failures).unwrap());
    store.claim_poll(group, now, LEASE, retry).await.unwrap()
}

/// Settles a page that was requested in the current state.
async fn settle(
    store: &Store,
    claim: &ClaimedPoll,
    cursor: &str,
    events: &[DecidedEvent],
    after: AfterPage,
    now: Timestamp,
) -> PageSettled {
    let work = store.poll_work(claim, now).await.unwrap();
    let work = work.unwrap_or(PollWork {
        cursor: None,
        cursor_since: T0,
        changes: 0,
        failures: 0,
        rounds: 0,
        triggers: Vec::new(),
    });
    settle_for(store, claim, &work, cursor, events, after, now).await
}

pub async fn settle_for(
    store: &Store,
    claim: &ClaimedPoll,
    work: &PollWork,
    cursor: &str,
    events: &[DecidedEvent],
    after: AfterPage,
    now: Timestamp,
) -> PageSettled {
    let page = PollPageSettlement {
        claim,
        work,
        cursor,
        events,
        written: 0,
        after,
    };
    store.settle_poll_page(page, now).await.unwrap()
}

fn written(events: usize, runs: usize, duplicates: usize) -> PageSettled {
    PageSettled::Written(PollSettled {
        events,
        runs,
        duplicates,
    })
}

pub fn wanted(trigger: TriggerId, keys: &[&str]) -> Vec<DecidedEvent> {
    keys.iter().map(|key| decided(trigger, key, true)).collect()
}

on_both! {
    async fn a_group_has_one_claim_until_its_lease_lapses_and_a_late_worker_is_fenced_out(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        assert_eq!(store.due_polls(T0, 10).await.unwrap()[0].group, group);
        assert_eq!(store.next_poll_due().await.unwrap(), Some(T0));
        let first = claim(&store, group, T0).await.unwrap();
        assert!(claim(&store, group, after(29)).await.is_none());
        assert!(store.due_polls(after(29), 10).await.unwrap().is_empty());
        assert_eq!(store.next_poll_due().await.unwrap(), None);
        assert!(store.renew_poll(&first, after(20), LEASE).await.unwrap());
        assert!(claim(&store, group, after(49)).await.is_none());

        // The lease lapses: its holder writes nothing, even without a successor.
        assert!(!store.renew_poll(&first, after(50), LEASE).await.unwrap());
        assert_eq!(settle(&store, &first, "1", &wanted(trigger, &["a"]), AfterPage::Rest, after(50)).await, PageSettled::Lost);
        assert!(store.poll_work(&first, after(50)).await.unwrap().is_none());
        let second = claim(&store, group, after(50)).await.unwrap();
        assert_eq!(second.epoch, first.epoch + 1);
        let shown = groups(&store, after(51)).await.remove(0);
        assert_eq!(shown.failures, 1);
        assert_eq!((shown.state, shown.last_error.as_deref()), (PollGroupState::Polling, Some("a worker did not finish the poll")));

        // Nor with a successor.
        let failed = PollDisposition::Unauthorized { error: "401".into(), revision: None };
        assert_eq!(settle(&store, &first, "1", &wanted(trigger, &["a"]), AfterPage::Rest, after(51)).await, PageSettled::Lost);
        assert!(!store.fail_poll(&first, &failed, after(51)).await.unwrap());
        let settled = settle(&store, &second, "2", &wanted(trigger, &["b"]), AfterPage::Rest, after(52)).await;
        assert_eq!(settled, written(1, 1, 0));
        let shown = groups(&store, after(60)).await.remove(0);
        assert_eq!((shown.integration_status, shown.failures, shown.last_error), (IntegrationStatus::Active, 0, None));
        // The next poll counts from the beginning of this one.
        assert_eq!((shown.next_due_at, shown.cursor_age_seconds), (Some(after(110)), Some(8)));
        assert_eq!(db.texts("select cursor from poll_groups").await, ["2"]);
        assert_eq!(db.texts("select dedup_key from events").await, ["b"]);
        // A page cannot be settled twice.
        assert_eq!(settle(&store, &second, "9", &wanted(trigger, &["z"]), AfterPage::Rest, after(53)).await, PageSettled::Lost);
        store.close().await;
    }

    async fn one_claim_settles_several_pages_and_a_repeated_page_doubles_nothing(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let held = claim(&store, group, T0).await.unwrap();
        assert_eq!(store.poll_work(&held, T0).await.unwrap().unwrap().cursor, None);
        let first = store.poll_work(&held, T0).await.unwrap().unwrap();
        let mut events = wanted(trigger, &["a", "b"]);
        events.push(decided(trigger, "c", false));
        for (now, expected) in [(1, written(3, 2, 0)), (2, PageSettled::Already)] {
            // The repetition after a commit whose answer was lost.
            let settled = settle_for(&store, &held, &first, "\"p\"", &events, AfterPage::More(LEASE), after(now)).await;
            assert_eq!(settled, expected);
        }
        assert_eq!(db.number("select count(*) from events").await, 3);
        let work = store.poll_work(&held, after(3)).await.unwrap().unwrap();
        assert_eq!((work.cursor.as_deref(), work.triggers.len()), (Some("\"p\""), 1));
        assert!(claim(&store, group, after(30)).await.is_none(), "a page holds the group for longer");
        assert!(matches!(settle(&store, &held, "\"q\"", &wanted(trigger, &["d"]), AfterPage::Again(Duration::ZERO), after(4)).await, PageSettled::Written(_)));
        let again = settle_for(&store, &held, &work, "\"q\"", &events, AfterPage::Again(Duration::ZERO), after(4)).await;
        assert_eq!(again, PageSettled::Already);
        let next = claim(&store, group, after(4)).await.unwrap();
        assert_eq!(next.epoch, held.epoch + 1);
        assert_eq!(db.number("select count(*) from outbox").await, 3);
        store.close().await;
    }

    async fn a_poll_that_is_requested_during_another_follows_it(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let held = claim(&store, group, T0).await.unwrap();
        let asked = store.poll_now(&org(), group, false, after(5)).await.unwrap();
        assert!(matches!(asked, PollAsked::Asked(_)));
        assert!(claim(&store, group, after(6)).await.is_none());
        assert!(store.renew_poll(&held, after(7), LEASE).await.unwrap());
        assert!(matches!(settle(&store, &held, "1", &wanted(trigger, &[]), AfterPage::More(LEASE), after(8)).await, PageSettled::Written(_)));
        assert!(matches!(settle(&store, &held, "2", &wanted(trigger, &[]), AfterPage::Rest, after(9)).await, PageSettled::Written(_)));
        let again = claim(&store, group, after(9)).await.unwrap();
        let work = store.poll_work(&again, after(9)).await.unwrap().unwrap();
        // A group that is disabled meanwhile pauses, whatever the poll's result.
        enable(&store, trigger, false, after(10)).await;
        let events = wanted(trigger, &["a"]);
        let settled = settle_for(&store, &again, &work, "3", &events, AfterPage::Again(Duration::ZERO), after(11)).await;
        assert_eq!(settled, PageSettled::Changed, "no trigger wants the page any more");
        assert!(store.fail_poll(&again, &PollDisposition::GiveBack { at: after(11) }, after(11)).await.unwrap());
        let shown = groups(&store, after(12)).await.remove(0);
        assert_eq!((shown.state, shown.next_due_at), (PollGroupState::Paused, None));
        assert!(matches!(store.poll_now(&org(), group, false, after(12)).await.unwrap(), PollAsked::Paused));
        enable(&store, trigger, true, after(13)).await;
        assert!(claim(&store, group, after(13)).await.is_some());
        assert_eq!(db.texts("select cursor from poll_groups").await, ["2"]);
        store.close().await;
    }

    async fn failures_delay_a_group_and_poll_now_does_not_shorten_a_services_pause(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let fail = async |failed: PollDisposition, now: u64| {
            let claim = claim(&store, group, after(now)).await.unwrap();
            assert!(store.fail_poll(&claim, &failed, after(now)).await.unwrap());
            groups(&store, after(now)).await.remove(0)
        };
        let shown = fail(PollDisposition::Retry { at: after(100), pause_until: None, error: "503".into() }, 1).await;
        assert_eq!((shown.failures, shown.next_due_at, shown.last_error.as_deref()), (1, Some(after(100)), Some("503")));
        let shown = fail(PollDisposition::RateLimited { until: after(200), error: "429".into() }, 100).await;
        assert_eq!((shown.failures, shown.rate_limited_until), (1, Some(after(200))));
        store.poll_now(&org(), group, false, after(101)).await.unwrap();
        enable(&store, trigger, false, after(102)).await;
        enable(&store, trigger, true, after(103)).await;
        assert!(claim(&store, group, after(199)).await.is_none());
        let shown = fail(PollDisposition::GiveBack { at: after(201) }, 200).await;
        assert_eq!((shown.failures, shown.next_due_at), (1, Some(after(201))));
        // The integration needs a person, and its group pauses.
        let shown = fail(PollDisposition::Unauthorized { error: "unauthorized: 401".into(), revision: None }, 201).await;
        assert_eq!((shown.integration_status, shown.state), (IntegrationStatus::NeedsReauth, PollGroupState::Paused));
        let patch = IntegrationPatch { status: Some(IntegrationStatus::Active), ..IntegrationPatch::default() };
        store.update_integration(&org(), shown.integration_id, &patch, after(300)).await.unwrap();
        let held = claim(&store, group, after(300)).await.unwrap();
        assert!(matches!(settle(&store, &held, "1", &wanted(trigger, &[]), AfterPage::Rest, after(301)).await, PageSettled::Written(_)));
        let shown = groups(&store, after(302)).await.remove(0);
        assert_eq!((shown.failures, shown.last_error, shown.rate_limited_until), (0, None, None));
        store.close().await;
    }

    async fn a_poll_requested_during_a_failing_one_follows_when_the_service_allows(db: &TestDb) {
        let (store, _, group) = store_with_group(db).await;
        for (began, pause, next) in [(0, None, 5), (100, Some(130), 130)] {
            let held = claim(&store, group, after(began)).await.unwrap();
            store.poll_now(&org(), group, false, after(began + 5)).await.unwrap();
            let failed = PollDisposition::Retry { at: after(began + 999), pause_until: pause.map(after), error: "503".into() };
            assert!(store.fail_poll(&held, &failed, after(began + 6)).await.unwrap());
            assert_eq!(store.next_poll_due().await.unwrap(), Some(after(next)));
        }
        // Another replica respects the pause.
        store.poll_now(&org(), group, false, after(110)).await.unwrap();
        assert_eq!(store.next_poll_due().await.unwrap(), Some(after(130)));
        store.close().await;
    }

    async fn a_page_is_refused_if_its_groups_triggers_have_changed(db: &TestDb) {
        let (store, first, group) = store_with_group(db).await;
        let held = claim(&store, group, T0).await.unwrap();
        let integration = groups(&store, T0).await.remove(0).integration_id;
        let stale = async |work: &PollWork, second: u64| {
            let events = wanted(first, &["a"]);
            let settled = settle_for(&store, &held, work, "1", &events, AfterPage::More(LEASE), after(second)).await;
            assert_eq!(settled, PageSettled::Changed);
        };
        let now = async || store.poll_work(&held, after(1)).await.unwrap().unwrap();
        // A trigger joins …
        let work = now().await;
        let second = trigger(&store, integration, 60).await;
        stale(&work, 1).await;
        // … changes its configuration …
        let work = now().await;
        let patch = TriggerPatch { config: Some(json!({"a": 1})), ..TriggerPatch::default() };
        store.update_trigger(&org(), second, &patch, LIMITS, after(1)).await.unwrap();
        stale(&work, 2).await;
        // … and leaves. Or an automation is disabled.
        let work = now().await;
        store.delete_trigger(&org(), second, LIMITS, after(2)).await.unwrap();
        stale(&work, 3).await;
        let work = now().await;
        let automation = store.trigger(&org(), first).await.unwrap().unwrap().0.automation_id;
        let off = AutomationPatch { enabled: Some(false), ..AutomationPatch::default() };
        store.update_automation(&org(), automation, &off, after(3)).await.unwrap();
        stale(&work, 4).await;
        // A name does not matter.
        let work = now().await;
        let patch = TriggerPatch { name: Some("n".into()), ..TriggerPatch::default() };
        store.update_trigger(&org(), first, &patch, LIMITS, after(4)).await.unwrap();
        let events = wanted(first, &["a"]);
        let settled = settle_for(&store, &held, &work, "1", &events, AfterPage::Rest, after(5)).await;
        assert_eq!(settled, written(1, 1, 0));
        store.close().await;
    }

    async fn a_replica_that_lost_its_claim_cannot_refuse_a_credential(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let first = claim(&store, group, T0).await.unwrap();
        let second = claim(&store, group, after(30)).await.unwrap();
        let failed = PollDisposition::Unauthorized { error: "401".into(), revision: None };
        assert!(!store.fail_poll(&first, &failed, after(31)).await.unwrap());
        let settled = settle(&store, &second, "1", &wanted(trigger, &["a"]), AfterPage::Rest, after(32)).await;
        assert_eq!(settled, written(1, 1, 0));
        let shown = groups(&store, after(33)).await.remove(0);
        assert_eq!(shown.integration_status, IntegrationStatus::Active);
        store.close().await;
    }

    async fn an_unreadable_cron_stops_only_its_own_trigger(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let integration = groups(&store, T0).await.remove(0).integration_id;
        let broken = self::trigger(&store, integration, 600).await;
        let id = broken.0.simple().to_string();
        let id = match db.kind {
            Kind::Sqlite => format!("x'{id}'"),
            Kind::Postgres => format!("'{id}'"),
        };
        db.execute(&format!("update triggers set cron = '0 0 * * *', timezone = 'Nowhere/Atall', poll_interval_seconds = null where id = {id}")).await;
        let held = claim(&store, group, T0).await.unwrap();
        let settled = settle(&store, &held, "1", &wanted(trigger, &["a"]), AfterPage::Rest, after(1)).await;
        assert_eq!(settled, written(1, 1, 0));
        assert_eq!(store.next_poll_due().await.unwrap(), Some(after(60)));
        enable(&store, trigger, false, after(2)).await;
        assert_eq!(groups(&store, after(2)).await.remove(0).state, PollGroupState::Paused);
        let shown = store.trigger(&org(), broken).await.unwrap().unwrap().0;
        assert!(shown.cron_error.is_some());
        store.close().await;
    }

    async fn a_due_group_stays_due_after_any_change(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let held = claim(&store, group, T0).await.unwrap();
        settle(&store, &held, "1", &wanted(trigger, &[]), AfterPage::Again(Duration::ZERO), after(9)).await;
        let patch = TriggerPatch { config: Some(json!({"a": 1})), ..TriggerPatch::default() };
        store.update_trigger(&org(), trigger, &patch, LIMITS, after(10)).await.unwrap();
        assert_eq!(store.next_poll_due().await.unwrap(), Some(after(9)));
        store.close().await;
    }

    async fn a_reset_cursor_stays_reset(db: &TestDb) {
        let (store, trigger, group) = store_with_group(db).await;
        let held = claim(&store, group, T0).await.unwrap();
        assert!(matches!(settle(&store, &held, "1", &wanted(trigger, &[]), AfterPage::More(LEASE), after(1)).await, PageSettled::Written(_)));
        store.poll_now(&org(), group, true, after(2)).await.unwrap();
        assert_eq!(settle(&store, &held, "2", &wanted(trigger, &["a"]), AfterPage::Rest, after(3)).await, PageSettled::Lost);
        let again = claim(&store, group, after(3)).await.unwrap();
        assert_eq!(store.poll_work(&again, after(3)).await.unwrap().unwrap().cursor, None);
        store.close().await;
    }

    async fn of_concurrent_claims_one_succeeds(db: &TestDb) {
        let (store, _, group) = store_with_group(db).await;
        let claims: Vec<_> = (0..16).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { claim(&store, group, T0).await })
        }).collect();
        let mut won = 0;
        for claim in claims {
            won += usize::from(claim.await.unwrap().is_some());
        }
        assert_eq!(won, 1);
        assert_eq!(db.number("select epoch from poll_groups").await, 1);
        store.close().await;
    }

    async fn a_group_exists_exactly_while_a_trigger_is_left(db: &TestDb) {
        let store = db.store().await;
        store.create_key(&org(), "test", b"hash", "hint", T0).await.unwrap();
        let integrations = [integration(&store).await, integration(&store).await, integration(&store).await];
        let work = (0..8).map(|seed| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut random = StdRng::seed_from_u64(seed);
                let mut mine = Vec::new();
                for step in 0..25 {
                    let integration = integrations[random.random_range(0..3)];
                    match (random.random_range(0..5), mine.len()) {
                        (0 | 1, _) | (_, 0) => mine.push(trigger(&store, integration, 60).await),
                        (2, _) => {
                            let patch = TriggerPatch { integration: Patch::Set(integration), ..TriggerPatch::default() };
                            let id = mine[random.random_range(0..mine.len())];
                            store.update_trigger(&org(), id, &patch, LIMITS, T0).await.unwrap();
                        }
                        (3, _) => {
                            let status = [IntegrationStatus::Active, IntegrationStatus::Suspended][step % 2];
                            let patch = IntegrationPatch { status: Some(status), ..IntegrationPatch::default() };
                            store.update_integration(&org(), integration, &patch, T0).await.unwrap();
                        }
                        _ => {
                            let id = mine.swap_remove(random.random_range(0..mine.len()));
                            assert!(store.delete_trigger(&org(), id, LIMITS, T0).await.unwrap());
                        }
                    }
                }
                // Half of the tasks delete all their triggers again.
                for id in mine.into_iter().filter(|_| seed % 2 == 0) {
                    assert!(store.delete_trigger(&org(), id, LIMITS, T0).await.unwrap());
                }
            })
        });
        for task in work.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let wrong = "select count(*) from integrations i where
            (exists (select 1 from triggers t where t.integration_id = i.id and t.deleted_at is null)
             and i.deleted_at is null)
            <> exists (select 1 from poll_groups g where g.integration_id = i.id)";
        assert_eq!(db.number(wrong).await, 0);
        let wrong = "select count(*) from poll_groups g join integrations i on i.id = g.integration_id
            where (g.due_at is null) <> (i.status = 'suspended')";
        assert_eq!(db.number(wrong).await, 0);
        assert!(groups(&store, T0).await.len() > 1);
        store.close().await;
    }
}
