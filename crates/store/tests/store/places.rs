//! Stores to be tested: a folder, and a PostgreSQL of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kolosal_store::StorePlace;
use tempfile::TempDir;

pub(crate) fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    since.as_millis() as i64
}

pub(crate) fn in_folder() -> (TempDir, StorePlace) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = StorePlace::new(folder.path().join("store").display().to_string());
    (folder, place)
}

/// A server that ends with the value.
pub(crate) struct Postgres {
    programs: PathBuf,
    data: PathBuf,
    pub(crate) place: StorePlace,
    _folder: TempDir,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = as_owner(&self.programs.join("pg_ctl"));
        let _ = stop
            .args(["stop", "-m", "immediate", "-D"])
            .arg(&self.data)
            .output();
    }
}

/// Starts a server under a temporary folder, reached by a socket in it; `None` where the programs are missing.
pub(crate) fn in_postgres() -> Option<Postgres> {
    let programs = programs()?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_all(folder.path());
    let data = folder.path().join("data");
    let ran = |mut command: Command| {
        let ran = command.stdin(Stdio::null()).output().expect("the program starts");
        assert!(
            ran.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    };
    let mut init = as_owner(&programs.join("initdb"));
    init.args([
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
        "--no-locale",
        "-D",
    ])
    .arg(&data);
    ran(init);
    let mut start = as_owner(&programs.join("pg_ctl"));
    let options = format!("-c listen_addresses='' -k {}", folder.path().display());
    start
        .args(["start", "-w", "-o", &options, "-l"])
        .arg(folder.path().join("log"))
        .arg("-D")
        .arg(&data);
    // The server keeps what it inherits open; nobody must wait for that.
    let status = start
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success(), "PostgreSQL does not start");
    let host = folder.path().display().to_string().replace('/', "%2F");
    let place = StorePlace {
        rows: format!("postgres://postgres@{host}/postgres"),
        blobs: Some(folder.path().join("blobs")),
    };
    Some(Postgres {
        programs,
        data,
        place,
        _folder: folder,
    })
}

fn programs() -> Option<PathBuf> {
    let debian = Path::new("/usr/lib/postgresql");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(debian)
        .map(|found| found.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.push(PathBuf::from("/usr/local/bin"));
    folders.push(PathBuf::from("/usr/bin"));
    folders
        .into_iter()
        .rev()
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}

/// PostgreSQL refuses to run as root; Debian's package brings a user for it.
fn as_owner(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program);
        command.env("LC_ALL", "C").current_dir("/tmp");
        return command;
    }
    Command::new(program)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(folder, all).expect("our own folder");
}
