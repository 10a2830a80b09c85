//! From weights of candidates to members that answer: bags of folds, or one fit on all rows.
//!
//! A bag needs no further fit and answers better than one model; it is as many times larger and slower. So where a limit on
//! size or latency is set, the costliest bags are thinned, and in the end the candidates that cost most are left out.

use std::time::Duration;

use kolosal_base::Clock;
use kolosal_compute::Reservation;
use kolosal_frame::FrameView;
use kolosal_pipeline::{Member, fit_member, packed_len};

use crate::finish::{CLOSING, Ending, best_of, writing};
use crate::prepare::Prepared;
use crate::trial::{Finished, Heard, read_members};
use crate::validation::Validation;
use crate::{Event, Preset, TrainError, TrainRequest};

/// A member of the pipeline.
pub(crate) struct Chosen {
    /// How much it counts; the weights of all sum to one.
    pub(crate) weight: f64,
    /// The place of its candidate in the list of reports.
    pub(crate) index: usize,
    pub(crate) member: Member,
}

impl Chosen {
    /// The only member of a pipeline.
    pub(crate) fn alone(member: Member) -> Self {
        Self {
            weight: 1.0,
            index: 0,
            member,
        }
    }
}

/// Whether candidates are fitted again on all rows, in place of bags of folds.
pub(crate) fn refits_all(request: &TrainRequest, validation: &Validation) -> bool {
    request.preset == Preset::Fast || validation.folds.len() == 1
}

/// What all members of a candidate count together.
pub(crate) fn weight_of(chosen: &[Chosen], index: usize) -> f64 {
    chosen
        .iter()
        .filter(|chosen| chosen.index == index)
        .map(|chosen| chosen.weight)
        .sum()
}

/// Makes the members of a pipeline.
pub(crate) struct Gathering<'a> {
    pub(crate) ending: &'a Ending<'a>,
    pub(crate) prepared: &'a Prepared,
    pub(crate) finished: &'a [Finished],
}

/// A candidate's members, and what they cost.
struct Part {
    weight: f64,
    /// The candidate's place in the list of finished ones.
    at: usize,
    members: Vec<Member>,
    bytes: u64,
    row_time: Duration,
    /// The members in memory, and as bytes.
    memory: Reservation,
}

