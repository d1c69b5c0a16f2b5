use super::*;
use triggerhouse::domain::provider::{ProviderKind, ProviderState};
use triggerhouse::provider::{Registry, RegistryError};

fn directory_of(guests: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (what, name) in guests {
        std::fs::copy(guest(what), directory.path().join(name)).unwrap();
    }
    std::fs::write(directory.path().join("README.txt"), "not a component").unwrap();
    directory
}

async fn registry(
    entries: &[RegistryEntry],
    directory: Option<&TempDir>,
) -> Result<Registry, RegistryError> {
    let directory = directory.map(TempDir::path);
    Registry::load(entries, directory, &engine(), &shared_cache()).await
}

fn entry(toml: &str) -> RegistryEntry {
    serde_json::from_str(toml).unwrap()
}

#[tokio::test]
async fn a_directory_registers_each_component_under_the_id_it_describes() {
    let directory = directory_of(&[("poller", "a.wasm"), ("echo", "b.wasm"), ("both", "c.wasm")]);
    let registry = registry(&[], Some(&directory)).await.unwrap();
    let listed: Vec<_> = registry
        .iter()
        .map(|provider| (provider.info().id.as_str(), &provider.info().kinds[..]))
        .collect();
    assert_eq!(
        listed,
        [
            ("both", &[ProviderKind::Webhook, ProviderKind::Polling][..]),
            ("echo", &[ProviderKind::Webhook]),
            ("poller", &[ProviderKind::Polling]),
        ]
    );
    assert!(registry.get("nobody").is_none());
    let mut info = registry.get("echo").unwrap().info().clone();
    assert_eq!(info.digest.len(), 64);
    info.digest = "…".into();
    insta::assert_json_snapshot!("echo_info", info);
}

#[tokio::test]
async fn a_polling_provider_has_no_webhook_to_parse() {
    let provider = load(&engine(), "poller").await;
    assert_eq!(
        parse(&provider, "{}").await,
        Err(GuestError::NotExported("webhook").into())
    );
}

#[tokio::test]
async fn an_entry_without_a_component_configures_the_one_in_the_directory() {
    let directory = directory_of(&[("poller", "poller.wasm")]);
    let entries = [entry(
        r#"{"id":"poller","allow_hosts":["API.example.com"],"settings":{"a":1}}"#,
    )];
    let found = registry(&entries, Some(&directory)).await.unwrap();
    assert_eq!(
        found.get("poller").unwrap().allow_hosts(),
        ["api.example.com"]
    );
    let error = registry(&entries, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the entry "poller" names no component, and no providers directory holds none of that id"#
    );
}

#[tokio::test]
async fn an_entry_with_a_component_overrides_the_directory() {
    let directory = directory_of(&[("echo", "echo.wasm")]);
    let mut entry = RegistryEntry::of(&guest("echo"));
    entry.app_secrets = vec!["hush".into()];
    let registry = registry(&[entry], Some(&directory)).await.unwrap();
    assert_eq!(registry.len(), 1);
    assert_eq!(registry.get("echo").unwrap().app_secrets(), ["hush"]);
}

#[tokio::test]
async fn an_id_that_is_taken_is_refused_with_both_files() {
    let directory = directory_of(&[("echo", "one.wasm"), ("echo", "two.wasm")]);
    let error = registry(&[], Some(&directory)).await.unwrap_err();
    let path = directory.path().display();
    assert_eq!(
        error.to_string(),
        format!(r#"{path}/two.wasm: the id "echo" is taken by {path}/one.wasm"#)
    );
    let entries = [entry(r#"{"id":"echo"}"#), entry(r#"{"id":"echo"}"#)];
    let error = registry(&entries, Some(&directory)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the registry has two entries with the id "echo""#
    );
}

#[tokio::test]
async fn a_disabled_provider_is_listed_and_does_not_run() {
    let mut entry = RegistryEntry::of(&guest("echo"));
    entry.enabled = false;
    let registry = registry(&[entry], None).await.unwrap();
    let provider = registry.get("echo").unwrap();
    assert_eq!(provider.info().state, ProviderState::Disabled);
    assert_eq!(
        parse(&provider, "{}").await,
        Err(GuestError::Disabled.into())
    );
}

#[tokio::test]
async fn a_configuration_is_checked_against_the_providers_schema() {
    let provider = load(&engine(), "echo").await;
    let check = |config| provider.check_config(&config);
    assert_eq!(check(serde_json::json!({"kinds": ["a"]})), Ok(()));
    let errors = check(serde_json::json!({"kinds": ["a", 7]})).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].pointer, "/kinds/1");
    assert!(check(serde_json::json!({"kind": []})).is_err());
    assert!(check(serde_json::json!([])).is_err());
}

#[test]
fn an_unknown_field_of_an_entry_is_refused() {
    let wrong = serde_json::from_str::<RegistryEntry>(r#"{"id":"a","allow_host":[]}"#);
    assert!(wrong.unwrap_err().to_string().contains("allow_host"));
}
