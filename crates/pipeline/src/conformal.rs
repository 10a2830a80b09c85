//! Conformal answers (Vovk, Gammerman, Shafer 2005): intervals and sets of classes that hold the truth as often as asked.
//!
//! Held-out rows tell how far answers were off. For a number, the interval around an answer runs from the lower to the upper quantile of
//! those errors, among the held-out rows whose answers were alike (Mondrian bins by the answer, so that large answers may
//! have wide intervals); ranks carry the correction for finite samples. For classes, the set holds every class whose probability
//! is at least what the true class had in all but the share of held-out rows that may be missed.
//!
//! What is promised: over rows that are exchangeable with the training rows, the share of truths inside is at least what was
//! asked. It loses where the future differs from the past. Answers on new rows come from the whole bag, those on held-out rows
//! from one fold of it, so intervals are rather too wide than too narrow. Weights of rows do not count.

use kolosal_learner::{ArtifactError, Decoder, Encoder, Predictions, Target, Task};

use crate::CoverageError;

/// Rows of a bin of answers, at least.
const BIN_ROWS_MIN: usize = 200;
/// Bins of answers, at most.
const BINS_MAX: usize = 10;
/// Errors kept of a bin, at most; of more rows, quantiles are kept.
const KEPT_MAX: usize = 400;

/// How far answers were off on held-out rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Conformal {
    /// For numbers: the truth less the answer.
    Numbers(NumberErrors),
    /// For classes: one less the probability of the true class.
    Classes(Errors),
}

/// Errors of numbers, by bins of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberErrors {
    /// Answers that part the bins, rising.
    borders: Vec<f64>,
    /// One more than borders.
    bins: Vec<Errors>,
}

/// Errors of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Errors {
    /// How many rows there were.
    rows: usize,
    /// Rising; every one of them, or [`KEPT_MAX`] at even ranks, the first and the last among them.
    kept: Vec<f64>,
}

impl Conformal {
    /// Learns from held-out answers; `None` for tasks without a target or fewer than two rows.
    pub fn fit(target: &Target<'_>, held_out: &Predictions) -> Option<Self> {
        if held_out.row_count() < 2 {
            return None;
        }
        match target {
            Target::Numbers(truth) => Some(Self::Numbers(NumberErrors::new(truth, held_out.values()))),
            Target::Classes { codes, .. } => {
                let miss = |(row, code): (usize, &u32)| 1.0 - held_out.row(row)[*code as usize];
                let errors = codes.iter().enumerate().map(miss).collect();
                Some(Self::Classes(Errors::new(errors)))
            }
            Target::Unknown { .. } => None,
        }
    }

    /// The greatest coverage that there are held-out rows enough for.
    pub fn coverage_max(&self) -> f64 {
        let (tails, rows) = match self {
            Self::Numbers(errors) => (2.0, errors.bins.iter().map(|bin| bin.rows).min().unwrap_or(0)),
            Self::Classes(errors) => (1.0, errors.rows),
        };
        1.0 - tails / (rows as f64 + 1.0)
    }

    /// Checks a coverage that someone asks for.
    ///
    /// # Errors
    /// [`CoverageError::Range`] if it does not lie between zero and what there are rows for.
    pub fn require(&self, coverage: f64) -> Result<(), CoverageError> {
        let most = self.coverage_max();
        if coverage > 0.0 && coverage <= most {
            return Ok(());
        }
        Err(CoverageError::Range { coverage, most })
    }

    /// Whether this belongs to answers of `classes` classes, or to numbers where there are none.
    pub(crate) fn suits(&self, task: Task) -> bool {
        match self {
            Self::Numbers(_) => task == Task::Regression,
            Self::Classes(_) => matches!(task, Task::Binary | Task::Multiclass { .. }),
        }
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        match self {
            Self::Numbers(errors) => {
                to.u8(0);
                to.f64s(&errors.borders);
                errors.bins.iter().for_each(|bin| bin.save(to));
            }
            Self::Classes(errors) => {
                to.u8(1);
                errors.save(to);
            }
        }
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        match from.u8()? {
            0 => {
                let borders = from.f64s()?;
                if borders.len() >= BINS_MAX || !is_rising(&borders) {
                    return Err(ArtifactError::damaged("borders of errors do not rise"));
                }
                let bins = (0..=borders.len()).map(|_| Errors::load(from));
                let bins = bins.collect::<Result<Vec<_>, _>>()?;
                Ok(Self::Numbers(NumberErrors { borders, bins }))
            }
            1 => Ok(Self::Classes(Errors::load(from)?)),
            _ => Err(ArtifactError::damaged("an unknown kind of errors")),
        }
    }
}

