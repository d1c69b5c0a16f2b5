use super::*;
use std::time::Duration;
use triggerhouse_tests::on_both;
use triggerhouse_tests::receiver::Answer;

on_both! {
    async fn a_circuit_opens_lets_one_message_through_at_a_time_and_closes(db: &TestDb) {
        const FAILURES: usize = 3;
        let receiver = Receiver::answering(Answer::Status(500)).await;
        let more = format!("circuit_failures = {FAILURES}\ncircuit_seconds = 2\nper_sink_in_flight_max = 1");
        let (mut app, sink, _) = with_sink(db, &receiver, &more).await;
        let messages = start_runs(&mut app, "acme", 20).await;
        eventually("an open circuit", async || health(&mut app, &sink).await["circuit"] == "open").await;
        let seen = health(&mut app, &sink).await;
        assert!(seen["open_until"].is_string() && seen["last_error_at"].is_string(), "{seen}");
        assert_eq!(seen["last_error"], "the endpoint answered 500");
        let waits = app.app.store.backlog(triggerhouse::clock::now()).await.unwrap();
        assert_eq!((waits.sinks, waits.sinks_open), (1, 1), "which figures show");
        eventually("two probes", async || receiver.count() == FAILURES + 2).await;
        receiver.answer(Answer::Status(200));
        all_sent(db).await;
        assert_eq!(receiver.ids(), messages.into_iter().collect());
        let received = receiver.received();
        for probe in FAILURES..=FAILURES + 2 {
            let pause = received[probe].at - received[probe - 1].at;
            assert!(pause >= Duration::from_millis(1_950), "{probe}: {pause:?}");
        }
        assert_eq!(received.len(), FAILURES + 2 + 20, "waiting messages used up no attempts");
        eventually("a closed circuit", async || health(&mut app, &sink).await["circuit"] == "closed").await;
        assert_eq!(health(&mut app, &sink).await["failures"], 0);
        assert_eq!(app.app.store.backlog(triggerhouse::clock::now()).await.unwrap().sinks_open, 0);
        app.stop().await;
    }

    async fn a_hanging_endpoint_delays_no_other_organization(db: &TestDb) {
        let (hanging, quick) = (Receiver::answering(Answer::Never).await, Receiver::answering(Answer::Status(200)).await);
        let more = "in_flight_max = 4\nper_sink_in_flight_max = 2\ntimeout_ms = 300000\nlease_seconds = 600";
        let more = format!("shutdown_seconds_max = 1\n{}", settings(&[&hanging, &quick], more));
        let mut app = TestApp::start_with(db, &more).await;
        sink(&mut app, "slow", &hanging).await;
        sink(&mut app, "acme", &quick).await;
        start_runs(&mut app, "slow", 10).await;
        eventually("as many as may be", async || hanging.count() == 2).await;
        let messages = start_runs(&mut app, "acme", 20).await;
        eventually("all of the other", async || quick.count() == 20).await;
        assert_eq!(quick.ids(), messages.into_iter().collect());
        assert_eq!(hanging.count(), 2, "and no more than may be under way");
        app.stop().await;
    }
}
