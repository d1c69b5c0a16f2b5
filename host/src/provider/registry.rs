//! The registry: exactly the providers that the operator names, by file or by directory.
//! Nothing else is ever loaded.

use crate::provider::cache::Cache;
use crate::provider::component::LoadedComponent;
use crate::provider::engine::Engine;
use crate::provider::load_refusal::LoadError;
use crate::provider::provider::Provider;
use crate::provider::registration::RegistryEntry;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The reason for which the registry cannot be loaded. The host does not start with half of
/// it.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A component was refused.
    #[error(transparent)]
    Refused(#[from] LoadError),
    /// Two components describe the same id.
    #[error("{}: the id {id:?} is taken by {}", second.display(), first.display())]
    IdTaken {
        /// The id.
        id: String,
        /// The component that has it.
        first: PathBuf,
        /// The other component.
        second: PathBuf,
    },
    /// Two entries configure one id.
    #[error("the registry has two entries with the id {0:?}")]
    EntryTwice(String),
    /// An entry without a component, and no component has its id.
    #[error("the entry {id:?} names no component, and {searched} holds none of that id")]
    NothingToConfigure {
        /// The id.
        id: String,
        /// The directory that was searched.
        searched: String,
    },
    /// An entry with neither a component nor an id.
    #[error("an entry of the registry names neither a component nor an id")]
    EmptyEntry,
    /// The providers directory cannot be read.
    #[error("{}: the providers directory cannot be read: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

/// The registered providers, by id.
#[derive(Debug, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<Provider>>,
}

/// A registry while it is loaded, with the path of each provider for the error about an id
/// that is taken.
#[derive(Default)]
struct Loading {
    registry: Registry,
    paths: BTreeMap<String, PathBuf>,
}

impl Registry {
    /// Loads every entry that names a component, and every `*.wasm` in `directory` whose id
    /// no such entry has. Loads them one after the other, because compiling one component
    /// already uses all processors.
    ///
    /// # Errors
    /// The first [`RegistryError`].
    pub async fn load(
        entries: &[RegistryEntry],
        directory: Option<&Path>,
        engine: &Engine,
        cache: &Cache,
    ) -> Result<Self, RegistryError> {
        let mut settings_of = check_entries(entries)?;
        let mut loading = Loading::default();
        for entry in entries {
            if let Some(path) = &entry.component {
                let provider = Provider::load(engine, cache, path, entry).await?;
                loading.add(provider, path)?;
            }
        }
        let overriding: Vec<String> = loading.paths.keys().cloned().collect();
        for path in components_in(directory)? {
            let component = LoadedComponent::load(engine, cache, &path, None).await?;
            let id = component.description.id.clone();
            if overriding.contains(&id) {
                tracing::info!(
                    provider.id = id,
                    "{} is not used: the registry names another component",
                    path.display()
                );
                continue;
            }
            let plain = RegistryEntry::of(&path);
            let entry = settings_of.remove(id.as_str()).unwrap_or(&plain);
            let provider = Provider::register(component, entry, &path)?;
            loading.add(provider, &path)?;
        }
        match settings_of.into_keys().next() {
            None => Ok(loading.registry),
            Some(id) => Err(RegistryError::NothingToConfigure {
                id: id.into(),
                searched: match directory {
                    Some(directory) => directory.display().to_string(),
                    None => "no providers directory".into(),
                },
            }),
        }
    }

    /// The provider with this id, enabled or not.
    pub fn get(&self, id: &str) -> Option<Arc<Provider>> {
        self.providers.get(id).cloned()
    }

    /// All providers, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The number of providers.
    pub fn len(&self) -> usize {
        self.providers.len()
    }

    /// True if there is no provider.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }
}

impl Loading {
    fn add(&mut self, provider: Arc<Provider>, path: &Path) -> Result<(), RegistryError> {
        let id = provider.info().id.clone();
        if let Some(first) = self.paths.insert(id.clone(), path.to_owned()) {
            return Err(RegistryError::IdTaken {
                id,
                first,
                second: path.to_owned(),
            });
        }
        self.registry.providers.insert(id, provider);
        Ok(())
    }
}

/// The entries without a component, by id.
fn check_entries(
    entries: &[RegistryEntry],
) -> Result<BTreeMap<&str, &RegistryEntry>, RegistryError> {
    let mut by_id = BTreeMap::new();
    for entry in entries {
        match (&entry.id, &entry.component) {
            (None, None) => return Err(RegistryError::EmptyEntry),
            (None, Some(_)) => {}
            (Some(id), _) => {
                if by_id.insert(id.as_str(), entry).is_some() {
                    return Err(RegistryError::EntryTwice(id.clone()));
                }
            }
        }
    }
    by_id.retain(|_, entry| entry.component.is_none());
    Ok(by_id)
}

/// Every `*.wasm`, sorted by name, so that all starts load them in the same order.
fn components_in(directory: Option<&Path>) -> Result<Vec<PathBuf>, RegistryError> {
    let Some(directory) = directory else {
        return Ok(Vec::new());
    };
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "wasm")
            {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    };
    list().map_err(|error| RegistryError::Directory {
        path: directory.to_owned(),
        error,
    })
}
