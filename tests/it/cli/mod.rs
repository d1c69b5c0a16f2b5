//! The command line, used as an operator would: the real binary in a fresh directory.

mod inbox;
mod master_key;

use reqwest::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::process::{Child, Command};
use triggerhouse_tests::app::{self, text};
use triggerhouse_tests::{Kind, TestDb, files, github};

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(files::binary());
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env(
            "TRIGGERHOUSE_COMPONENT_CACHE_DIR",
            files::providers().join("cache"),
        )
        .kill_on_drop(true);
    command
}

async fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().await.unwrap()
}

async fn ok(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

async fn fails(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments).await;
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A host that logs everything to the file `log`, and prints to the file `out`.
fn serve(directory: &Path, port: u16) -> Child {
    let log = std::fs::File::create(directory.join("log")).unwrap();
    let providers = files::providers();
    command(
        directory,
        &[
            "serve",
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--providers",
            providers.to_str().unwrap(),
        ],
    )
    .env(
        "TRIGGERHOUSE_LOG_FILTER",
        "trace,hyper=info,cranelift_codegen=info,wasmtime=info,regalloc2=info",
    )
    .stdout(std::fs::File::create(directory.join("out")).unwrap())
    .stderr(log)
    .stdin(Stdio::null())
    .spawn()
    .unwrap()
}

async fn terminate(mut child: Child) {
    let id = child.id().unwrap().to_string();
    Command::new("kill").arg(id).status().await.unwrap();
    assert!(
        child.wait().await.unwrap().success(),
        "the host exits with success after SIGTERM"
    );
}

#[tokio::test]
async fn a_host_starts_although_its_standard_output_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let (client, port) = (triggerhouse_tests::client(), app::free_port());
    let listen = format!("127.0.0.1:{port}");
    let mut child = command(directory.path(), &["serve", "--listen", &listen])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    app::ready(&client, port).await;
    terminate(child).await;
}

