//! The seven public kinds of failure, and the one table that maps them to exit codes and wire statuses.

/// What went wrong, in terms of what the caller can do about it.
///
/// Every crate keeps a rich error enum of its own and offers `kind()`; doors translate the kind through the tables
/// here and show the enum's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong: change the arguments.
    Invalid,
    /// A named thing does not exist: check the name.
    NotFound,
    /// The thing exists already or changed meanwhile: look again and decide.
    Conflict,
    /// A queue, budget or limit is exhausted: wait, or raise the limit.
    Busy,
    /// The caller asked to stop.
    Cancelled,
    /// The data given is malformed or unfit: mend the data.
    Data,
    /// A defect or a failing machine: report it.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Invalid,
        Self::NotFound,
        Self::Conflict,
        Self::Busy,
        Self::Cancelled,
        Self::Data,
        Self::Internal,
    ];

    /// Process exit code of the command line (0 is success, 1 an internal failure, 2 a usage error).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Invalid => 2,
            Self::NotFound => 3,
            Self::Data => 4,
            Self::Busy => 5,
            Self::Conflict => 6,
            Self::Cancelled => 130,
        }
    }

    /// HTTP status of the REST interface.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Data => 422,
            Self::Busy => 429,
            Self::Cancelled => 499,
            Self::Internal => 500,
        }
    }

    /// Lower-case word used in JSON output and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::Data => "data",
            Self::Internal => "internal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_and_name_of_its_own() {
        for (i, a) in ErrorKind::ALL.iter().enumerate() {
            for b in &ErrorKind::ALL[i + 1..] {
                assert_ne!(a.exit_code(), b.exit_code());
                assert_ne!(a.http_status(), b.http_status());
                assert_ne!(a.name(), b.name());
            }
        }
    }
}
