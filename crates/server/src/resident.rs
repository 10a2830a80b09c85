//! Models that are loaded: each version once, shared by all requests; a request keeps its model however aliases move.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kolosal_platform::store::Version;
use kolosal_platform::{Model, find_version};

use crate::answer::Failure;
use crate::serve::Shared;

/// A loaded version.
pub(crate) struct Resident {
    pub(crate) version: Version,
    pub(crate) model: Model,
}

/// How long it is remembered which version a name means; moves of aliases through this server are seen at once.
const REMEMBERED: Duration = Duration::from_millis(500);
/// Bytes of model files that stay loaded; the ones not asked for longest go first.
const BYTES_MAX: u64 = 4 << 30;
/// Names that are remembered.
const NAMES_MAX: usize = 10_000;

#[derive(Default)]
pub(crate) struct Residents(Mutex<Held>);

type Name = (String, Option<String>);

#[derive(Default)]
struct Held {
    /// Which version a name means, and until when that is taken for true.
    names: BTreeMap<Name, (Arc<Resident>, Duration)>,
    /// Loaded versions by their unique identifier, with when they were last asked for.
    loaded: BTreeMap<String, (Arc<Resident>, Duration)>,
    /// How many times names were forgotten. What was looked up before the last time is not remembered after it.
    forgotten: u64,
}

impl Residents {
    pub(crate) fn forget_names(&self) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.names.clear();
        held.forgotten += 1;
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).loaded.len()
    }

    /// The version that a name and a number or alias mean, loaded.
    pub(crate) fn get(
        &self,
        shared: &Shared,
        name: &str,
        wanted: Option<&str>,
    ) -> Result<Arc<Resident>, Failure> {
        let now = shared.now();
        let key = (name.to_owned(), wanted.map(str::to_owned));
        let forgotten = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((resident, until)) = held.names.get(&key)
                && now < *until
            {
                let resident = Arc::clone(resident);
                if let Some(loaded) = held.loaded.get_mut(&resident.version.uid) {
                    loaded.1 = now;
                }
                return Ok(resident);
            }
            held.forgotten
        };
        let version = find_version(&shared.store, name, wanted)?;
        let resident = self.load(shared, version, now)?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.names.len() >= NAMES_MAX {
            held.names.clear();
        }
        if held.forgotten == forgotten {
            held.names.insert(key, (Arc::clone(&resident), now + REMEMBERED));
        }
        Ok(resident)
    }

    /// A version, loaded now if it is not. Others answer meanwhile.
    fn load(&self, shared: &Shared, version: Version, now: Duration) -> Result<Arc<Resident>, Failure> {
        {
            let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((resident, _)) = held.loaded.get(&version.uid) {
                return Ok(Arc::clone(resident));
            }
        }
        let model = shared.platform.load_version(&shared.store, &version)?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let resident = Arc::new(Resident { version, model });
        held.loaded
            .insert(resident.version.uid.clone(), (Arc::clone(&resident), now));
        held.make_room(&resident.version.uid);
        Ok(resident)
    }
}

impl Held {
    fn make_room(&mut self, newest: &str) {
        let bytes = |held: &Self| {
            held.loaded
                .values()
                .map(|(resident, _)| resident.version.size)
                .sum::<u64>()
        };
        while bytes(self) > BYTES_MAX && self.loaded.len() > 1 {
            let oldest = self
                .loaded
                .iter()
                .filter(|(uid, _)| uid.as_str() != newest)
                .min_by_key(|(_, (_, at))| *at);
            let Some(oldest) = oldest.map(|(uid, _)| uid.clone()) else {
                return;
            };
            self.loaded.remove(&oldest);
            self.names
                .retain(|_, (resident, _)| resident.version.uid != oldest);
        }
    }
}
