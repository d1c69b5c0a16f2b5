//! The key under which secrets and credentials are stored. Comes from the
//! configuration or from a file that only its owner may read.
//!
//! A sealed value is `version (1) | nonce (24) | ciphertext and tag`, by
//! XChaCha20-Poly1305: its nonce is long enough to be drawn at random for any
//! number of values.

use crate::secret::Secret;
use crate::secret::generate::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of the key.
pub const MASTER_KEY_BYTES: usize = 32;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The key under which secrets are stored.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; MASTER_KEY_BYTES]>);

/// Why there is no master key. All of it is for the operator to put right.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not base64 of 32 bytes.
    #[error("the master key must be {MASTER_KEY_BYTES} bytes in base64")]
    Malformed,
    /// Others may read the file.
    #[error("{} can be read by others (mode {mode:o}): chmod 600 it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read or made.
    #[error("master key file {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Why a sealed value does not open. Trying again does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Sealed by a later release, or not sealed at all.
    #[error("the sealed value has an unknown form")]
    UnknownForm,
    /// Another key, another context, or changed bytes.
    #[error("the sealed value was made under another key, for another place, or was changed")]
    NotAuthentic,
}

impl MasterKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(random())
    }

    /// Reads a key from base64; blanks around it do not count.
    ///
    /// # Errors
    /// `Malformed`; the text is not repeated.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = STANDARD
            .decode(text.trim())
            .map(Zeroizing::new)
            .map_err(|_| MasterKeyError::Malformed)?;
        let bytes: [u8; MASTER_KEY_BYTES] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| MasterKeyError::Malformed)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The key as `from_base64` reads it.
    pub fn to_base64(&self) -> Secret {
        Secret::from(STANDARD.encode(*self.0))
    }

    /// Reads a key from a file.
    ///
    /// # Errors
    /// `Exposed` if anybody but its owner has any right to it.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let at_path = |error| file_error(path, error);
        let file = File::open(path).map_err(at_path)?;
        // Of the open file, not of the path, which could be exchanged meanwhile.
        refuse_exposed(path, &file.metadata().map_err(at_path)?)?;
        let text = io::read_to_string(file)
            .map(Zeroizing::new)
            .map_err(at_path)?;
        Self::from_base64(&text)
    }

    /// Reads the key from a file, which is made with a new key if there is none.
    /// Of several processes that start at once, all get the key of one.
    ///
    /// # Errors
    /// As `from_file`; an existing file is never written to.
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        if !path.try_exists().map_err(|error| file_error(path, error))? {
            Self::generate()
                .write_new(path)
                .map_err(|error| file_error(path, error))?;
        }
        Self::from_file(path)
    }

    /// Writes the key beside `path` and then links it there, which never replaces
    /// a file: a crash leaves no half key, a competitor's key stays.
    fn write_new(&self, path: &Path) -> io::Result<()> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let draft = directory.join(format!(".triggerhouse-{}.tmp", uuid::Uuid::new_v4()));
        let written = self
            .write_draft(&draft)
            .and_then(|()| match fs::hard_link(&draft, path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            });
        let removed = fs::remove_file(&draft);
        written?;
        removed?;
        // Values sealed under this key outlive a power cut, so must its name.
        File::open(directory)?.sync_all()
    }

    fn write_draft(&self, draft: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(draft)?;
        writeln!(file, "{}", self.to_base64().expose())?;
        file.sync_all()
    }

    /// Seals `plaintext` for one place: `context` names it (table, column and row
    /// id, say), and the value opens nowhere else.
    pub fn seal(&self, plaintext: &[u8], context: &str) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: plaintext,
            aad: &associated_data(context),
        };
        #[expect(
            clippy::expect_used,
            reason = "the cipher's only error is a plaintext over 256 GiB"
        )]
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("shorter than 256 GiB");
        [&[VERSION], nonce.as_slice(), &ciphertext].concat()
    }

    /// Opens what `seal` made for the same `context`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::UnknownForm)?;
        if *version != VERSION {
            return Err(OpenError::UnknownForm);
        }
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(OpenError::UnknownForm)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &associated_data(context),
        };
        self.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::NotAuthentic)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As `open`; `UnknownForm` too if it is no UTF-8.
    pub fn open_secret(&self, sealed: &[u8], context: &str) -> Result<Secret, OpenError> {
        let bytes = self.open(sealed, context)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| OpenError::UnknownForm)?;
        Ok(Secret::from(text))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

/// Binds version and context; the version has a fixed length, so no two pairs
/// give the same bytes.
fn associated_data(context: &str) -> Vec<u8> {
    [&[VERSION], context.as_bytes()].concat()
}

fn file_error(path: &Path, error: io::Error) -> MasterKeyError {
    MasterKeyError::File {
        path: path.to_owned(),
        error,
    }
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &fs::Metadata) -> Result<(), MasterKeyError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(MasterKeyError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

/// Elsewhere the system has no such bits to look at.
#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &fs::Metadata) -> Result<(), MasterKeyError> {
    Ok(())
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests;
