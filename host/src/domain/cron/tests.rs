//! Expressions, zones and both changes of the clock.

use super::*;

fn time(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    Timestamp(time.as_microsecond())
}

fn cron(expression: &str, zone: &str) -> Cron {
    Cron::parse(expression, zone, time("2026-01-01T00:00:00Z")).unwrap()
}

/// The ticks after `from`, as wall clock times with their offset.
fn ticks(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let cron = cron(expression, zone);
    let mut at: jiff::Timestamp = from.parse().unwrap();
    let mut ticks = Vec::new();
    for _ in 0..count {
        let next = cron.next_after(Timestamp(at.as_microsecond())).unwrap();
        at = jiff::Timestamp::from_microsecond(next.0).unwrap();
        let wall = at.to_zoned_datetime(TimeZone::get(zone).unwrap());
        ticks.push(wall.strftime("%m-%d %H:%M:%S %:z").to_string());
    }
    ticks
}

#[test]
fn an_invalid_cron_is_refused_with_the_expected_form() {
    let now = time("2026-01-01T00:00:00Z");
    let error = |expression, zone| Cron::parse(expression, zone, now).unwrap_err().to_string();
    for expression in [
        "",
        "* * * *",
        "* * * * * * *",
        "@daily",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "*/0 * * * *",
        "a * * * *",
        "5-1 * * * *",
        "1,,2 * * * *",
        "1.5 * * * *",
        // Other crons and the parser accept these, with different meanings.
        "0 0 1 * +MON",
        "0 0 ?/2 * *",
        "0 0 1 ? *",
        "? * * * *",
        "0 0 L,LW * *",
        "0 0 WL * *",
        "0 0 W * *",
        "0 0 L-3 * *",
        "0 0 5L * *",
        "0 0 * * L",
        "0 0 7 * MON,L",
        "0 0 * * 5W",
        "0 0 * * 5#6",
        "0 0 * * FRI#0",
        "0 0 * * MON-FRI#2",
        "0 0 * * FRI#L",
        "0 0 * * #2",
        "5L * * * *",
        "0 0 1 1JAN *",
        "0 0 1 JANFEB *",
        "0 0 1 MON *",
        "0 0 * * JAN",
        "0 0 * * FRI-MON",
        "0 0 * * FR\u{131}",
        "5/10 * * * *",
        "*,5 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "-5 * * * *",
        "5- * * * *",
        "/5 * * * *",
        "*/ * * * *",
        "+5 * * * *",
    ] {
        let text = error(expression, "UTC");
        assert!(
            text.starts_with("expected five fields"),
            "{expression}: {text}"
        );
    }
    assert!(
        error("0 0 * * MON,L", "UTC").ends_with(r#"the weekday cannot be "L""#),
        "{}",
        error("0 0 * * MON,L", "UTC")
    );
    assert!(error("1,".repeat(200).leak(), "UTC").contains("more than 200 characters"));
    assert_eq!(error("0 0 30 2 *", "UTC"), "the expression never fires");
    for zone in ["", "Mars/Olympus", "CEST", "+02:00"] {
        assert!(
            error("* * * * *", zone).contains("such as Europe/Berlin"),
            "{zone}"
        );
    }
}

#[test]
fn five_fields_fire_on_the_minute_and_six_on_the_second() {
    assert_eq!(
        ticks("*/20 9 * * *", "UTC", "2026-01-01T09:15:30Z", 3),
        [
            "01-01 09:20:00 +00:00",
            "01-01 09:40:00 +00:00",
            "01-02 09:00:00 +00:00"
        ]
    );
    assert_eq!(
        ticks("*/20 30 9 * * *", "UTC", "2026-01-01T09:30:00.5Z", 3),
        [
            "01-01 09:30:20 +00:00",
            "01-01 09:30:40 +00:00",
            "01-02 09:30:00 +00:00"
        ]
    );
}

#[test]
fn the_leap_day_and_names_and_or_of_days() {
    assert_eq!(
        ticks("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1),
        ["02-29 00:00:00 +00:00"]
    );
    assert_eq!(
        ticks("0 12 * JAN MON-TUE", "UTC", "2026-01-01T00:00:00Z", 2),
        ["01-05 12:00:00 +00:00", "01-06 12:00:00 +00:00"]
    );
    // The 1st, or a Sunday, which has two numbers.
    for sunday in ["0", "7"] {
        assert_eq!(
            ticks(
                &format!("0 0 1 * {sunday}"),
                "UTC",
                "2026-01-31T00:00:00Z",
                3
            ),
            [
                "02-01 00:00:00 +00:00",
                "02-08 00:00:00 +00:00",
                "02-15 00:00:00 +00:00"
            ]
        );
    }
}

/// The first days of 2026 on which an expression fires.
fn days(expression: &str, count: usize) -> Vec<String> {
    let ticks = ticks(expression, "UTC", "2025-12-31T23:59:59Z", count);
    ticks.iter().map(|tick| tick[..5].to_owned()).collect()
}

#[test]
fn a_list_has_numbers_names_ranges_and_steps() {
    assert_eq!(
        days("0 0 1-7/3,20 jan,3-4 *", 8),
        [
            "01-01", "01-04", "01-07", "01-20", "03-01", "03-04", "03-07", "03-20"
        ]
    );
}

#[test]
fn l_is_the_last_day_of_the_month() {
    assert_eq!(days("0 0 L * *", 4), ["01-31", "02-28", "03-31", "04-30"]);
    assert_eq!(days("0 0 15,l * *", 3), ["01-15", "01-31", "02-15"]);
}

#[test]
fn w_is_the_working_day_nearest_to_a_day_of_the_same_month() {
    // The 15th of February 2026 is a Sunday, the 1st of August a Saturday.
    assert_eq!(days("0 0 15W * *", 3), ["01-15", "02-16", "03-16"]);
    assert_eq!(days("0 0 1W 8 *", 1), ["08-03"], "not in July");
    assert_eq!(days("0 0 31w 1,5 *", 2), ["01-30", "05-29"], "not in June");
}

#[test]
fn lw_is_the_last_working_day_of_the_month() {
    assert_eq!(days("0 0 LW * *", 4), ["01-30", "02-27", "03-31", "04-30"]);
}

#[test]
fn a_weekday_with_l_is_the_last_of_the_month() {
    for friday in ["5L", "FRIL", "fril"] {
        assert_eq!(
            days(&format!("0 0 * * {friday}"), 3),
            ["01-30", "02-27", "03-27"]
        );
    }
    for sunday in ["0L", "7L"] {
        assert_eq!(days(&format!("0 0 * * {sunday}"), 1), ["01-25"]);
    }
}

#[test]
fn a_weekday_with_a_number_is_the_nth_of_the_month() {
    for friday in ["5#2", "FRI#2"] {
        assert_eq!(
            days(&format!("0 0 * * {friday}"), 3),
            ["01-09", "02-13", "03-13"]
        );
    }
    assert_eq!(days("0 0 * * SUN#1,7#3", 3), ["01-04", "01-18", "02-01"]);
    assert_eq!(
        days("0 0 * * THU#5", 2),
        ["01-29", "04-30"],
        "if there is one"
    );
}

#[test]
fn a_question_mark_leaves_a_day_field_open_like_a_star() {
    assert_eq!(days("0 0 ? * MON", 2), ["01-05", "01-12"]);
    assert_eq!(days("0 0 13 * ?", 2), ["01-13", "02-13"]);
    assert_eq!(days("0 0 ? * ?", 2), ["01-01", "01-02"]);
}

#[test]
fn days_that_depend_on_the_month_are_joined_by_or_like_other_days() {
    assert_eq!(
        days("0 0 L * FRI#1", 4),
        ["01-02", "01-31", "02-06", "02-28"]
    );
}

#[test]
fn a_fixed_time_that_the_clock_skips_fires_after_the_gap() {
    // Berlin, 2026-03-29: 02:00 becomes 03:00.
    assert_eq!(
        ticks("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
        [
            "03-28 02:30:00 +01:00",
            "03-29 03:00:00 +02:00",
            "03-30 02:30:00 +02:00"
        ]
    );
    // New York, 2026-03-08.
    assert_eq!(
        ticks("15 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2),
        ["03-08 03:00:00 -04:00", "03-09 02:15:00 -04:00"]
    );
    // Lord Howe goes forward by half an hour, 2026-10-04 02:00.
    assert_eq!(
        ticks(
            "10 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            2
        ),
        ["10-04 02:30:00 +11:00", "10-05 02:10:00 +11:00"]
    );
}

#[test]
fn a_fixed_time_that_the_clock_shows_twice_fires_once() {
    // Berlin, 2026-10-25: 03:00 becomes 02:00.
    assert_eq!(
        ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["10-25 02:30:00 +02:00", "10-26 02:30:00 +01:00"]
    );
    assert_eq!(
        ticks("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
        ["11-01 01:30:00 -04:00", "11-02 01:30:00 -05:00"]
    );
}

#[test]
fn a_fixed_time_has_seconds_and_clocks_change_at_midnight_too() {
    // Santiago, 2026-09-06: 00:00 becomes 01:00; and 2026-04-05: 00:00 becomes 23:00.
    assert_eq!(
        ticks(
            "15 30 0 * * *",
            "America/Santiago",
            "2026-09-05T12:00:00Z",
            2
        ),
        ["09-06 01:00:00 -03:00", "09-07 00:30:15 -03:00"]
    );
    assert_eq!(
        ticks(
            "15 30 23 * * *",
            "America/Santiago",
            "2026-04-04T12:00:00Z",
            2
        ),
        ["04-04 23:30:15 -03:00", "04-05 23:30:15 -04:00"]
    );
}

#[test]
fn several_times_a_day_are_an_interval() {
    assert_eq!(
        ticks("0 1,2,3 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", 4),
        [
            "10-25 01:00:00 +02:00",
            "10-25 02:00:00 +02:00",
            "10-25 02:00:00 +01:00",
            "10-25 03:00:00 +01:00"
        ]
    );
}

#[test]
fn a_star_with_a_step_does_not_restrict_the_day() {
    // As in Vixie cron: every other day of the month, if it is a Sunday.
    assert_eq!(
        ticks("0 0 */2 * SUN", "UTC", "2026-03-01T00:00:00Z", 2),
        ["03-15 00:00:00 +00:00", "03-29 00:00:00 +00:00"]
    );
}

#[test]
fn an_interval_fires_in_both_repeated_hours_and_not_in_the_gap() {
    assert_eq!(
        ticks("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 5),
        [
            "10-25 02:30:00 +02:00",
            "10-25 02:00:00 +01:00",
            "10-25 02:30:00 +01:00",
            "10-25 03:00:00 +01:00",
            "10-25 03:30:00 +01:00",
        ]
    );
    assert_eq!(
        ticks("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
        [
            "03-29 01:30:00 +01:00",
            "03-29 03:00:00 +02:00",
            "03-29 03:30:00 +02:00"
        ]
    );
}
