//! The real `mlflow` client from PyPI, unchanged, against this server.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::http::Running;

/// A Python with mlflow: made once in the build's folder, or named by `KOLOSAL_MLFLOW_PYTHON`.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment")]
fn python() -> Option<PathBuf> {
    if let Ok(python) = std::env::var("KOLOSAL_MLFLOW_PYTHON") {
        return Some(PathBuf::from(python));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mlflow-client");
    let python = folder.join("bin/python");
    let has_mlflow = |python: &Path| {
        Command::new(python)
            .args(["-c", "import mlflow"])
            .output()
            .is_ok_and(|ran| ran.status.success())
    };
    if !has_mlflow(&python) {
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&folder)
            .output()
            .ok()?;
        let pip = folder.join("bin/pip");
        let installed = made.status.success()
            && Command::new(pip)
                .args(["install", "--quiet", "mlflow==3.*"])
                .output()
                .is_ok_and(|ran| ran.status.success());
        if !installed || !has_mlflow(&python) {
            return None;
        }
    }
    Some(python)
}

#[test]
fn an_unchanged_mlflow_client_tracks_registers_and_downloads() {
    let Some(python) = python() else {
        eprintln!(
            "NOT RUN: mlflow could not be installed from PyPI; set KOLOSAL_MLFLOW_PYTHON to a Python that has it"
        );
        return;
    };
    let server = Running::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/mlflow_client.py");
    let ran = Command::new(python)
        .arg(script)
        .env("MLFLOW_TRACKING_URI", format!("http://{}", server.address))
        .env("MLFLOW_TRACKING_TOKEN", &server.token)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        .env("GIT_PYTHON_REFRESH", "quiet")
        .current_dir(server.folder.path())
        .output()
        .expect("the script starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.trim_end().ends_with("all steps passed"),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
