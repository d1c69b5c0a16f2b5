use super::*;

/// The text of the refusal, without the directory of the file.
async fn refusal(path: &Path) -> String {
    let entry = RegistryEntry::of(path);
    let error = Provider::load(&engine(), &shared_cache(), path, &entry)
        .await
        .unwrap_err()
        .to_string();
    let directory = format!("{}/", path.parent().unwrap().display());
    assert!(error.starts_with(&directory), "{error}");
    error[directory.len()..].to_owned()
}

#[tokio::test]
async fn a_component_without_webhook_and_polling_is_refused() {
    assert_eq!(
        refusal(&guest("neither")).await,
        "guest_neither.wasm: exports neither webhook nor polling; supported: \
         triggerhouse:provider/webhook@1.0.0, triggerhouse:provider/polling@1.0.0"
    );
}

#[tokio::test]
async fn an_unknown_import_is_refused_by_name() {
    assert_eq!(
        refusal(&guest("forbidden-import")).await,
        "guest_forbidden_import.wasm: imports acme:wishes/secrets@1.0.0, which is not offered; \
         supported: triggerhouse:provider/log@1.0.0, triggerhouse:provider/http@1.0.0, \
         WASI 0.2 without wasi:http"
    );
}

#[tokio::test]
async fn an_invalid_schema_is_refused_with_its_place() {
    let text = refusal(&guest("bad-schema")).await;
    let start = "guest_bad_schema.wasm: its description is wrong: config-schema: \
                 is no JSON Schema: at \"/properties/a/type\": \"sometimes\"";
    assert!(text.starts_with(start), "{text}");
}

#[tokio::test]
async fn another_major_version_of_the_contract_is_refused() {
    assert_eq!(
        refusal(&guest("next-major")).await,
        "guest_next_major.wasm: was built against contract 2.0.0; \
         supported: 1.0.0 and what is compatible"
    );
}

#[tokio::test]
async fn a_file_that_is_no_component_is_refused() {
    let directory = TempDir::new().unwrap();
    let text = directory.path().join("text.wasm");
    std::fs::write(&text, "hello").unwrap();
    let start = "text.wasm: is no WebAssembly component that this host can run: ";
    assert!(refusal(&text).await.starts_with(start));
    let module = directory.path().join("module.wasm");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let start = "module.wasm: is no WebAssembly component that this host can run: ";
    assert!(refusal(&module).await.starts_with(start));
    let missing = directory.path().join("missing.wasm");
    assert!(refusal(&missing).await.contains("cannot be read"));
}

#[tokio::test]
async fn a_component_with_another_digest_than_pinned_is_refused() {
    let path = guest("echo");
    let engine = engine();
    let load = async |pin: Option<String>| {
        let mut entry = RegistryEntry::of(&path);
        entry.sha256 = pin;
        Provider::load(&engine, &shared_cache(), &path, &entry).await
    };
    let other = load(Some("00".repeat(32))).await;
    let error = other.unwrap_err().to_string();
    assert!(
        error.contains(": its sha256 is ") && error.contains(", but the registry pins 0000"),
        "{error}"
    );
    let digest = load(None).await.unwrap().info().digest.to_uppercase();
    assert!(load(Some(digest)).await.is_ok());
}

#[tokio::test]
async fn a_component_with_another_id_than_registered_is_refused() {
    let path = guest("echo");
    let mut entry = RegistryEntry::of(&path);
    entry.id = Some("ohce".into());
    let error = Provider::load(&engine(), &shared_cache(), &path, &entry)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(r#": describes itself as "echo", but is registered as "ohce""#),
        "{error}"
    );
}

#[tokio::test]
async fn a_grant_that_is_no_host_is_refused() {
    let path = guest("echo");
    let mut entry = RegistryEntry::of(&path);
    entry.allow_hosts = vec!["https://example.com/".into()];
    let error = Provider::load(&engine(), &shared_cache(), &path, &entry)
        .await
        .unwrap_err()
        .to_string();
    let end = r#"allow_hosts: expected host or host:port, got "https://example.com/""#;
    assert!(error.ends_with(end), "{error}");
}
