//! A reader who follows a document from its first line to its last.
//!
//! Owns: typing each command, saving each file that the document shows, starting the
//! host where the document starts it, and comparing output with the samples.
//! Never does: skip a block. A block that it cannot follow fails the test.

use super::markdown::{Block, Document};
use super::sample::Sample;
use super::shell::{Shell, is_complete};
use super::{demo, root};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use triggerhouse_tests::{app, files};

/// The longest time for which a reading command is repeated until it shows the sample.
const PATIENCE: Duration = Duration::from_secs(30);
/// The port that documents name, as the default configuration does.
const PORT: &str = "8787";

/// Ends of names that lead to other machines.
const PUBLIC_DOMAINS: [&str; 4] = [".com", ".dev", ".io", ".org"];

/// A command and the output that the document shows for it.
struct Step {
    line: usize,
    command: String,
    sample: Option<Sample>,
}

/// See the module.
pub struct Reader {
    shell: Shell,
    directory: tempfile::TempDir,
    port: u16,
    /// Ports, hosts and settings of the document, with those of this machine.
    here: Vec<(String, String)>,
    /// The last answer that was JSON.
    answer: Value,
}

impl Reader {
    /// Starts a reader in a directory like the project's, after a build. `here` maps texts
    /// of the document to texts for this machine.
    pub async fn start(settings: &[(&str, String)], here: &[(&str, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        std::fs::create_dir_all(at("target/debug")).unwrap();
        std::os::unix::fs::symlink(files::binary(), at("target/debug/triggerhouse")).unwrap();
        std::os::unix::fs::symlink(files::providers(), at("target/providers")).unwrap();
        std::os::unix::fs::symlink(root().join("tests"), at("tests")).unwrap();
        let port = app::free_port();
        let mut environment = vec![
            ("PATH", std::env::var("PATH").unwrap()),
            ("HOME", directory.path().display().to_string()),
            ("TRIGGERHOUSE_LISTEN", format!("127.0.0.1:{port}")),
            (
                "TRIGGERHOUSE_COMPONENT_CACHE_DIR",
                files::providers().join("cache").display().to_string(),
            ),
        ];
        environment.extend(settings.iter().cloned());
        let mut here: Vec<(String, String)> = here
            .iter()
            .map(|(there, here)| ((*there).to_owned(), here.clone()))
            .collect();
        here.push((PORT.to_owned(), port.to_string()));
        Self {
            shell: Shell::start(directory.path(), &environment).await,
            directory,
            port,
            here,
            answer: Value::Null,
        }
    }

    /// Follows the whole document.
    pub async fn follow(&mut self, document: &Document) {
        for block in &document.blocks {
            match block.language.as_str() {
                "console" => {
                    for step in steps(block).await {
                        self.take(step).await;
                    }
                }
                "toml" | "python" => self.save(block),
                // A diagram.
                "text" => {}
                other => panic!("line {}: no reader can follow {other:?}", block.line),
            }
        }
    }

    /// The text with ports, hosts and settings of this machine. It names no other machine.
    fn here(&self, text: &str) -> String {
        let text = replaced(text, &self.here);
        let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-';
        for word in text.split(is_end) {
            let is_public = PUBLIC_DOMAINS.iter().any(|domain| word.ends_with(domain));
            assert!(!is_public, "{word} must not be contacted: {text}");
        }
        text
    }

    /// Adds a block to the file that its first line names.
    fn save(&self, block: &Block) {
        let first = block.lines.first().map_or("", String::as_str);
        let name = first.trim_start_matches("# ").split([':', ' ']).next();
        let name = name.filter(|name| first.starts_with("# ") && name.contains('.'));
        let name = name.unwrap_or_else(|| panic!("line {}: a file without a name", block.line));
        let text = self.here(&block.lines.join("\n"));
        let path = self.directory.path().join(name);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, format!("{before}{text}\n")).unwrap();
    }

    async fn take(&mut self, step: Step) {
        if step.command == "make demo" {
            return demo::shows(&step.sample.expect("the demo's output")).await;
        }
        let command = self.here(&step.command);
        if let Some(command) = serve(&command) {
            return self.serve(&command).await;
        }
        if let Some((name, value, source)) = placeholder(&command) {
            let value = self.find(&value, source);
            let set = self.shell.run(&format!("{name}='{value}'")).await;
            assert_eq!(set.status, 0, "line {}: {}", step.line, set.text);
            return;
        }
        let command = match command.strip_suffix(" &") {
            Some(command) => format!("{command} >background.log 2>&1 &"),
            None => command,
        };
        let sample = step.sample.map(|sample| Sample(self.here(&sample.0)));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let output = self.shell.run(&command).await;
            if let Ok(answer) = serde_json::from_str(&output.text) {
                self.answer = answer;
            }
            let refused = sample.as_ref().is_some_and(Sample::shows_a_refusal);
            let right = sample
                .as_ref()
                .is_none_or(|sample| sample.matches(&output.text))
                && refused == (output.status != 0);
            if right {
                return;
            }
            let again = only_reads(&command) && Instant::now() < deadline;
            assert!(
                again,
                "line {}: {command}\nstatus {}\n{}\n\nexpected {}",
                step.line,
                output.status,
                output.text,
                sample.map_or_else(|| "success".to_owned(), |sample| sample.0)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts the host in the background, in place of the one before.
    async fn serve(&mut self, command: &str) {
        let command = format!(
            "[[ -z ${{HOST:-}} ]] || {{ kill $HOST; wait $HOST; }}\n\
             {command} >>host.out 2>>host.log &\nHOST=$!"
        );
        let started = self.shell.run(&command).await;
        assert_eq!(started.text, "");
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        let client = triggerhouse_tests::client();
        let is_ready = async || {
            let answer = client.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        while !is_ready().await {
            let runs = self.shell.run("kill -0 $HOST").await.status == 0;
            let log = std::fs::read_to_string(self.directory.path().join("host.log"));
            assert!(runs, "the host has ended: {}", log.unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The value that a reader would copy: from the last answer, by the path in the
    /// comment, or from the host's output.
    fn find(&self, sample: &Sample, source: &str) -> String {
        let path = source.split(' ').next().unwrap_or_default();
        let value = if path.starts_with('.') {
            let pointer = path.replace(['.', '['], "/").replace(']', "");
            let found = self.answer.pointer(&pointer);
            let found = found.unwrap_or_else(|| panic!("no {path} in {}", self.answer));
            found
                .as_str()
                .map_or_else(|| found.to_string(), str::to_owned)
        } else {
            let printed = std::fs::read_to_string(self.directory.path().join("host.out")).unwrap();
            let found = printed.split_whitespace().find(|word| sample.matches(word));
            found
                .unwrap_or_else(|| panic!("no {sample:?} in {printed}"))
                .to_owned()
        };
        assert!(sample.matches(&value), "{value} is no {sample:?}");
        value
    }
}

/// The commands of a block. Each begins with `$ ` and goes on until bash takes it as a
/// whole; the lines after it are its sample.
async fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = false;
    for (text, line) in block.lines.iter().zip(block.line..) {
        match (text.strip_prefix("$ "), steps.last_mut()) {
            (_, Some(step)) if open => {
                step.command = format!("{}\n{text}", step.command);
                open = !is_complete(&step.command).await;
            }
            (Some(command), _) => {
                open = !is_complete(command).await;
                let command = command.to_owned();
                steps.push(Step {
                    line,
                    command,
                    sample: None,
                });
            }
            (None, Some(step)) => {
                let sample = match &step.sample {
                    Some(Sample(before)) => format!("{before}\n{text}"),
                    None => text.clone(),
                };
                step.sample = Some(Sample(sample));
            }
            (None, None) => panic!("line {line}: output before the first command"),
        }
    }
    assert!(!open, "line {}: a command without an end", block.line);
    steps
}

/// The command that starts the host, if `command` does.
fn serve(command: &str) -> Option<String> {
    let command = command.split(" #").next().unwrap_or_default().trim();
    if command == "make serve" {
        return Some(make_serve());
    }
    command
        .starts_with("triggerhouse serve")
        .then(|| command.to_owned())
}

/// The command with which `make serve` ends, after it has built everything.
fn make_serve() -> String {
    let script = super::make_dry("serve");
    let script = super::read(script.trim());
    let command = script.lines().last().unwrap_or_default();
    let (before, arguments) = command
        .split_once("/debug/triggerhouse\" ")
        .expect("the host");
    assert_eq!(before, "exec \"$(target_dir)");
    format!(
        "target/debug/triggerhouse {}",
        arguments.replace(" \"$@\"", "")
    )
}

/// `NAME=sample…  # source`: a value that the reader fills in.
fn placeholder(command: &str) -> Option<(&str, Sample, &str)> {
    let (assignment, source) = command.split_once(" # ")?;
    let (name, value) = assignment.trim_end().split_once('=')?;
    let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    (is_name && value.contains('…')).then(|| (name, Sample(value.to_owned()), source.trim()))
}

/// `text` with each first part of a pair replaced by its second part. Replacements are
/// not looked at again.
fn replaced(text: &str, pairs: &[(String, String)]) -> String {
    let mut done = String::new();
    let mut rest = text;
    let next = |rest: &str| {
        let found = pairs
            .iter()
            .filter_map(|(from, to)| Some((rest.find(from)?, from.len(), to)));
        found
            .min_by_key(|(at, length, _)| (*at, usize::MAX - length))
            .map(|(at, length, to)| (at, length, to.clone()))
    };
    while let Some((at, length, to)) = next(rest) {
        done.push_str(&rest[..at]);
        done.push_str(&to);
        rest = &rest[at + length..];
    }
    done.push_str(rest);
    done
}

/// True if a command changes nothing, so that a reader may repeat it.
fn only_reads(command: &str) -> bool {
    (command.starts_with("call ") || command.starts_with("curl "))
        && !command.contains(" -d")
        && !command.contains(" -X")
}
