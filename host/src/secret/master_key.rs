//! The master key, under which secrets and credentials are sealed. It comes from the
//! configuration, or from a file that only its owner may read.

use crate::secret::Secret;
use crate::secret::generate::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of the key.
pub const MASTER_KEY_BYTES: usize = 32;

/// The key under which secrets are sealed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; MASTER_KEY_BYTES]>);

/// The master key cannot be used. The operator has to act.
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
    /// The file cannot be read or created.
    #[error("master key file {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        error: io::Error,
    },
}

impl MasterKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(random())
    }

    /// Reads a key from base64, with or without white space around it.
    ///
    /// # Errors
    /// `Malformed`. The error does not repeat the text.
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

    /// The key in the form that `from_base64` reads.
    pub fn to_base64(&self) -> Secret {
        Secret::from(STANDARD.encode(*self.0))
    }

    /// Reads a key from a file.
    ///
    /// # Errors
    /// `Exposed` if anybody but its owner has any right to the file.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let at_path = |error| file_error(path, error);
        let file = File::open(path).map_err(at_path)?;
        // The open file's metadata: another file could take the path meanwhile.
        refuse_exposed(path, &file.metadata().map_err(at_path)?)?;
        let text = io::read_to_string(file)
            .map(Zeroizing::new)
            .map_err(at_path)?;
        Self::from_base64(&text)
    }

    /// Reads the key from a file. A missing file is created with a new key. Processes that
    /// start at the same time all get the same key.
    ///
    /// # Errors
    /// As `from_file`. An existing file is never written to.
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        if !path.try_exists().map_err(|error| file_error(path, error))? {
            Self::generate()
                .write_new(path)
                .map_err(|error| file_error(path, error))?;
        }
        Self::from_file(path)
    }

    pub(super) fn bytes(&self) -> &[u8; MASTER_KEY_BYTES] {
        &self.0
    }

    /// Writes the key beside `path` and then links it there. A link never replaces a file,
    /// so a crash leaves no half key, and another process's key stays.
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
        // Values sealed under this key survive a power cut, so its name must too.
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

/// Other systems have no such permission bits.
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
