//! The table of results: sections of rows, each a measured value beside its limit.

use std::fmt;

/// A table; its sections keep the order in which they were first named.
#[derive(Default)]
pub struct Table {
    sections: Vec<(String, Vec<Row>)>,
}

struct Row {
    name: String,
    measured: String,
    limit: String,
    ratio: String,
    wanted: String,
}

impl Table {
    /// Adds a value without a limit; `wanted` is empty if there is no goal.
    pub fn row(&mut self, section: &str, name: &str, measured: impl fmt::Display, wanted: &str) {
        self.push(
            section,
            Row {
                name: name.to_owned(),
                measured: measured.to_string(),
                limit: String::new(),
                ratio: String::new(),
                wanted: wanted.to_owned(),
            },
        );
    }

    /// Adds a value beside its limit: the median of each, and the median of their ratios.
    pub fn compared(&mut self, section: &str, name: &str, pairs: &[Pair], wanted: &str) {
        let ratio = median(pairs.iter().map(|pair| pair.measured / pair.limit));
        self.push(
            section,
            Row {
                name: name.to_owned(),
                measured: format!("{:.0}", median(pairs.iter().map(|pair| pair.measured))),
                limit: format!("{:.0}", median(pairs.iter().map(|pair| pair.limit))),
                ratio: format!("{:.0} %", 100.0 * ratio),
                wanted: wanted.to_owned(),
            },
        );
    }

    fn push(&mut self, section: &str, row: Row) {
        match self.sections.iter_mut().find(|(name, _)| name == section) {
            Some((_, rows)) => rows.push(row),
            None => self.sections.push((section.to_owned(), vec![row])),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, measured: &str, limit: &str, ratio: &str, wanted: &str| {
            let line = format!("{name:<42} {measured:>12} {limit:>12} {ratio:>8}   {wanted}");
            writeln!(f, "{}", line.trim_end())
        };
        line("", "measured", "limit", "ratio", "wanted")?;
        for (name, rows) in &self.sections {
            line("", "", "", "", "")?;
            line(name, "", "", "", "")?;
            for row in rows {
                line(
                    &row.name,
                    &row.measured,
                    &row.limit,
                    &row.ratio,
                    &row.wanted,
                )?;
            }
        }
        Ok(())
    }
}

/// A value and its limit, measured right after each other.
#[derive(Clone, Copy)]
pub struct Pair {
    pub measured: f64,
    pub limit: f64,
}

/// The middle value, or the mean of the two middle ones; 0 if there is none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}
