//! The key's form and its file.

use super::*;

#[test]
fn a_key_is_32_bytes_in_base64_and_does_not_show_itself() {
    let key = MasterKey::generate();
    let text = key.to_base64();
    let again = MasterKey::from_base64(&format!(" {}\n", text.expose())).unwrap();
    assert_eq!(again.to_base64().expose(), text.expose());
    assert!(!format!("{key:?}").contains(text.expose()));
    for bad in ["", "short", "AAAA", &STANDARD.encode([0; 33])] {
        let error = MasterKey::from_base64(bad).unwrap_err();
        assert!(matches!(error, MasterKeyError::Malformed), "{bad:?}");
    }
}

#[test]
fn an_absent_file_is_made_once_and_only_for_its_owner() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("triggerhouse.key");
    let first = MasterKey::load_or_create(&path).unwrap();
    let second = MasterKey::load_or_create(&path).unwrap();
    assert_eq!(first.to_base64().expose(), second.to_base64().expose());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn processes_that_start_at_once_agree_on_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("triggerhouse.key");
    let barrier = std::sync::Barrier::new(8);
    let keys: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let key = MasterKey::load_or_create(&path).unwrap();
                    key.to_base64().expose().to_owned()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("triggerhouse.key");
    MasterKey::load_or_create(&path).unwrap();
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = MasterKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, MasterKeyError::Exposed { .. }), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(MasterKey::load_or_create(&path).is_ok());
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("triggerhouse.key");
    MasterKey::load_or_create(&path).unwrap();
    fs::write(&path, "").unwrap();
    let error = MasterKey::load_or_create(&path).unwrap_err();
    assert!(matches!(error, MasterKeyError::Malformed));
    assert_eq!(fs::read(&path).unwrap(), b"");
}
