//! A host does not start with a master key that opens no secret of the database, because it
//! would refuse every delivery.

use super::*;

#[tokio::test]
async fn a_key_that_opens_nothing_in_the_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (client, port) = (triggerhouse_tests::client(), app::free_port());
    let start = async || {
        let child = serve(directory.path(), port);
        app::ready(&client, port).await;
        child
    };
    let child = start().await;
    let out = std::fs::read_to_string(directory.path().join("out")).unwrap();
    let key = out
        .split_whitespace()
        .find(|word| word.starts_with("th_"))
        .unwrap();
    terminate(child).await;
    let path = directory.path().join("triggerhouse.key");
    std::fs::remove_file(&path).unwrap();
    // Nothing is encrypted yet, so the host creates a new key.
    let child = start().await;
    hook(&client, port, key).await;
    terminate(child).await;

    let kept = directory.path().join("kept.key");
    std::fs::rename(&path, &kept).unwrap();
    let listen = format!("127.0.0.1:{port}");
    let refused = fails(directory.path(), &["serve", "--listen", &listen]).await;
    assert!(
        refused.contains("Put the one of this database there"),
        "{refused}"
    );
    assert!(!path.exists(), "no key file is created");
    let mut other = command(directory.path(), &["serve", "--listen", &listen]);
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let other = other
        .env("TRIGGERHOUSE_MASTER_KEY", wrong)
        .output()
        .await
        .unwrap();
    assert!(!other.status.success());
    let refused = String::from_utf8(other.stderr).unwrap();
    assert!(
        refused.contains("is not the one of this database"),
        "{refused}"
    );

    std::fs::rename(&kept, &path).unwrap();
    terminate(start().await).await;

    // The key is lost, and the operator confirms it.
    std::fs::remove_file(&path).unwrap();
    let replaced = "master_key_replaced = true";
    std::fs::write(directory.path().join("replaced.toml"), replaced).unwrap();
    let on = ["serve", "--config", "replaced.toml", "--listen", &listen];
    let mut replaced = command(directory.path(), &on);
    let providers = files::providers();
    replaced.args(["--providers", providers.to_str().unwrap()]);
    let child = replaced
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    app::ready(&client, port).await;
    hook(&client, port, key).await;
    terminate(child).await;
    terminate(start().await).await;
}
