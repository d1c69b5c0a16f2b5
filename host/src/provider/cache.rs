//! Compiled components, kept on disk between starts.
//!
//! Each component and engine configuration has a pair of files: the machine code, and the
//! digest of that file. A pair that is damaged, foreign or unreadable is compiled again and
//! never fatal. The only unsafe code of the host is here: machine code runs as it is found,
//! so only the host's user may write to the directory.

use crate::provider::engine::Engine;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

/// The directory of compiled components; without one, nothing is cached.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    directory: Option<PathBuf>,
}

/// The origin of a component's machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOrigin {
    /// Compiled at this start.
    Compiled,
    /// Taken from the cache.
    Cached,
}

impl Cache {
    /// A cache in `directory`, which is created with mode 0700. Logs a warning and caches
    /// nothing if others can write to it.
    pub fn at(directory: &Path) -> Self {
        match prepare(directory) {
            Ok(()) => Self {
                directory: Some(directory.to_owned()),
            },
            Err(error) => {
                tracing::warn!(
                    "compiled components are not cached in {}: {error}",
                    directory.display()
                );
                Self::disabled()
            }
        }
    }

    /// A cache that compiles at each start.
    pub fn disabled() -> Self {
        Self { directory: None }
    }

    /// The compiled form of `wasm`, whose SHA-256 is `digest`.
    ///
    /// # Errors
    /// `wasm` is no component, or exceeds the engine's limits.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        wasm: &[u8],
        digest: &str,
    ) -> wasmtime::Result<(Component, CodeOrigin)> {
        let Some(directory) = &self.directory else {
            return Ok((
                Component::from_binary(engine.wasmtime(), wasm)?,
                CodeOrigin::Compiled,
            ));
        };
        let entry = Entry::new(directory, engine, digest);
        if let Some(component) = entry.read(engine) {
            return Ok((component, CodeOrigin::Cached));
        }
        let component = Component::from_binary(engine.wasmtime(), wasm)?;
        if let Err(error) = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| entry.write(&code))
        {
            tracing::warn!(
                "a compiled component could not be cached as {}: {error}",
                entry.code.display()
            );
        }
        Ok((component, CodeOrigin::Compiled))
    }
}

struct Entry {
    code: PathBuf,
    sum: PathBuf,
}

impl Entry {
    /// The file name includes a hash of wasmtime's version, its settings and the processor.
    fn new(directory: &Path, engine: &Engine, digest: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        engine
            .wasmtime()
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        let name = format!("{digest}-{:016x}", hasher.finish());
        Self {
            code: directory.join(format!("{name}.cwasm")),
            sum: directory.join(format!("{name}.sum")),
        }
    }

    fn read(&self, engine: &Engine) -> Option<Component> {
        let expected = fs::read_to_string(&self.sum).ok()?;
        let mut file = File::open(&self.code).ok()?;
        if digest_of(&mut file).ok()? != expected {
            return None;
        }
        #[allow(unsafe_code)]
        // SAFETY: the file has the bytes that `Component::serialize` returned to this user.
        // Its digest was taken then and has just been compared. Its name binds it to this
        // engine's configuration, which wasmtime compares again. `prepare` made sure that
        // nobody else can write to the directory. The file does not change while it is
        // mapped, because files are replaced and never rewritten.
        let component = unsafe { Component::deserialize_file(engine.wasmtime(), &self.code) };
        component
            .inspect_err(|error| tracing::debug!("a cached component is compiled again: {error:#}"))
            .ok()
    }

    fn write(&self, code: &[u8]) -> io::Result<()> {
        replace(&self.code, code)?;
        replace(&self.sum, hex::encode(Sha256::digest(code)).as_bytes())
    }
}

/// Writes a file that only the owner can read; readers see the old file or the new one.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let unique = uuid::Uuid::new_v4().simple();
    let temporary = path.with_extension(format!("{unique}.tmp"));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(contents))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the caller needs the error above.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Creates the directory, or checks that only the host's user can write to it.
fn prepare(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let metadata = fs::metadata(directory)?;
    // A new file there belongs to the user of this process.
    let probe = directory.join(format!("{}.tmp", uuid::Uuid::new_v4().simple()));
    let owner = File::create_new(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    if metadata.uid() != owner {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other(
            "others can write to it; expected mode 0700",
        ));
    }
    Ok(())
}

fn digest_of(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&chunk[..count]),
        }
    }
}