#[tokio::test]
async fn a_first_start_prints_a_key_that_works_and_the_next_one_prints_none() {
    let directory = tempfile::tempdir().unwrap();
    let (client, port) = (triggerhouse_tests::client(), app::free_port());
    let printed = || std::fs::read_to_string(directory.path().join("out")).unwrap();
    let child = serve(directory.path(), port);
    app::ready(&client, port).await;
    let out = printed();
    let key = out
        .split_whitespace()
        .find(|word| word.starts_with("th_"))
        .unwrap();
    let url = format!("http://127.0.0.1:{port}/v1/triggers");
    let answer = client.get(&url).bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.status(), 200);

    // The commands work while the host runs.
    let list = ok(directory.path(), &["keys", "list"]).await;
    assert!(list.contains("default") && !list.contains(key), "{list}");
    let created = ok(
        directory.path(),
        &["keys", "create", "--org", "acme", "--name", "ci"],
    )
    .await;
    let other = created.trim();
    assert_eq!(
        client
            .get(&url)
            .bearer_auth(other)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let list = ok(directory.path(), &["keys", "list"]).await;
    let id = list
        .lines()
        .find(|line| line.contains("acme"))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    ok(directory.path(), &["keys", "revoke", id]).await;
    assert_eq!(
        client
            .get(&url)
            .bearer_auth(other)
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let error = fails(directory.path(), &["keys", "revoke", id]).await;
    assert!(error.contains("no live key"), "{error}");
    terminate(child).await;

    let child = serve(directory.path(), port);
    app::ready(&client, port).await;
    assert!(!printed().contains("th_"), "the key is shown only once");
    terminate(child).await;
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(directory.path().join("triggerhouse.key"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn send_signs_as_the_service_would_and_nothing_secret_is_logged() {
    let directory = tempfile::tempdir().unwrap();
    let (client, port) = (triggerhouse_tests::client(), app::free_port());
    let child = serve(directory.path(), port);
    app::ready(&client, port).await;
    let key = ok(directory.path(), &["keys", "create", "--org", "acme"])
        .await
        .trim()
        .to_owned();
    let hook = hook(&client, port, &key).await;
    let (url, secret) = (text(&hook["webhook_url"]), text(&hook["webhook_secret"]));
    let payload = files::fixture("github/issues.opened.json");
    let send = |secret: &'static str| {
        [
            "send",
            payload.to_str().unwrap(),
            "--url",
            &url,
            "--provider",
            "github",
            "--header",
            "X-GitHub-Event: issues",
            "--header",
            "X-GitHub-Delivery: d-1",
            "--secret",
            secret,
        ]
        .map(str::to_owned)
    };
    let with = |secret: &str| {
        let mut arguments = send("").to_vec();
        *arguments.last_mut().unwrap() = secret.to_owned();
        arguments
    };
    let arguments = with(&secret);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sent = ok(directory.path(), &arguments).await;
    assert!(
        sent.starts_with("200 ") && sent.contains("\"duplicate\":false"),
        "{sent}"
    );
    let again = ok(directory.path(), &arguments).await;
    assert!(again.contains("\"duplicate\":true"), "{again}");
    let forged = with("wrong-secret-of-a-forger");
    let forged: Vec<&str> = forged.iter().map(String::as_str).collect();
    let refused = run(directory.path(), &forged).await;
    assert!(!refused.status.success());
    assert!(
        String::from_utf8(refused.stdout)
            .unwrap()
            .starts_with("401 ")
    );

    // Signed, but not JSON: the worker logs an error.
    let body = b"{\"action\": \"THE-BODY-OF-A-DELIVERY\"";
    github::delivery(&client, &url, &secret, "issues", "d-2", body)
        .send()
        .await
        .unwrap();
    let inbox = format!("http://127.0.0.1:{port}/v1/inbox?status=failed");
    triggerhouse_tests::eventually("a dead letter", async || {
        let answer: Value = client
            .get(&inbox)
            .bearer_auth(&key)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        answer["items"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
    })
    .await;
    terminate(child).await;
    let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
    assert!(
        log.contains("could not be verified") && log.contains("dead letter"),
        "{log}"
    );
    let token = url.rsplit('/').next().unwrap();
    let fixture: Value =
        serde_json::from_str(&files::fixture_text("github/issues.opened.json")).unwrap();
    let (title, sender) = (
        text(&fixture["issue"]["title"]),
        text(&fixture["sender"]["login"]),
    );
    for private in [
        secret.as_str(),
        key.as_str(),
        token,
        "THE-BODY-OF-A-DELIVERY",
        "wrong-secret-of-a-forger",
        &title,
        &sender,
    ] {
        assert!(!log.contains(private), "{private} is in the log");
    }
}

/// Creates a trigger, and returns the answer.
async fn hook(client: &Client, port: u16, key: &str) -> Value {
    let body = json!({"name": "t", "provider": "github", "kind": "webhook"});
    let url = format!("http://127.0.0.1:{port}/v1/triggers");
    client
        .post(url)
        .bearer_auth(key)
        .json(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn providers_are_listed_and_can_be_tried_out() {
    let directory = tempfile::tempdir().unwrap();
    let providers = files::providers();
    let list = ok(
        directory.path(),
        &[
            "providers",
            "list",
            "--providers",
            providers.to_str().unwrap(),
        ],
    )
    .await;
    let github = list
        .lines()
        .find(|line| line.starts_with("github "))
        .unwrap();
    assert!(
        github.contains("webhook") && github.contains("active") && github.contains("1.0.0"),
        "{list}"
    );

    let component = providers.join("github.wasm");
    let payload = files::fixture("github/issues.opened.json");
    let base = [
        "providers",
        "run",
        component.to_str().unwrap(),
        "--payload",
        payload.to_str().unwrap(),
    ];
    let mut arguments = base.to_vec();
    arguments.extend([
        "--header",
        "X-GitHub-Event: issues",
        "--config",
        r#"{"events": ["push"]}"#,
    ]);
    let report: Value = serde_json::from_str(&ok(directory.path(), &arguments).await).unwrap();
    assert_eq!(report["events"][0]["kind"], "issues.opened");
    assert!(
        text(&report["events"][0]["verdict"]).starts_with("reject: events"),
        "{report}"
    );
    assert!(report["memory_bytes"].as_u64().unwrap() > 0);

    let mut arguments = base.to_vec();
    arguments.extend(["--config", r#"{"events": "push"}"#]);
    let error = fails(directory.path(), &arguments).await;
    assert!(error.contains("/events"), "{error}");
    let error = fails(directory.path(), &base).await;
    assert!(error.contains("x-github-event"), "{error}");
    let neither = files::guest("guest_neither");
    let error = fails(
        directory.path(),
        &[
            "providers",
            "run",
            neither.to_str().unwrap(),
            "--payload",
            payload.to_str().unwrap(),
        ],
    )
    .await;
    assert!(
        error.contains("neither") || error.contains("supported"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wrong_argument_or_setting_is_reported_before_anything_starts() {
    let directory = tempfile::tempdir().unwrap();
    let error = fails(
        directory.path(),
        &["migrate", "--database-url", "mysql://somewhere"],
    )
    .await;
    assert!(
        error.contains("sqlite://") && error.contains("postgres://"),
        "{error}"
    );
    std::fs::write(directory.path().join("bad.toml"), "[inbox]\nlease = 3").unwrap();
    let error = fails(directory.path(), &["serve", "--config", "bad.toml"]).await;
    assert!(error.contains("lease"), "{error}");
    let error = fails(directory.path(), &["keys", "create", "--org", "Not An Org"]).await;
    assert!(error.contains("a-z"), "{error}");
    let error = fails(directory.path(), &["keys", "list"]).await;
    assert!(
        error.contains("there is no database triggerhouse.db"),
        "{error}"
    );
    let nobody = "postgres://127.0.0.1:1/nothing";
    let error = fails(directory.path(), &["migrate", "--database-url", nobody]).await;
    assert!(
        error.contains("refused"),
        "the message has the reason: {error}"
    );
    assert!(!directory.path().join("triggerhouse.db").exists());
    let migrated = ok(directory.path(), &["migrate"]).await;
    assert!(migrated.contains("up to date"), "{migrated}");
    assert!(directory.path().join("triggerhouse.db").exists());
}

#[tokio::test]
async fn postgres_is_migrated_and_given_keys_from_the_command_line() {
    let db = TestDb::create(Kind::Postgres).await;
    let directory = tempfile::tempdir().unwrap();
    let on_it = |arguments: &[&str]| {
        let url = ["--database-url", &db.url];
        let arguments: Vec<String> = arguments.iter().chain(&url).map(|a| (*a).into()).collect();
        let directory = directory.path().to_owned();
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            ok(&directory, &arguments).await
        }
    };
    for _ in 0..2 {
        let migrated = on_it(&["migrate"]).await;
        assert!(migrated.contains("up to date"), "{migrated}");
    }
    let key = on_it(&["keys", "create", "--org", "acme", "--name", "ci"]).await;
    assert!(key.starts_with("th_"), "{key}");
    let list = on_it(&["keys", "list"]).await;
    assert!(
        list.contains("acme") && !list.contains(key.trim()),
        "{list}"
    );
    assert_eq!(db.number("select count(*) from api_keys").await, 1);
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert!(left.is_empty(), "no SQLite file and no key file: {left:?}");
    db.remove().await;
}
