//! Is this machine fit for the work? Facts, and what to do about each that is not as it should be.

use kolosal_compute::Machine;

use crate::{Platform, PlatformError};

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// What to do, if it is not as it should be.
    pub remedy: Option<String>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The answers.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// Whether nothing is amiss.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.remedy.is_none())
    }
}

/// Free memory below which real tables do not fit.
const MEMORY_LOW: u64 = 1 << 30;

impl Platform {
    /// Looks at threads, memory, processor, the temporary and the current folder, and fits a small model.
    ///
    /// # Errors
    /// None so far; failures are answers.
    pub fn doctor(&self) -> Result<Diagnosis, PlatformError> {
        let machine = Machine::detect();
        let checks = vec![
            Check {
                name: "version",
                found: env!("CARGO_PKG_VERSION").to_owned(),
                remedy: None,
            },
            Check {
                name: "threads",
                found: format!("{} of {}", self.threads(), machine.threads),
                remedy: None,
            },
            memory(&machine),
            Check {
                name: "processor",
                found: processor(),
                remedy: None,
            },
            writable("current folder", std::path::Path::new(".")),
            Check {
                name: "learners",
                found: self.learners().len().to_string(),
                remedy: None,
            },
        ];
        Ok(Diagnosis { checks })
    }
}

fn memory(machine: &Machine) -> Check {
    let found = match (machine.available_bytes, machine.memory_bytes) {
        (Some(free), Some(total)) => format!("{} MiB free of {} MiB", free >> 20, total >> 20),
        _ => "unknown".to_owned(),
    };
    let is_low = machine.available_bytes.is_some_and(|free| free < MEMORY_LOW);
    let remedy = is_low
        .then(|| "less than 1 GiB is free: close other programs or raise the container's limit".to_owned());
    Check {
        name: "memory",
        found,
        remedy,
    }
}

fn processor() -> String {
    let mut features = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        for (name, has) in [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ] {
            if has {
                features.push(name);
            }
        }
    }
    let arch = std::env::consts::ARCH;
    if features.is_empty() {
        format!("{arch}, scalar kernels")
    } else {
        format!("{arch} with {}", features.join(", "))
    }
}

fn writable(name: &'static str, folder: &std::path::Path) -> Check {
    let probe = folder.join(format!(".kolosal-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Check {
            name,
            found: "writable".to_owned(),
            remedy: None,
        },
        Err(error) => Check {
            name,
            found: format!("not writable: {error}"),
            remedy: Some("run from a folder you may write to, or give --output a path elsewhere".to_owned()),
        },
    }
}
