//! The search for the best splits of a node and its sibling, by several threads at once.
//!
//! Threads share the columns: each adds up, subtracts and searches its range. Where few columns would be left for each, they
//! share the rows first and join what they have added up.

use kolosal_base::{Rng, Seed};
use kolosal_compute::kernels::histogram::{Sample, Slot, merge, subtract};

use super::grow::{Ground, GrownLeaf, TreeTask};
use super::search::{Candidate, SearchScratch};
use super::table::Table;

/// Steps (rows times columns, and slots) from which a node's columns are worth spreading over threads.
const SPREAD_MIN: usize = 2_500;

/// Rows of a node from which threads share its rows instead of its columns.
const ROWS_SPREAD_MIN: usize = 1_024;

/// Columns a thread from which sharing columns costs no more than sharing rows: a row's codes then fill a cache line each.
const COLUMNS_SPREAD_MIN: usize = 64;

/// Room that searches share.
pub(crate) struct Sweep<S> {
    rooms: Vec<Room<S>>,
    /// Sums of the rows of all threads but the first.
    partial: Vec<Vec<S>>,
}

impl<S: Slot> Sweep<S> {
    pub(crate) fn new(ground: &Ground<'_>) -> Self {
        let threads = ground.crew.threads();
        let room = |columns| Room {
            columns,
            ..Room::default()
        };
        Self {
            rooms: ground.table.parts(threads).into_iter().map(room).collect(),
            partial: vec![Vec::new(); threads - 1],
        }
    }

    /// Fills the first histogram with the first leaf's rows, takes them from the second, the parent's, where there is a second
    /// leaf, and finds the best split of each leaf.
    pub(crate) fn run(
        &mut self,
        search: &Search<'_>,
        (own, parent): (&mut [S], &mut [S]),
    ) -> [Option<Candidate>; 2] {
        let Ground { table, crew, .. } = *search.ground;
        let by_rows = search.shares_rows();
        if by_rows {
            search.add_in_parts(own, &mut self.partial);
        }
        let partial = if by_rows { &self.partial[..] } else { &[] };
        let mut jobs = jobs(&mut self.rooms, table, (own, parent, partial));
        let run = |job: &mut Job<'_, S>| {
            if by_rows {
                job.partial.iter().for_each(|partial| merge(job.mine, partial));
            } else {
                search.add(job);
            }
            search.run(job);
        };
        let steps = search.samples.len() * table.columns().len() + 2 * table.slot_count();
        if steps < SPREAD_MIN {
            jobs.iter_mut().for_each(run);
        } else {
            crew.for_each_mut(&mut jobs, |_, job| run(job));
        }
        let mut best = [None, None];
        for room in &mut self.rooms {
            for (best, found) in best.iter_mut().zip(&mut room.found) {
                keep_better(best, found.take());
            }
        }
        best
    }
}

/// Cuts histograms into the ranges of the rooms; the parent's may be empty.
fn jobs<'a, S: Slot>(
    rooms: &'a mut [Room<S>],
    table: &Table<'_>,
    (mut own, mut parent, partial): (&'a mut [S], &'a mut [S], &'a [Vec<S>]),
) -> Vec<Job<'a, S>> {
    let has_parent = !parent.is_empty();
    let mut jobs = Vec::with_capacity(rooms.len());
    for room in rooms {
        let range = table.slots_of(room.columns.0, room.columns.1);
        let (mine, rest) = own.split_at_mut(range.len());
        own = rest;
        let (parents, rest) = parent.split_at_mut(if has_parent { range.len() } else { 0 });
        parent = rest;
        jobs.push(Job {
            room,
            mine,
            parents,
            partial: partial.iter().map(|partial| &partial[range.clone()]).collect(),
        });
    }
    jobs
}

/// One thread's share of a search.
#[derive(Default)]
struct Room<S> {
    columns: (usize, usize),
    scratch: SearchScratch<S>,
    found: [Option<Candidate>; 2],
}

/// Two siblings that are searched together; one alone at the root.
pub(crate) struct Pair<'a> {
    /// The one that is added up.
    pub(crate) first: &'a GrownLeaf,
    /// The one that is the parent less the first.
    pub(crate) second: Option<&'a GrownLeaf>,
    pub(crate) searched: [bool; 2],
    /// Columns that each may be split by; `None` for all.
    pub(crate) open: [Option<Vec<bool>>; 2],
}

