//! Which store is meant, and who asks: the only place where the environment is read for it.

use std::path::PathBuf;

use kolosal_platform::store::{Store, StoreError, StorePlace};
use kolosal_platform::{PlatformError, unix_ms};

use crate::args::StoreArgs;
use crate::output::Output;

/// The word that turns tracking off.
const OFF: &str = "off";

#[expect(clippy::disallowed_methods, reason = "the command line is a door")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the store is; `None` where the environment turns it off.
pub(crate) fn place(args: &StoreArgs) -> Result<Option<StorePlace>, PlatformError> {
    let blobs = args
        .blobs
        .clone()
        .or_else(|| variable("KOLOSAL_BLOBS").map(PathBuf::from));
    let rows = args.store.clone().or_else(|| variable("KOLOSAL_STORE"));
    if rows.as_deref() == Some(OFF) {
        return Ok(None);
    }
    let home = data_folder();
    let rows = match (rows, &home) {
        (Some(rows), _) => rows,
        (None, Some(home)) => home.display().to_string(),
        (None, None) => {
            return Err(PlatformError::Setting {
                what: "the store",
                value: "not given, and this user has no home".to_owned(),
                allowed: "a folder or postgres:// URL, by --store or KOLOSAL_STORE".to_owned(),
            });
        }
    };
    let is_url = rows.contains("://");
    let beside = home.filter(|_| is_url).map(|home| home.join("blobs"));
    Ok(Some(StorePlace {
        rows,
        blobs: blobs.or(beside),
    }))
}

/// `kolosal` in the folder of the user's data, as the system has it.
fn data_folder() -> Option<PathBuf> {
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| PathBuf::from(home).join("Library/Application Support"))
    } else {
        let given = variable("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute());
        given.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/share")))
    };
    base.map(|base| base.join("kolosal"))
}

/// Opens a store, and says so where it was brought up to date.
pub(crate) fn open(place: &StorePlace, output: &Output) -> Result<Store, PlatformError> {
    let store = Store::open(place, unix_ms)?;
    if let Some(done) = store.migration().filter(|done| done.from > 0) {
        let copy = done.backup.as_deref().unwrap_or("nowhere");
        output.remark(&format!(
            "the store went from schema {} to {}; a copy of what was there: {copy}",
            done.from, done.to
        ));
    }
    Ok(store)
}

/// Opens the store that a command is about.
pub(crate) fn required(args: &StoreArgs, output: &Output) -> Result<Store, PlatformError> {
    match place(args)? {
        Some(place) => open(&place, output),
        None => Err(StoreError::Invalid {
            what: "KOLOSAL_STORE".to_owned(),
            problem: "is off; name a store by --store".to_owned(),
        }
        .into()),
    }
}

/// Who runs this program.
pub(crate) fn person() -> String {
    let name = variable("USER")
        .or_else(|| variable("USERNAME"))
        .or_else(|| variable("LOGNAME"));
    name.unwrap_or_else(|| "unknown".to_owned())
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect()
}

/// The machine's name, as far as it is needed to tell its processes from those of others.
pub(crate) fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel
        .or_else(|| variable("COMPUTERNAME"))
        .or_else(|| variable("HOSTNAME"));
    name.map_or_else(|| "localhost".to_owned(), |name| name.trim().replace(' ', "-"))
}
