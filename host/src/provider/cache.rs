//! Compiled components, kept on disk between starts.
//!
//! One pair of files for each component and configuration of the engine: the
//! machine code, and the digest of that file. A pair that is damaged, foreign or
//! unreadable is compiled anew and never fatal. The only place in the host with
//! unsafe code: machine code is run as it is found, so the directory belongs to
//! the host alone.

use crate::provider::engine::Engine;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

/// Where compiled components are kept; nowhere, if there is no directory.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    directory: Option<PathBuf>,
}

/// How a component came into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOrigin {
    /// Compiled in this start.
    Compiled,
    /// Taken from the cache.
    Cached,
}

impl Cache {
    /// A cache in `directory`, which is created for the host alone (0700). One
    /// that others can write to is not used, with a warning.
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

    /// Compiles at each start.
    pub fn disabled() -> Self {
        Self { directory: None }
    }

    /// The compiled form of `wasm`, whose SHA-256 is `digest`.
    ///
    /// # Errors
    /// If `wasm` is no component, or one that exceeds the engine's limits.
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
    /// The hash covers wasmtime's version, its settings and the processor.
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
        // SAFETY: the file is what `Component::serialize` returned to this user:
        // its digest was taken then and has just been compared, its name binds
        // it to this engine's configuration (which wasmtime compares again), and
        // `prepare` made sure that nobody else can write to the directory. It
        // is not changed while mapped: files are replaced, never rewritten.
        let component = unsafe { Component::deserialize_file(engine.wasmtime(), &self.code) };
        component
            .inspect_err(|error| tracing::debug!("a cached component is compiled anew: {error:#}"))
            .ok()
    }

    fn write(&self, code: &[u8]) -> io::Result<()> {
        replace(&self.code, code)?;
        replace(&self.sum, hex::encode(Sha256::digest(code)).as_bytes())
    }
}

/// Writes a file for the owner alone, in one step for whoever reads it.
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
        // Best effort: the error that matters is the one above.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Creates the directory, or makes sure that it is the host's alone.
fn prepare(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let metadata = fs::metadata(directory)?;
    // A file that was just created there would belong to whoever this process is.
    let probe = directory.join(format!("{}.tmp", uuid::Uuid::new_v4().simple()));
    let owner = File::create_new(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    if metadata.uid() != owner {
        return Err(io::Error::other("it belongs to somebody else"));
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