impl NumberErrors {
    fn new(truth: &[f64], answers: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.sort_unstable_by(|&a, &b| answers[a].total_cmp(&answers[b]).then(a.cmp(&b)));
        let bins = (order.len() / BIN_ROWS_MIN).clamp(1, BINS_MAX);
        let mut borders: Vec<f64> = (1..bins)
            .map(|bin| answers[order[bin * order.len() / bins]])
            .collect();
        borders.dedup();
        // Nothing lies below a border that is the smallest answer of all.
        borders.retain(|border| *border > answers[order[0]]);
        let mut errors = vec![Vec::new(); borders.len() + 1];
        for (answer, truth) in answers.iter().zip(truth) {
            errors[bin_of(&borders, *answer)].push(truth - answer);
        }
        Self {
            borders,
            bins: errors.into_iter().map(Errors::new).collect(),
        }
    }

    /// The interval around an answer; the coverage has been [required](Conformal::require).
    pub fn interval(&self, answer: f64, coverage: f64) -> (f64, f64) {
        let bin = &self.bins[bin_of(&self.borders, answer)];
        let missed = (1.0 - coverage) / 2.0;
        let low = ((bin.rows as f64 + 1.0) * missed + ROUNDING).floor() as usize;
        (
            answer + bin.at_rank(low, false),
            answer + bin.at_rank(bin.rows + 1 - low, true),
        )
    }
}

impl Errors {
    fn new(mut errors: Vec<f64>) -> Self {
        errors.sort_unstable_by(f64::total_cmp);
        let rows = errors.len();
        if rows > KEPT_MAX {
            let at = |i: usize| errors[i * (rows - 1) / (KEPT_MAX - 1)];
            errors = (0..KEPT_MAX).map(at).collect();
        }
        Self { rows, kept: errors }
    }

    /// The error of a rank, from one; where not all are kept, that of the next kept rank above or below.
    fn at_rank(&self, rank: usize, rounds_up: bool) -> f64 {
        let at = rank.clamp(1, self.rows) - 1;
        if self.kept.len() == self.rows {
            return self.kept[at];
        }
        let kept_rank = |i: usize| i * (self.rows - 1) / (self.kept.len() - 1);
        let mut i = at * (self.kept.len() - 1) / (self.rows - 1);
        if rounds_up {
            while kept_rank(i) < at {
                i += 1;
            }
        } else {
            while kept_rank(i) > at {
                i -= 1;
            }
        }
        self.kept[i]
    }

    /// The error that a class of a set may have at most; the coverage has been [required](Conformal::require).
    pub fn most(&self, coverage: f64) -> f64 {
        let rank = ((self.rows as f64 + 1.0) * coverage - ROUNDING).ceil() as usize;
        self.at_rank(rank, true)
    }

    fn save(&self, to: &mut Encoder) {
        to.u64(self.rows as u64);
        to.f64s(&self.kept);
    }

    fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let rows = from.u64()?;
        let kept = from.f64s()?;
        // Ranks are multiplied with numbers of kept errors, so a lie about the rows must not overflow them.
        let rows = usize::try_from(rows)
            .ok()
            .filter(|rows| *rows <= u32::MAX as usize);
        let rows = rows.ok_or_else(|| ArtifactError::damaged("errors of more rows than a table has"))?;
        let is_rising = kept.iter().all(|e| e.is_finite()) && kept.windows(2).all(|pair| pair[0] <= pair[1]);
        if kept.is_empty() || kept.len() != rows.min(KEPT_MAX) || !is_rising {
            return Err(ArtifactError::damaged(
                "errors of held-out rows do not fit together",
            ));
        }
        Ok(Self { rows, kept })
    }
}

/// Ranks nearer to a whole number than this are one: (1 - 0.9) / 2 times 20 is a hair off 1.
const ROUNDING: f64 = 1e-9;

fn is_rising(borders: &[f64]) -> bool {
    borders.iter().all(|border| border.is_finite()) && borders.windows(2).all(|pair| pair[0] < pair[1])
}

