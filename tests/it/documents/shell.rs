//! One bash session, in which variables, functions and background jobs last.
//!
//! Owns: starting bash in a directory, running one command at a time, and ending
//! everything that the session started.
//! Never does: any judgement about a command or its output.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Longer than any command of a document takes, on a machine that does much else.
const COMMAND_MAX: Duration = Duration::from_secs(120);
/// The line that ends a command's output. No command prints it.
const END: &str = "--- end of the command, status";

/// The output of a command.
#[derive(Debug)]
pub struct Output {
    pub status: i32,
    /// Standard output and standard error together.
    pub text: String,
}

/// See the module.
pub struct Shell {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    /// Starts bash with this environment and nothing else.
    pub async fn start(directory: &Path, environment: &[(&str, String)]) -> Self {
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(directory)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // Its background jobs share the group, and end with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("bash");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let output = BufReader::new(output).lines();
        let mut shell = Self {
            child,
            input,
            output,
        };
        shell.run("exec 2>&1").await;
        shell
    }

    /// Runs a command, which reads nothing, and waits for its end.
    pub async fn run(&mut self, command: &str) -> Output {
        // The newline keeps the mark apart from output that ends without one.
        let text = format!("{{ {command}\n}} </dev/null\nprintf '\\n%s %d\\n' '{END}' $?\n");
        self.input.write_all(text.as_bytes()).await.unwrap();
        let read = tokio::time::timeout(COMMAND_MAX, self.read());
        let output = read.await;
        output.unwrap_or_else(|_| panic!("no end within {COMMAND_MAX:?}: {command}"))
    }

    async fn read(&mut self) -> Output {
        let mut lines: Vec<String> = Vec::new();
        loop {
            let line = self.output.next_line().await.unwrap();
            let line = line.expect("bash has ended");
            if let Some(status) = line.strip_prefix(END) {
                let status = status.trim().parse().unwrap();
                let text = lines.join("\n").trim_end().to_owned();
                return Output { status, text };
            }
            lines.push(line);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            let group = format!("-{id}");
            let kill = std::process::Command::new("kill")
                .args(["-KILL", "--", &group])
                .status();
            kill.expect("kill");
        }
    }
}

/// True if bash reads `text` as whole commands, and waits for no further line.
pub async fn is_complete(text: &str) -> bool {
    if text.ends_with('\\') {
        return false;
    }
    let check = Command::new("bash")
        .args(["-n", "-c", text])
        .stderr(Stdio::null())
        .status();
    check.await.expect("bash").success()
}