impl Gathering<'_> {
    /// Members of the candidates with a weight, and what the user should know of how they were chosen.
    ///
    /// # Errors
    /// [`TrainError::NoModel`] if no member could be read back or fitted.
    pub(crate) fn members(&self, weights: &[f64]) -> Result<(Vec<Chosen>, Vec<String>), TrainError> {
        let mut remarks = Vec::new();
        let mut parts = self.parts(weights, &mut remarks);
        self.fit_limits(&mut parts, &mut remarks);
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        let mut chosen = Vec::new();
        for part in parts {
            let share = part.weight / total / part.members.len() as f64;
            let index = self.finished[part.at].index;
            chosen.extend(part.members.into_iter().map(|member| Chosen {
                weight: share,
                index,
                member,
            }));
        }
        if chosen.is_empty() {
            return Err(TrainError::NoModel {
                why: "finished models could not be read back".to_owned(),
                kind: kolosal_base::ErrorKind::Internal,
            });
        }
        Ok((chosen, remarks))
    }

    /// The parts of the candidates with a weight, heaviest first; the best candidate alone if none of them can be had, with
    /// one member if memory suffices for no more.
    fn parts(&self, weights: &[f64], remarks: &mut Vec<String>) -> Vec<Part> {
        let mut order: Vec<usize> = (0..weights.len()).filter(|&at| weights[at] > 0.0).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
        let total = order.len();
        let mut parts = Vec::with_capacity(total);
        for at in order {
            parts.extend(self.part(at, weights[at]));
            self.ending.events.event(&Event::Gathered {
                done: parts.len(),
                total,
            });
        }
        let missed = total - parts.len();
        if missed > 0 {
            remarks.push(format!(
                "{missed} of {total} members of the ensemble could not be read back, or memory did not suffice for them; the others answer"
            ));
        }
        if parts.is_empty() {
            let best = best_of(self.finished, self.ending.metric).expect("a candidate finished");
            let alone = || {
                let members = read_members(&self.finished[best], self.ending.journal, self.prepared)?;
                self.weighed(members.into_iter().take(1).collect(), (best, 1.0))
            };
            parts.extend(self.part(best, 1.0).or_else(alone));
        }
        parts
    }

    fn part(&self, at: usize, weight: f64) -> Option<Part> {
        let done = &self.finished[at];
        let wants_refit = !done.is_full && refits_all(self.ending.request, self.ending.validation);
        let refitted = if wants_refit { self.refit(done) } else { None };
        let members = match refitted {
            Some(member) => vec![member],
            None => read_members(done, self.ending.journal, self.prepared)?,
        };
        self.weighed(members, (at, weight))
    }

    /// A part of these members; `None` if memory does not suffice for them until the artifact is written.
    fn weighed(&self, members: Vec<Member>, (at, weight): (usize, f64)) -> Option<Part> {
        let memory = self.ending.budget.memory.reserve(2 * held(&members)).ok()?;
        let (bytes, row_time) = self.cost(&members);
        Some(Part {
            weight,
            at,
            members,
            bytes,
            row_time,
            memory,
        })
    }

    /// Bytes of members in the file, and the time of one row where a limit asks for it.
    fn cost(&self, members: &[Member]) -> (u64, Duration) {
        let bytes = members
            .iter()
            .map(|member| packed_len(&member.to_bytes()) as u64)
            .sum();
        if self.ending.request.latency_max.is_none() {
            return (bytes, Duration::ZERO);
        }
        let mut out = vec![0.0; self.prepared.task().width()];
        let time = row_time(
            self.ending.budget.clock,
            self.prepared.shared.frame.view(),
            |row| {
                members
                    .iter()
                    .for_each(|member| member.predict_into(row, &mut out));
            },
        );
        (bytes, time)
    }

    /// One fit on all rows, if there is time for it.
    fn refit(&self, done: &Finished) -> Option<Member> {
        let budget = self.ending.budget;
        let is_late = budget
            .time_left()
            .is_some_and(|left| left < done.fit_time * 4 / 3 + writing(self.finished) + CLOSING);
        if is_late || budget.cancel.is_requested() {
            return None;
        }
        let train = self.prepared.train_view().expect("prepared rows were checked");
        let heard = Heard::new(budget.clock, None);
        let seed = self
            .ending
            .request
            .seed
            .fork("trial")
            .fork(&done.candidate.name)
            .fork("all rows");
        let cx = budget.context(seed, CLOSING, &heard);
        fit_member(&done.plan, &train, &cx).ok()
    }

    /// Thins bags, costliest first, and then leaves candidates out, until all limits are kept.
    ///
    /// The aim of a preset thins bags to two members and no further; a limit of the user is kept, down to one candidate with
    /// one member.
    fn fit_limits(&self, parts: &mut Vec<Part>, remarks: &mut Vec<String>) {
        let request = self.ending.request;
        let aim = match request.preset {
            Preset::Fast | Preset::Balanced => Some(SIZE_AIM),
            Preset::Best => None,
        };
        let (mut thinned, mut dropped) = (0, 0);
        while let Some(over) = over(parts, (request.size_max.or(aim), request.latency_max)) {
            let is_asked = over.is_slow || request.size_max.is_some();
            let members_min = if is_asked { 1 } else { THINNED_MIN };
            let costliest = |members: usize| {
                let able = parts
                    .iter()
                    .enumerate()
                    .filter(|(_, part)| part.members.len() >= members);
                able.max_by_key(|(i, part)| (over.cost(part), std::cmp::Reverse(*i)))
                    .map(|(i, _)| i)
            };
            if let Some(i) = costliest(members_min + 1) {
                self.thin(&mut parts[i]);
                thinned += 1;
            } else if !is_asked {
                break;
            } else if parts.len() == 1 {
                remarks.push(format!(
                    "the limit on size or latency cannot be kept: the last model has {} bytes and answers a row in {:?}; allow cheaper learners with --learners",
                    parts[0].bytes, parts[0].row_time
                ));
                break;
            } else if let Some(i) = costliest(1) {
                parts.remove(i);
                dropped += 1;
            }
        }
        if dropped > 0 {
            remarks.push(format!(
                "{dropped} members of the ensemble were left out to keep the limit on size or latency"
            ));
        }
        if thinned > 0 {
            remarks.push(
                "bags were thinned to keep the model small; --preset best or --size-limit keeps more"
                    .to_owned(),
            );
        }
    }

    /// Half of the members of a bag; one fit on all rows in place of the last one, if there is time and memory.
    fn thin(&self, part: &mut Part) {
        part.members.truncate((part.members.len() / 2).max(1));
        if part.members.len() == 1
            && let Some(member) = self.refit(&self.finished[part.at])
            && let Some(refitted) = self.weighed(vec![member], (part.at, part.weight))
        {
            *part = refitted;
            return;
        }
        (part.bytes, part.row_time) = self.cost(&part.members);
        part.memory.shrink(2 * held(&part.members));
    }
}

/// Median time of one row of a table through something that answers it.
pub fn row_time(clock: &dyn Clock, rows: FrameView<'_>, mut answer: impl FnMut(FrameView<'_>)) -> Duration {
    let mut times: Vec<Duration> = (0..ROWS_TIMED.min(rows.row_count()))
        .map(|row| {
            let started = clock.now();
            answer(rows.slice(row, 1));
            clock.now().saturating_sub(started)
        })
        .collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Bytes of members in memory.
fn held(members: &[Member]) -> u64 {
    members.iter().map(|member| member.to_bytes().len() as u64).sum()
}

/// Which limits are not kept.
struct Over {
    is_large: bool,
    is_slow: bool,
}

impl Over {
    /// What a part adds to what there is too much of.
    fn cost(&self, part: &Part) -> (Duration, u64) {
        let time = if self.is_slow {
            part.row_time
        } else {
            Duration::ZERO
        };
        (time, if self.is_large { part.bytes } else { 0 })
    }
}

/// Which limits parts do not keep together; `None` if they keep all.
fn over(parts: &[Part], (bytes_max, time_max): (Option<u64>, Option<Duration>)) -> Option<Over> {
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    let row_time: Duration = parts.iter().map(|part| part.row_time).sum();
    let over = Over {
        is_large: bytes_max.is_some_and(|max| bytes > max),
        is_slow: time_max.is_some_and(|max| row_time > max),
    };
    (over.is_large || over.is_slow).then_some(over)
}

/// Fewest members that a preset's aim leaves of a bag.
const THINNED_MIN: usize = 2;

/// Size that presets other than `best` keep a model below where bags can be thinned, in bytes.
const SIZE_AIM: u64 = 20_000_000;

/// Rows that are answered one by one to find the time of one.
const ROWS_TIMED: usize = 31;
