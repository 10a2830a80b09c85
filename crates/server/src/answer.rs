//! What handlers give back.

use std::fs::File;

use kolosal_base::ErrorKind;
use kolosal_platform::PlatformError;
use kolosal_platform::store::StoreError;
use serde_json::{Value, json};

/// A good answer.
pub(crate) enum Answer {
    Json(Value),
    /// JSON of a status other than 200.
    JsonStatus(u16, Value),
    Text(String),
    /// A file, handed out as an attachment; its name and its bytes.
    File(String, File, u64),
}

impl Answer {
    pub(crate) fn empty() -> Self {
        Self::Json(json!({}))
    }
}

/// A bad one.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    /// The kind, in the product's own words.
    pub(crate) kind: &'static str,
    /// The code, in MLflow's.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

pub(crate) type Handled = Result<Answer, Failure>;

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let code = match kind {
            ErrorKind::Invalid | ErrorKind::Data => "INVALID_PARAMETER_VALUE",
            ErrorKind::NotFound => "RESOURCE_DOES_NOT_EXIST",
            ErrorKind::Conflict => "RESOURCE_CONFLICT",
            ErrorKind::Busy => "RESOURCE_EXHAUSTED",
            ErrorKind::Cancelled => "CANCELLED",
            ErrorKind::Internal => "INTERNAL_ERROR",
        };
        Self {
            status: kind.http_status(),
            kind: kind.name(),
            code,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn status(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let kind = match status {
            401 => "unauthenticated",
            403 => "forbidden",
            404 => "not_found",
            429 => "busy",
            _ => "invalid",
        };
        Self {
            status,
            kind,
            code,
            message: message.into(),
        }
    }

    /// The status at an address: MLflow's client takes every fault of the caller but these for a 400.
    pub(crate) fn status_at(&self, path: &str) -> u16 {
        match self.status {
            409 | 422 if !path.starts_with("/api/v1") && !path.starts_with("/v2") => 400,
            // The Open Inference Protocol knows no 422.
            422 if path.starts_with("/v2") => 400,
            status => status,
        }
    }

    /// The failure in the language of the address that was asked.
    pub(crate) fn body(&self, path: &str) -> Value {
        if path.starts_with("/v2") {
            json!({ "error": self.message })
        } else if path.starts_with("/api/v1") {
            json!({ "error": { "kind": self.kind, "message": self.message } })
        } else {
            json!({ "error_code": self.code, "message": self.message })
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Exists { .. } => Some("RESOURCE_ALREADY_EXISTS"),
            StoreError::ParamChanged { .. } | StoreError::State { .. } => Some("INVALID_PARAMETER_VALUE"),
            _ => None,
        };
        // Stored bytes that are damaged are this side's fault, not the caller's.
        let kind = if matches!(error, StoreError::Damaged { .. }) {
            ErrorKind::Internal
        } else {
            error.kind()
        };
        let failure = Self::new(kind, error.to_string());
        match code {
            Some(code) => Self { code, ..failure },
            None => failure,
        }
    }
}

impl From<PlatformError> for Failure {
    fn from(error: PlatformError) -> Self {
        match error {
            PlatformError::Store(error) => error.into(),
            error => Self::new(error.kind(), error.to_string()),
        }
    }
}