/// One range of columns of a search.
struct Job<'a, S> {
    room: &'a mut Room<S>,
    mine: &'a mut [S],
    parents: &'a mut [S],
    /// What other threads have added up of the node's rows.
    partial: Vec<&'a [S]>,
}

/// One search: the leaves and what is asked of their splits.
pub(crate) struct Search<'a> {
    pub(crate) ground: &'a Ground<'a>,
    pub(crate) task: &'a TreeTask<'a>,
    pub(crate) pair: &'a Pair<'a>,
    /// The rows of the first leaf.
    pub(crate) samples: &'a [Sample],
}

impl Search<'_> {
    /// Whether threads share the node's rows: where few columns would be left for each.
    fn shares_rows(&self) -> bool {
        let threads = self.ground.crew.threads();
        threads > 1
            && self.samples.len() >= ROWS_SPREAD_MIN
            && self.ground.table.columns().len() < COLUMNS_SPREAD_MIN * threads
    }

    /// Adds the node's rows up, a share by each thread: the first into `own`, the others into `partial`.
    fn add_in_parts<S: Slot>(&self, own: &mut [S], partial: &mut [Vec<S>]) {
        let table = self.ground.table;
        let share = self.samples.len().div_ceil(partial.len() + 1);
        let mut jobs: Vec<(&[Sample], &mut [S])> = Vec::with_capacity(partial.len() + 1);
        let mut rest = self.samples;
        for slots in std::iter::once(own).chain(partial.iter_mut().map(|slots| {
            slots.resize(table.slot_count(), S::default());
            &mut slots[..]
        })) {
            let (mine, others) = rest.split_at(share.min(rest.len()));
            rest = others;
            jobs.push((mine, slots));
        }
        self.ground.crew.for_each_mut(&mut jobs, |_, (samples, slots)| {
            slots.fill(S::default());
            for columns in table.ranges_of_blocks() {
                let range = table.slots_of(columns.0, columns.1);
                table.add(samples, self.task.wide, columns, &mut slots[range]);
            }
        });
    }

    /// Adds the node's rows up for the job's columns.
    fn add<S: Slot>(&self, job: &mut Job<'_, S>) {
        job.mine.fill(S::default());
        self.ground
            .table
            .add(self.samples, self.task.wide, job.room.columns, job.mine);
    }

    fn run<S: Slot>(&self, job: &mut Job<'_, S>) {
        if let Some(second) = self.pair.second {
            subtract(job.parents, job.mine);
            if self.pair.searched[1] {
                let found = self.best(
                    (second, 1),
                    job.room.columns,
                    (job.parents, &mut job.room.scratch),
                );
                job.room.found[1] = found;
            }
        }
        if self.pair.searched[0] {
            let found = self.best(
                (self.pair.first, 0),
                job.room.columns,
                (job.mine, &mut job.room.scratch),
            );
            job.room.found[0] = found;
        }
    }

    fn best<S: Slot>(
        &self,
        (leaf, side): (&GrownLeaf, usize),
        (first, last): (usize, usize),
        (slots, scratch): (&[S], &mut SearchScratch<S>),
    ) -> Option<Candidate> {
        let table = self.ground.table;
        let from = table.slots_of(first, first).start;
        let seed = self.task.seed.fork_index(u64::from(leaf.node));
        let mut rng = seed.rng();
        let mut best = None;
        for at in first..last {
            if self.pair.open[side].as_ref().is_some_and(|open| !open[at]) {
                continue;
            }
            if self.task.rule.extra_trees {
                rng = column_rng(seed, at);
            }
            let range = table.slots_of(at, at + 1);
            let monotone = self.ground.direction(at as u32);
            let found = self.task.rule.best(
                &leaf.state,
                (at as u32, &table.columns()[at], monotone),
                &slots[range.start - from..range.end - from],
                (scratch, &mut rng),
            );
            keep_better(&mut best, found);
        }
        best
    }
}

fn column_rng(seed: Seed, column: usize) -> Rng {
    seed.fork_index(column as u64).rng()
}

/// The candidate of higher gain; the one of the lower column where they are equal.
fn keep_better(best: &mut Option<Candidate>, found: Option<Candidate>) {
    if let Some(found) = found
        && best.as_ref().is_none_or(|best| found.gain > best.gain)
    {
        *best = Some(found);
    }
}
