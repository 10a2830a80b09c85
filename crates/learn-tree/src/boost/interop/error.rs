//! What can go wrong between our models and those of other libraries.

use kolosal_base::ErrorKind;

/// A library whose model files are read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// XGBoost: JSON and UBJ.
    Xgboost,
    /// LightGBM: text.
    Lightgbm,
    /// CatBoost: JSON.
    Catboost,
}

impl std::fmt::Display for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Xgboost => "XGBoost",
            Self::Lightgbm => "LightGBM",
            Self::Catboost => "CatBoost",
        })
    }
}

/// Why a model could not be brought over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InteropError {
    /// The file contradicts itself or its format.
    #[error("the {library} model is damaged at {place}: {what}; save it again with {library}")]
    Damaged {
        /// The format.
        library: Library,
        /// Where in the file: a path of keys, or a line.
        place: String,
        /// What was found and what belongs there.
        what: String,
    },
    /// The file was written by this library and has changed since.
    #[error(
        "the {library} model has changed since kolosal wrote it: its checksum is {found}, the file says {stated}; \
         export it again, or remove the checksum if the change was meant"
    )]
    Changed {
        /// The format.
        library: Library,
        /// What the content sums to.
        found: String,
        /// What the file says.
        stated: String,
    },
    /// The file is sound, but asks for something that has no counterpart here.
    #[error("the {library} model cannot be imported: {what}")]
    Foreign {
        /// The format.
        library: Library,
        /// What it needs, and what to do instead.
        what: String,
    },
    /// Our model has a part that the other format has no place for.
    #[error("the model cannot be written for {library}: {what}")]
    Unwritable {
        /// The format.
        library: Library,
        /// Which part, and what to do instead.
        what: String,
    },
}

impl InteropError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Damaged { .. } | Self::Changed { .. } => ErrorKind::Data,
            Self::Foreign { .. } | Self::Unwritable { .. } => ErrorKind::Invalid,
        }
    }

    pub(super) fn damaged(library: Library, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Damaged {
            library,
            place: place.into(),
            what: what.into(),
        }
    }

    pub(super) fn foreign(library: Library, what: impl Into<String>) -> Self {
        Self::Foreign {
            library,
            what: what.into(),
        }
    }

    pub(super) fn unwritable(library: Library, what: impl Into<String>) -> Self {
        Self::Unwritable {
            library,
            what: what.into(),
        }
    }
}
