//! The frozen files of the contract. v1 is provisional until the first release: until
//! then it may change together with the digest below.

use sha2::{Digest, Sha256};
use std::path::Path;

const V1_SHA256: &str = "0632cd7468a0436f2df26579d73a63be0350497347b16be77f96f2988490892c";

#[test]
fn contract_1_is_unchanged() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/v1");
    let entries = std::fs::read_dir(directory).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut hasher = Sha256::new();
    for path in paths {
        // Moving text between files is a change, too.
        hasher.update(path.file_name().unwrap().as_encoded_bytes());
        hasher.update(std::fs::read(&path).unwrap());
    }
    assert_eq!(
        hex::encode(hasher.finalize()),
        V1_SHA256,
        "wit/v1 has changed: a released contract never does; write wit/v2"
    );
}
