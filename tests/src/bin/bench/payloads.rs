//! GitHub `issues.opened` bodies of about 8 kB, all different: variations of one recorded delivery.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use triggerhouse_tests::files;

/// The size of a middling GitHub delivery.
const BODY_BYTES: usize = 8_000;
/// Room for the text of a body of its own.
const OWN_BYTES: usize = 300;
/// The recorded delivery, below `tests/fixtures`.
const FIXTURE: &str = "github/issues.opened.json";

/// Makes the n-th body from one recorded delivery.
pub struct Payloads {
    base: Value,
    text: String,
}

impl Payloads {
    /// # Errors
    /// If the fixture is not an `issues.opened` delivery, or too long even without most of its
    /// URLs.
    pub fn of_fixture() -> anyhow::Result<Self> {
        let path = files::fixture(FIXTURE);
        let recorded =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut base: Value =
            serde_json::from_slice(&recorded).context("the fixture is not JSON")?;
        ensure!(
            base["action"] == "opened" && base["issue"].is_object(),
            "the fixture is not an issues.opened delivery"
        );
        shorten(&mut base)?;
        let text = base["issue"]["body"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok(Self { base, text })
    }

    /// A body of about [`BODY_BYTES`] with a number, ids, a title and a text of its own.
    pub fn body(&self, n: usize) -> anyhow::Result<Vec<u8>> {
        let different = scramble(n as u64);
        let mut payload = self.base.clone();
        let issue = &mut payload["issue"];
        issue["number"] = json!(1 + n);
        issue["id"] = json!(2_000_000_000 + n);
        issue["node_id"] = json!(format!("I_{different:016x}"));
        issue["title"] = json!(format!(
            "Import of file {different:016x} fails after an upgrade"
        ));

        let missing_bytes = BODY_BYTES.saturating_sub(serde_json::to_vec(&payload)?.len());
        payload["issue"]["body"] =
            json!(format!("{} {}", prose(n as u64, missing_bytes), self.text));
        Ok(serde_json::to_vec(&payload)?)
    }
}

/// Removes URLs of the repository, of which every GitHub delivery has dozens, until the rest is
/// short enough.
fn shorten(delivery: &mut Value) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec(delivery)?.len();
    let Some(repository) = delivery["repository"].as_object_mut() else {
        bail!("the fixture has no repository");
    };
    let urls: Vec<String> = repository
        .keys()
        .filter(|name| name.ends_with("_url") && *name != "html_url")
        .cloned()
        .collect();
    for name in urls {
        if bytes <= BODY_BYTES - OWN_BYTES {
            break;
        }
        if let Some(url) = repository.remove(&name) {
            bytes -= format!("\"{name}\":{url},").len();
        }
    }
    ensure!(
        bytes <= BODY_BYTES,
        "the fixture is too long: {bytes} bytes without its repository's URLs"
    );
    Ok(())
}

/// Text that compresses about as well as prose: words in no repeated order.
fn prose(seed: u64, bytes: usize) -> String {
    const WORDS: [&str; 32] = [
        "the",
        "import",
        "fails",
        "when",
        "file",
        "is",
        "larger",
        "than",
        "limit",
        "server",
        "returns",
        "error",
        "after",
        "upgrade",
        "to",
        "version",
        "we",
        "expected",
        "a",
        "warning",
        "instead",
        "of",
        "timeout",
        "steps",
        "reproduce",
        "open",
        "settings",
        "and",
        "select",
        "another",
        "workspace",
        "log",
    ];
    let mut text = String::with_capacity(bytes + 16);
    let mut state = seed;
    while text.len() < bytes {
        state = scramble(state);
        text.push_str(WORDS[(state % 32) as usize]);
        // Real text has numbers, versions and hashes that it does not repeat.
        if state.is_multiple_of(7) {
            text.push_str(&format!(" {:x}", state >> 40));
        }
        text.push(' ');
    }
    text.truncate(bytes);
    text
}

/// A step of SplitMix64. Every run makes the same bytes.
fn scramble(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
