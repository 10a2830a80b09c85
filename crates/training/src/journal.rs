//! Where finished fits are kept until the model is written, so that none is done twice.
//!
//! A fit's name says all that its result depends on, beside the data and the options of the run, so what is found under
//! a name can stand for the fit itself: a run that goes on after a crash gives the same model as one that never stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kolosal_learner::{ArtifactError, Decoder, Encoder};

/// Keeps bytes by name. Called from several threads.
pub trait Journal: Send + Sync {
    /// Keeps bytes under a name; those kept before under it are forgotten.
    ///
    /// # Errors
    /// Why they could not be kept, in words.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String>;

    /// The bytes kept under a name, exactly as they were.
    fn get(&self, name: &str) -> Option<Vec<u8>>;

    /// Whether what is kept takes up memory.
    fn is_in_memory(&self) -> bool {
        false
    }
}

/// Keeps everything in memory, for as long as it lives.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<String, Arc<[u8]>>>);

impl Journal for InMemory {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.to_owned(), bytes.into());
        Ok(())
    }

    fn get(&self, name: &str) -> Option<Vec<u8>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).map(|bytes| bytes.to_vec())
    }

    fn is_in_memory(&self) -> bool {
        true
    }
}

/// A finished fit: the member, and its answers for the rows it is judged by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FitRecord {
    /// The member as bytes.
    pub(crate) member: Vec<u8>,
    /// Answers, row after row.
    pub(crate) answers: Vec<f64>,
    /// Rounds it settled on, where it is made of rounds.
    pub(crate) rounds: Option<usize>,
    /// Whether it ended before it was done, since time was short.
    pub(crate) is_cut_short: bool,
    /// Seconds it took.
    pub(crate) seconds: f64,
    /// What the learner said that is no failure.
    pub(crate) warnings: Vec<String>,
}

/// Longest that a fit can have taken: a century.
const SECONDS_MAX: f64 = 3.2e9;

impl FitRecord {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut to = Encoder::new();
        to.u8s(&self.member);
        to.f64s(&self.answers);
        to.bool(self.rounds.is_some());
        to.u64(self.rounds.unwrap_or(0) as u64);
        to.bool(self.is_cut_short);
        to.f64(self.seconds);
        to.u64(self.warnings.len() as u64);
        self.warnings.iter().for_each(|warning| to.str(warning));
        to.into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let mut from = Decoder::new(bytes);
        let member = from.u8s()?.to_vec();
        let answers = from.f64s()?;
        let has_rounds = from.bool()?;
        let rounds = from.u64()? as usize;
        let is_cut_short = from.bool()?;
        let seconds = from.finite()?;
        if !(0.0..=SECONDS_MAX).contains(&seconds) || !answers.iter().all(|answer| answer.is_finite()) {
            return Err(ArtifactError::damaged("a fit of impossible time or answers"));
        }
        let count = from.count("warnings", from.remaining())?;
        let warnings = (0..count)
            .map(|_| from.str().map(str::to_owned))
            .collect::<Result<_, _>>()?;
        from.finish()?;
        Ok(Self {
            member,
            answers,
            rounds: has_rounds.then_some(rounds),
            is_cut_short,
            seconds,
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was_and_no_part_of_it_does() {
        let record = FitRecord {
            member: vec![1, 2, 3],
            answers: vec![0.5, f64::MIN_POSITIVE],
            rounds: Some(7),
            is_cut_short: true,
            seconds: 0.25,
            warnings: vec!["few rows".to_owned()],
        };
        let bytes = record.to_bytes();
        assert_eq!(FitRecord::from_bytes(&bytes).expect("written just now"), record);
        for end in 0..bytes.len() {
            assert!(FitRecord::from_bytes(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn a_record_that_lies_is_refused() {
        let record = |seconds, answer| FitRecord {
            member: Vec::new(),
            answers: vec![answer],
            rounds: None,
            is_cut_short: false,
            seconds,
            warnings: Vec::new(),
        };
        assert!(FitRecord::from_bytes(&record(1.0, 0.5).to_bytes()).is_ok());
        for (seconds, answer) in [(-1.0, 0.5), (1e300, 0.5), (f64::NAN, 0.5), (1.0, f64::INFINITY)] {
            assert!(FitRecord::from_bytes(&record(seconds, answer).to_bytes()).is_err());
        }
    }

    #[test]
    fn the_last_bytes_of_a_name_count() {
        let journal = InMemory::default();
        journal.put("a", &[1]).expect("memory");
        journal.put("a", &[2]).expect("memory");
        assert_eq!(journal.get("a"), Some(vec![2]));
        assert_eq!(journal.get("b"), None);
    }
}
