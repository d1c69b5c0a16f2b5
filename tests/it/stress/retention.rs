//! Retention beside many rows that have to be kept.

use crate::store::retention::keep_and_pass_by;
use triggerhouse_tests::on_both;

on_both! {
    #[ignore = "stress: make stress"]
    async fn two_hundred_thousand_rows_that_are_kept_are_passed_by_once(db: &TestDb) {
        keep_and_pass_by(db, 200_000).await;
    }
}
