//! Clauses of a contract, and how a subject is held against them.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

/// Nothing, or what a subject does against the clause, in words.
pub type Verdict = Result<(), String>;

/// One promise of a contract.
pub struct Clause<S> {
    /// What is promised, in a few words.
    pub name: &'static str,
    /// Holds a subject against it.
    pub check: fn(&S) -> Verdict,
}

/// What is held against clauses.
pub trait Subject: Copy + Send + 'static {
    /// Who it is, for messages.
    fn whom(&self) -> String;
}

/// A promise that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Who broke it.
    pub whom: String,
    /// The clause.
    pub clause: &'static str,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.whom, self.clause, self.what)
    }
}

/// How long a clause may take: far above any that ends, so that reaching it means that it never would.
pub const PATIENCE: Duration = Duration::from_secs(120);

impl<S: Subject> Clause<S> {
    /// Holds the subject against this clause on a thread of its own: a panic is a breach, and so is taking longer
    /// than `patience`. A thread that does not end is left behind.
    #[expect(
        clippy::disallowed_methods,
        reason = "code that hangs can only be watched from another thread"
    )]
    pub fn judge(&self, subject: S, patience: Duration) -> Option<Breach> {
        let (send, receive) = mpsc::channel();
        let check = self.check;
        std::thread::spawn(move || {
            let verdict = caught(|| check(&subject)).unwrap_or_else(Err);
            // Nobody listens any more if patience ran out.
            let _ = send.send(verdict);
        });
        let verdict = receive
            .recv_timeout(patience)
            .unwrap_or_else(|_| Err(format!("did not end within {patience:?}")));
        verdict.err().map(|what| Breach {
            whom: subject.whom(),
            clause: self.name,
            what,
        })
    }
}

/// The result of a piece of work, or the words of its panic.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| format!("panicked: {}", words_of(panic.as_ref())))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without words").to_owned()
}

/// Every breach of some clauses by some subjects.
pub fn breaches<S: Subject>(subjects: &[S], clauses: &[Clause<S>]) -> Vec<Breach> {
    let judge = |subject: &S| {
        let subject = *subject;
        clauses
            .iter()
            .filter_map(move |clause| clause.judge(subject, PATIENCE))
    };
    subjects.iter().flat_map(judge).collect()
}

/// Fails with the whole list if there is a breach.
///
/// # Panics
/// If there is one.
#[track_caller]
pub fn expect_none(breaches: &[Breach]) {
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} broken:\n{}", lines.len(), lines.join("\n"));
}

/// A verdict from a condition; the words are made only if it does not hold.
pub(crate) fn demand(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

/// Adds where it happened to a verdict.
pub(crate) fn at(place: &str, verdict: Verdict) -> Verdict {
    verdict.map_err(|what| format!("{place}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Case;

    impl Subject for Case {
        fn whom(&self) -> String {
            "case".to_owned()
        }
    }

    #[track_caller]
    fn check(check: fn(&Case) -> Verdict, expected: Option<&str>) {
        let clause = Clause {
            name: "keeps quiet",
            check,
        };
        // A panic that is printed with its backtrace takes a moment.
        let found = clause.judge(Case, Duration::from_secs(3));
        assert_eq!(found.map(|breach| breach.to_string()).as_deref(), expected);
    }

    #[test]
    fn errors_panics_and_hangs_are_breaches() {
        check(|_| Ok(()), None);
        check(
            |_| Err("it spoke".to_owned()),
            Some("case: keeps quiet: it spoke"),
        );
        check(
            |_| panic!("it cried"),
            Some("case: keeps quiet: panicked: it cried"),
        );
        check(
            |_| loop {
                std::thread::park();
            },
            Some("case: keeps quiet: did not end within 3s"),
        );
    }

    #[test]
    #[should_panic(expected = "1 broken:\na: b: c")]
    fn a_list_of_breaches_fails() {
        expect_none(&[Breach {
            whom: "a".to_owned(),
            clause: "b",
            what: "c".to_owned(),
        }]);
    }
}
