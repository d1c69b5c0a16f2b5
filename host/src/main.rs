//! The binary `triggerhouse`. `cli/` has its commands.

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

/// The error and its causes in one line. A cause that the error repeats is left out.
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
    fn a_repeated_cause_is_shown_once() {
        let error = anyhow!("no such file").context("key.pem: no such file");
        let error = error.context("cannot start");
        assert_eq!(explained(&error), "cannot start: key.pem: no such file");
    }
}
