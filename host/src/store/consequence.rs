//! The consequence of an error of the database, by its code.
//!
//! Owns: one table for Postgres' SQLSTATEs and one for SQLite's result codes.
//! Never does: decide what a caller does about it.

/// The consequence of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// This connection is of no more use, or its server takes no writes. Another one may be.
    Away,
    /// The server had no time or room for it. A repetition may succeed.
    Busy,
    /// A value is at fault: a repetition fails again.
    Refused,
}

use Consequence::{Away, Busy};

/// SQLSTATEs, or classes of them (two characters), with their consequence. The longest
/// match counts; everything else is [`Consequence::Refused`].
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const POSTGRES: &[(&str, Consequence)] = &[
    // The connection failed.
    ("08", Away),
    // "cached plan must not change result type": a migration has changed a table. A new
    // connection plans again.
    ("0A000", Away),
    // The server was demoted, or its disk is full and its owner made it read-only.
    ("25006", Away),
    // It ended the session, which did nothing for too long.
    ("25P03", Away),
    ("57P05", Away),
    // A pooler has lost what this session had prepared.
    ("26000", Away),
    // The login is refused: a password is being changed.
    ("28", Away),
    // There is no such database: it is being restored.
    ("3D000", Away),
    // Serialization failures and deadlocks.
    ("40", Busy),
    // A table, column, function or right is missing: the schema is not the one that this
    // version knows. That is no delivery's fault.
    ("42P01", Busy),
    ("42703", Busy),
    ("42883", Busy),
    ("42501", Busy),
    // No memory, disk or connection is left.
    ("53", Busy),
    // Somebody else holds the object or the lock.
    ("55006", Busy),
    ("55P03", Busy),
    // The time limit of a statement, or a person who canceled it.
    ("57014", Busy),
    // The server shuts down, starts, recovers, or drops this database.
    ("57", Away),
    // Files and disks.
    ("58", Busy),
    // Internal errors and damaged data.
    ("XX", Busy),
];

/// The consequence of a SQLSTATE.
pub(super) fn of_postgres(code: &str) -> Consequence {
    let matching = POSTGRES
        .iter()
        .filter(|(prefix, _)| code.starts_with(prefix));
    let longest = matching.max_by_key(|(prefix, _)| prefix.len());
    longest.map_or(Consequence::Refused, |(_, consequence)| *consequence)
}

/// The consequence of a result code, extended or not.
/// <https://www.sqlite.org/rescode.html>
pub(super) fn of_sqlite(code: i32) -> Consequence {
    match code & 0xff {
        // Busy, locked, out of memory, interrupted by the time limit, a changed schema.
        5 | 6 | 7 | 9 | 17 => Busy,
        // A read-only file, an I/O error, a damaged file, a full disk, a file that cannot be
        // opened or is none of SQLite's.
        8 | 10 | 11 | 13 | 14 | 26 => Away,
        _ => Consequence::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_sqlstate_has_its_consequence() {
        let cases = [
            ("08006", Away),
            ("0A000", Away),
            ("22003", Consequence::Refused),
            ("23505", Consequence::Refused),
            ("25006", Away),
            ("25P02", Consequence::Refused),
            ("25P03", Away),
            ("26000", Away),
            ("28P01", Away),
            ("3D000", Away),
            ("40001", Busy),
            ("40P01", Busy),
            ("42601", Consequence::Refused),
            ("42P01", Busy),
            ("53100", Busy),
            ("53300", Busy),
            ("55P03", Busy),
            ("57014", Busy),
            ("57P01", Away),
            ("57P02", Away),
            ("57P03", Away),
            ("57P05", Away),
            ("58030", Busy),
            ("P0001", Consequence::Refused),
            ("XX000", Busy),
        ];
        for (code, expected) in cases {
            assert_eq!(of_postgres(code), expected, "{code}");
        }
    }

    #[test]
    fn each_result_code_of_sqlite_has_its_consequence() {
        // SQLITE_BUSY_SNAPSHOT and SQLITE_IOERR_FSYNC are extended codes.
        for (code, expected) in [
            (5, Busy),
            (517, Busy),
            (9, Busy),
            (10, Away),
            (1034, Away),
            (8, Away),
            (13, Away),
            (19, Consequence::Refused),
            (1, Consequence::Refused),
        ] {
            assert_eq!(of_sqlite(code), expected, "{code}");
        }
    }
}
