//! The command line. `cli/` has a file for each command.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("triggerhouse: {}", explained(&error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong and why, down to the first cause; most errors name theirs already.
fn explained(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no such file").context("key.pem: no such file");
        let error = error.context("cannot start");
        assert_eq!(explained(&error), "cannot start: key.pem: no such file");
    }
}