fn bin_of(borders: &[f64], answer: f64) -> usize {
    borders.partition_point(|border| *border <= answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors of a known spread: row i of n is off by (i mod 101 - 50) / 50, twice as much for answers above zero.
    fn rows(count: usize, shift: usize) -> (Vec<f64>, Vec<f64>) {
        let answer = |i: usize| if i.is_multiple_of(2) { 100.0 } else { -100.0 } + (i % 7) as f64;
        let error = |i: usize| ((i * 37 + shift) % 101) as f64 / 50.0 - 1.0;
        let truth = |i: usize| answer(i) + error(i) * if answer(i) > 0.0 { 2.0 } else { 1.0 };
        ((0..count).map(truth).collect(), (0..count).map(answer).collect())
    }

    fn learned(count: usize) -> Conformal {
        let (truth, answers) = rows(count, 0);
        let held_out = Predictions::from_values(Task::Regression, answers);
        Conformal::fit(&Target::Numbers(&truth), &held_out).expect("rows enough")
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_asked_and_are_wide_where_errors_are() {
        let conformal = learned(8000);
        let Conformal::Numbers(errors) = &conformal else {
            panic!("a regression");
        };
        for coverage in [0.5, 0.8, 0.95] {
            conformal.require(coverage).expect("rows enough");
            let (truth, answers) = rows(4000, 17);
            let inside = truth.iter().zip(&answers).filter(|(truth, answer)| {
                let (low, high) = errors.interval(**answer, coverage);
                (low..=high).contains(*truth)
            });
            let share = inside.count() as f64 / 4000.0;
            assert!(
                share >= coverage - 0.005 && share < coverage + 0.03,
                "{share} of {coverage}"
            );
        }
        let width = |answer: f64| {
            let (low, high) = errors.interval(answer, 0.8);
            high - low
        };
        assert!(width(100.0) > 1.8 * width(-100.0));
    }

    #[test]
    fn a_coverage_that_rows_do_not_suffice_for_is_refused() {
        let conformal = learned(19);
        assert!((conformal.coverage_max() - 0.9).abs() < 1e-12);
        assert!(conformal.require(0.9).is_ok());
        for coverage in [0.95, 0.0, -1.0, f64::NAN] {
            let refused = conformal
                .require(coverage)
                .expect_err("no such interval")
                .to_string();
            assert!(refused.contains("0.9"), "{refused}");
        }
    }

    #[test]
    fn nineteen_rows_give_the_extreme_errors_for_nine_in_ten() {
        let Conformal::Numbers(errors) = learned(19) else {
            panic!("a regression");
        };
        let (truth, answers) = rows(19, 0);
        let off: Vec<f64> = truth.iter().zip(&answers).map(|(t, a)| t - a).collect();
        let (low, high) = errors.interval(0.0, 0.9);
        assert_eq!(low, off.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(high, off.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }

    #[test]
    fn sets_of_classes_hold_the_true_one_as_often_as_asked() {
        let share = |i: usize| 0.2 + 0.75 * ((i * 37) % 101) as f64 / 101.0;
        let values = (0..1000).flat_map(|i| [1.0 - share(i), share(i)]).collect();
        let codes = vec![1; 1000];
        let held_out = Predictions::from_values(Task::Binary, values);
        let target = Target::Classes {
            codes: &codes,
            count: 2,
        };
        let Some(Conformal::Classes(errors)) = Conformal::fit(&target, &held_out) else {
            panic!("classes");
        };
        let inside = (0..1000).filter(|&i| 1.0 - share(i) <= errors.most(0.9)).count();
        assert!((900..930).contains(&inside), "{inside}");
    }

    #[test]
    fn a_lie_about_the_rows_is_refused() {
        for (rows, kept) in [(u64::MAX, 400), (1 << 40, 400), (0, 0), (500, 399), (3, 4)] {
            let mut to = Encoder::new();
            to.u8(1);
            to.u64(rows);
            to.f64s(&vec![0.5; kept]);
            let bytes = to.into_bytes();
            assert!(
                Conformal::load(&mut Decoder::new(&bytes)).is_err(),
                "{rows} rows, {kept} kept"
            );
        }
    }

    #[test]
    fn what_was_saved_is_read_back_and_damage_is_noticed() {
        let conformal = learned(3000);
        let mut to = Encoder::new();
        conformal.save(&mut to);
        let bytes = to.into_bytes();
        let mut from = Decoder::new(&bytes);
        assert_eq!(Conformal::load(&mut from).expect("as saved"), conformal);
        for cut in [1, 9, 40, bytes.len() - 1] {
            assert!(Conformal::load(&mut Decoder::new(&bytes[..cut])).is_err());
        }
    }
}
