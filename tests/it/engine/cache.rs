use super::*;
use std::os::unix::fs::PermissionsExt;
use triggerhouse::provider::CodeOrigin;

async fn origin(engine: &Engine, directory: &Path) -> CodeOrigin {
    let path = guest("echo");
    let cache = Cache::at(directory);
    let entry = RegistryEntry::of(&path);
    let provider = Provider::load(engine, &cache, &path, &entry).await.unwrap();
    assert_eq!(parse(&provider, r#"{"events":[]}"#).await, Ok(vec![]));
    provider.origin()
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_second_load_does_not_compile() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("compiled");
    assert_eq!(origin(&engine(), &directory).await, CodeOrigin::Compiled);
    assert_eq!(origin(&engine(), &directory).await, CodeOrigin::Cached);
    assert_eq!(mode(&directory), 0o700);
    let [code] = &files(&directory, "cwasm")[..] else {
        panic!("expected one compiled component");
    };
    assert_eq!(mode(code), 0o600);
    assert!(files(&directory, "tmp").is_empty());
}

#[tokio::test]
async fn a_damaged_or_foreign_file_is_compiled_again() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("compiled");
    let engine = engine();
    origin(&engine, &directory).await;
    let code = &files(&directory, "cwasm")[0];
    let whole = std::fs::read(code).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() / 2], b"", b"hello", &flipped] {
        std::fs::write(code, damaged).unwrap();
        assert_eq!(origin(&engine, &directory).await, CodeOrigin::Compiled);
        assert_eq!(origin(&engine, &directory).await, CodeOrigin::Cached);
    }
    // A file of another version has a matching digest.
    use sha2::Digest;
    let sum = &files(&directory, "sum")[0];
    std::fs::write(code, b"foreign").unwrap();
    std::fs::write(sum, hex::encode(sha2::Sha256::digest(b"foreign"))).unwrap();
    assert_eq!(origin(&engine, &directory).await, CodeOrigin::Compiled);
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_is_not_used() {
    let directory = TempDir::new().unwrap();
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let engine = engine();
    for _ in 0..2 {
        assert_eq!(
            origin(&engine, directory.path()).await,
            CodeOrigin::Compiled
        );
    }
    assert!(files(directory.path(), "cwasm").is_empty());
}
