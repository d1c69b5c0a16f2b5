//! Signed GitHub `issues` deliveries, all different, about 8 kB each: one recorded delivery, varied.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::http::Signer;

/// The size of a middling GitHub delivery; what design and issues give their figures for.
const BODY_BYTES: usize = 8_000;

/// Room for what makes a payload different from the others.
const OWN_BYTES: usize = 300;

/// The recorded delivery that all payloads vary; commands run from the project's top level.
pub const FIXTURE: &str = "tests/fixtures/github/issues.opened.json";

/// Makes the n-th payload from one recorded delivery.
pub struct Payloads {
    base: Value,
    text: String,
}

impl Payloads {
    /// Fails when the file is no `issues.opened` delivery, or too big even without most of its addresses.
    pub fn new(fixture: &Path) -> anyhow::Result<Self> {
        let name = fixture.display();
        let recorded = std::fs::read(fixture).with_context(|| format!("cannot read {name}"))?;
        let mut base: Value =
            serde_json::from_slice(&recorded).with_context(|| format!("{name} is no JSON"))?;
        ensure!(
            base["action"] == "opened" && base["issue"].is_object(),
            "{name} is no issues.opened delivery"
        );
        shorten(&mut base)?;
        let text = base["issue"]["body"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok(Self { base, text })
    }

    /// A payload of about [`BODY_BYTES`] whose number, ids, title and text no other one has.
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

/// Takes away addresses of the repository, which every GitHub delivery has dozens of, until the rest is short enough.
fn shorten(delivery: &mut Value) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec(delivery)?.len();
    let Some(repository) = delivery["repository"].as_object_mut() else {
        bail!("the delivery has no repository");
    };
    let addresses: Vec<String> = repository
        .keys()
        .filter(|name| name.ends_with("_url") && *name != "html_url")
        .cloned()
        .collect();
    for name in addresses {
        if bytes <= BODY_BYTES - OWN_BYTES {
            break;
        }
        if let Some(address) = repository.remove(&name) {
            bytes -= format!("\"{name}\":{address},").len();
        }
    }
    ensure!(
        bytes <= BODY_BYTES,
        "the delivery is too big: {bytes} bytes without its repository's addresses"
    );
    Ok(())
}

/// Writes a file of records `<hex signature> <body bytes>\n<body>\n`.
pub fn write(count: usize, secret: &str, out: &Path, fixture: &Path) -> anyhow::Result<()> {
    let payloads = Payloads::new(fixture)?;
    let signer = Signer::new(secret)?;
    let file = File::create(out).with_context(|| format!("cannot write {}", out.display()))?;
    let mut file = BufWriter::new(file);
    for n in 0..count {
        let body = payloads.body(n)?;
        writeln!(file, "{} {}", signer.sign(&body), body.len())?;
        file.write_all(&body)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    println!("payloads={count} bytes={BODY_BYTES}");
    Ok(())
}

/// Text that compresses about as well as what people write: words in no repeated order.
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
        // Numbers, versions and hashes are what real text does not repeat.
        if state.is_multiple_of(7) {
            text.push_str(&format!(" {:x}", state >> 40));
        }
        text.push(' ');
    }
    text.truncate(bytes);
    text
}

/// The step of SplitMix64: repeatable, so that every run measures the same bytes.
fn scramble(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
