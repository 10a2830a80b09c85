//! Sequential minimal optimisation over one signed multiplier a row.
//!
//! A row's score, offset apart, is `s_i = sum_j beta_j k_ij`. Raising `beta_i` by a small step gains `up_i - s_i`, and
//! lowering it costs `low_i - s_i`, where for classes both are `y_i`, and for a number they are the target less or plus
//! epsilon, by the sign of `beta_i`. At the optimum no row that can rise gains more than any that can fall costs.

use kolosal_learner::{FitContext, FitError};

use super::kernel::Points;

/// Least curvature of a pair: points that coincide.
const CURVATURE_MIN: f64 = 1e-12;
/// Most differences of two numbers between two looks at the clock: a few milliseconds.
const UNLOOKED_MAX: usize = 10_000_000;

/// Steps between two looks at rows to take out.
const STEPS: usize = 1000;
/// Share of rows that must have become idle before the problem is made smaller.
const IDLE_MIN: f64 = 0.2;

/// Most steps: these, or so many a row.
const STEPS_MIN: usize = 10_000_000;
const STEPS_PER_ROW: usize = 100;

/// What a row's multiplier may be and what moves it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) target: f64,
    pub(super) epsilon: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A machine to be trained.
pub(super) struct Problem<'a> {
    pub(super) points: &'a Points,
    pub(super) rows: Vec<Row>,
    pub(super) gamma: f64,
    pub(super) tol: f64,
    /// Most bytes of kernel rows.
    pub(super) cache_bytes: usize,
}

/// A trained machine.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    /// One multiplier a row.
    pub(super) beta: Vec<f64>,
    pub(super) offset: f64,
    /// Whether the conditions hold to the tolerance.
    pub(super) converged: bool,
}

impl Row {
    /// What raising the multiplier is compared by, and how far it can go in one step.
    fn up(&self, beta: f64) -> (f64, f64) {
        if beta < 0.0 && self.high > 0.0 {
            (self.target + self.epsilon, -beta)
        } else if beta < self.high {
            let gain = if beta < 0.0 { self.epsilon } else { -self.epsilon };
            (self.target + gain, self.high - beta)
        } else {
            (f64::NEG_INFINITY, 0.0)
        }
    }

    /// What lowering the multiplier is compared by, and how far it can go in one step.
    fn down(&self, beta: f64) -> (f64, f64) {
        if beta > 0.0 && self.low < 0.0 {
            (self.target - self.epsilon, beta)
        } else if beta > self.low {
            let cost = if beta > 0.0 { -self.epsilon } else { self.epsilon };
            (self.target + cost, beta - self.low)
        } else {
            (f64::INFINITY, 0.0)
        }
    }
}

/// Where all rows of a problem stand; of rows that take part, as of when they last were noted.
struct State {
    beta: Vec<f64>,
    scores: Vec<f64>,
}

/// The part of a problem that is worked on.
struct Work<'a> {
    problem: &'a Problem<'a>,
    whole: &'a mut State,
    /// Rows of the problem that take part; all arrays below are by place in it.
    active: Vec<u32>,
    points: Points,
    beta: Vec<f64>,
    scores: Vec<f64>,
    /// What raising and lowering are compared by.
    up: Vec<f64>,
    down: Vec<f64>,
    cache: Cache,
}

/// Trains a machine.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn solve(problem: &Problem<'_>, cx: &FitContext<'_>) -> Result<Solved, FitError> {
    let count = problem.rows.len();
    let mut state = State {
        beta: vec![0.0; count],
        scores: vec![0.0; count],
    };
    if count == 0 {
        return Ok(Solved {
            beta: state.beta,
            offset: 0.0,
            converged: true,
        });
    }
    let mut may_shrink = true;
    let mut left = STEPS_MIN.max(count.saturating_mul(STEPS_PER_ROW));
    loop {
        let mut work = Work::new(problem, &mut state);
        work.run(may_shrink, &mut left, cx)?;
        work.write_back();
        if work.active.len() == count {
            let offset = work.offset();
            return Ok(Solved {
                beta: state.beta,
                offset,
                converged: left > 0,
            });
        }
        work.remake_scores(cx)?;
        // Taking rows out a second time could go on for ever near the end.
        may_shrink = false;
    }
}

impl<'a> Work<'a> {
    fn new(problem: &'a Problem<'a>, whole: &'a mut State) -> Self {
        let active: Vec<u32> = (0..problem.rows.len() as u32).collect();
        let mut work = Self {
            problem,
            points: problem.points.clone(),
            beta: whole.beta.clone(),
            scores: whole.scores.clone(),
            up: vec![0.0; active.len()],
            down: vec![0.0; active.len()],
            cache: Cache::new(active.len(), problem.cache_bytes),
            active,
            whole,
        };
        (0..work.active.len()).for_each(|at| work.compare(at));
        work
    }

    /// Writes what a row is compared by.
    fn compare(&mut self, at: usize) {
        let row = &self.problem.rows[self.active[at] as usize];
        self.up[at] = row.up(self.beta[at]).0;
        self.down[at] = row.down(self.beta[at]).0;
    }

    /// Takes steps until the optimality conditions hold among the rows that take part.
    fn run(&mut self, may_shrink: bool, left: &mut usize, cx: &FitContext<'_>) -> Result<(), FitError> {
        let mut until_look = STEPS.min(self.active.len()).max(1);
        let mut unlooked = 0;
        loop {
            unlooked += 2 * self.active.len() * self.points.width;
            if unlooked > UNLOOKED_MAX {
                cx.checkpoint()?;
                unlooked = 0;
            }
            let (gain, i) = self.steepest_up();
            let (cost, any) = self.steepest_down();
            if gain - cost <= self.problem.tol || i == usize::MAX || any == usize::MAX || *left == 0 {
                return Ok(());
            }
            *left -= 1;
            until_look -= 1;
            if until_look == 0 {
                cx.checkpoint()?;
                if may_shrink && self.shrink(gain, cost) {
                    until_look = STEPS;
                    continue;
                }
                until_look = STEPS;
            }
            self.cache
                .load((i, usize::MAX), &self.points, self.problem.gamma, cx);
            let j = self.partner(i, gain);
            self.cache.load((j, i), &self.points, self.problem.gamma, cx);
            if !self.step(i, j) {
                return Ok(());
            }
        }
    }

    fn steepest_up(&self) -> (f64, usize) {
        highest(self.up.len(), |start, values| {
            let pairs = self.up[start..].iter().zip(&self.scores[start..]);
            values
                .iter_mut()
                .zip(pairs)
                .for_each(|(value, (up, score))| *value = up - score);
        })
    }

    fn steepest_down(&self) -> (f64, usize) {
        let (ahead, at) = highest(self.down.len(), |start, values| {
            let pairs = self.down[start..].iter().zip(&self.scores[start..]);
            values
                .iter_mut()
                .zip(pairs)
                .for_each(|(value, (down, score))| *value = score - down);
        });
        (-ahead, at)
    }

    /// The row to lower while `i` rises: the one with the greatest gain of the objective, to second order.
    fn partner(&self, i: usize, gain: f64) -> usize {
        let row = self.cache.row(i);
        let (_, partner) = highest(self.down.len(), |start, values| {
            let pairs = self.down[start..].iter().zip(&self.scores[start..]);
            for ((value, (down, score)), k) in values.iter_mut().zip(pairs).zip(&row[start..]) {
                let ahead = gain - (down - score);
                let curvature = 2.0 - 2.0 * f64::from(*k);
                let curvature = if curvature > CURVATURE_MIN {
                    curvature
                } else {
                    CURVATURE_MIN
                };
                *value = if ahead > 0.0 {
                    ahead * ahead / curvature
                } else {
                    f64::NEG_INFINITY
                };
            }
        });
        assert!(partner != usize::MAX, "a row costs less than the steepest gains");
        partner
    }

    /// Moves a pair to its best; gives whether it moved.
    fn step(&mut self, i: usize, j: usize) -> bool {
        let (of_i, of_j) = (self.cache.row(i), self.cache.row(j));
        let curvature = (2.0 - 2.0 * f64::from(of_i[j])).max(CURVATURE_MIN);
        let ahead = (self.up[i] - self.scores[i]) - (self.down[j] - self.scores[j]);
        let [row_i, row_j] = [i, j].map(|at| self.problem.rows[self.active[at] as usize]);
        let (rise, fall) = (row_i.up(self.beta[i]).1, row_j.down(self.beta[j]).1);
        let size = (ahead / curvature).min(rise).min(fall);
        for ((score, a), b) in self.scores.iter_mut().zip(of_i).zip(of_j) {
            *score += size * (f64::from(*a) - f64::from(*b));
        }
        let before = [self.beta[i], self.beta[j]];
        self.beta[i] = landed(&row_i, before[0], before[0] + size);
        self.beta[j] = landed(&row_j, before[1], before[1] - size);
        self.compare(i);
        self.compare(j);
        self.beta[i] != before[0] || self.beta[j] != before[1]
    }

    /// Takes out rows that no step could choose, if they are many; gives whether it did.
    fn shrink(&mut self, gain: f64, cost: f64) -> bool {
        let is_idle = |at: &usize| {
            let (up, down) = (self.up[*at] - self.scores[*at], self.down[*at] - self.scores[*at]);
            up < cost && down > gain
        };
        let kept: Vec<usize> = (0..self.active.len()).filter(|at| !is_idle(at)).collect();
        if kept.len() as f64 > (1.0 - IDLE_MIN) * self.active.len() as f64 {
            return false;
        }
        self.write_back();
        let places: Vec<u32> = kept.iter().map(|&at| at as u32).collect();
        self.points = self.points.select(&places);
        self.cache.keep(&kept);
        self.active = kept.iter().map(|&at| self.active[at]).collect();
        for values in [&mut self.beta, &mut self.scores, &mut self.up, &mut self.down] {
            *values = kept.iter().map(|&at| values[at]).collect();
        }
        true
    }

    /// Notes where the rows that take part stand.
    fn write_back(&mut self) {
        for (at, &row) in self.active.iter().enumerate() {
            self.whole.beta[row as usize] = self.beta[at];
            self.whole.scores[row as usize] = self.scores[at];
        }
    }

    /// Makes the scores of the rows that were taken out, from all multipliers.
    fn remake_scores(&mut self, cx: &FitContext<'_>) -> Result<(), FitError> {
        let State { beta, scores } = &mut *self.whole;
        let mut is_active = vec![false; beta.len()];
        self.active.iter().for_each(|&row| is_active[row as usize] = true);
        let out: Vec<u32> = (0..beta.len() as u32)
            .filter(|&row| !is_active[row as usize])
            .collect();
        let points = self.problem.points.select(&out);
        let (mut sums, mut kernel) = (vec![0.0; out.len()], vec![0.0; out.len()]);
        for (row, beta) in beta.iter().enumerate().filter(|(_, beta)| **beta != 0.0) {
            if row % STEPS == 0 {
                cx.checkpoint()?;
            }
            let point = self.problem.points.point(row);
            points.kernel(&point, self.problem.gamma, &mut kernel, Some(cx.workers));
            // In single precision, as in the steps.
            sums.iter_mut()
                .zip(&kernel)
                .for_each(|(sum, k)| *sum += beta * f64::from(*k as f32));
        }
        out.iter()
            .zip(sums)
            .for_each(|(&row, sum)| scores[row as usize] = sum);
        Ok(())
    }

    /// The mean of what rows between their limits ask for, or the middle of what the others allow.
    fn offset(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for (at, beta) in self.beta.iter().enumerate() {
            let row = &self.problem.rows[self.active[at] as usize];
            if *beta != 0.0 && *beta > row.low && *beta < row.high {
                let error = row.target - row.epsilon * beta.signum();
                (sum, count) = (sum + (error - self.scores[at]), count + 1.0);
            }
        }
        if count > 0.0 {
            return sum / count;
        }
        let (gain, cost) = (self.steepest_up().0, self.steepest_down().0);
        match (gain.is_finite(), cost.is_finite()) {
            (true, true) => (gain + cost) / 2.0,
            (true, false) => gain,
            (false, true) => cost,
            (false, false) => 0.0,
        }
    }
}

/// Values compared together.
const CHUNK: usize = 64;

/// The highest of `count` values and the first place where it stands; `fill` writes the values from a place on.
#[inline(always)]
fn highest(count: usize, fill: impl Fn(usize, &mut [f64])) -> (f64, usize) {
    let mut best = (f64::NEG_INFINITY, usize::MAX);
    let mut values = [f64::NEG_INFINITY; CHUNK];
    for start in (0..count).step_by(CHUNK) {
        let here = CHUNK.min(count - start);
        values[here..].fill(f64::NEG_INFINITY);
        fill(start, &mut values[..here]);
        let mut lanes = [f64::NEG_INFINITY; 8];
        for part in values.as_chunks::<8>().0 {
            for (lane, value) in lanes.iter_mut().zip(part) {
                *lane = if *value > *lane { *value } else { *lane };
            }
        }
        let top = lanes.iter().fold(
            f64::NEG_INFINITY,
            |top, lane| if *lane > top { *lane } else { top },
        );
        if top > best.0 {
            let at = values
                .iter()
                .position(|value| *value == top)
                .expect("it is one of them");
            best = (top, start + at);
        }
    }
    best
}

/// A multiplier after a step: exactly on an end of its room if it is there to rounding.
fn landed(row: &Row, before: f64, after: f64) -> f64 {
    let is_there = |end: &f64| (after - end).abs() <= 8.0 * f64::EPSILON * end.abs().max(before.abs());
    [0.0, row.low, row.high]
        .into_iter()
        .find(is_there)
        .unwrap_or(after)
}

/// Kernel rows in single precision, as many as there is room for.
struct Cache {
    rows: Vec<Vec<f32>>,
    /// When each was last used; zero if it is not there.
    used: Vec<u64>,
    now: u64,
    held: usize,
    most_bytes: usize,
    scratch: Vec<f64>,
}

impl Cache {
    fn new(count: usize, most_bytes: usize) -> Self {
        Self {
            rows: vec![Vec::new(); count],
            used: vec![0; count],
            now: 0,
            held: 0,
            most_bytes,
            scratch: vec![0.0; count],
        }
    }

    fn row(&self, at: usize) -> &[f32] {
        &self.rows[at]
    }

    /// Sees to it that a row is there, and that the row `beside` stays.
    fn load(&mut self, (at, beside): (usize, usize), points: &Points, gamma: f64, cx: &FitContext<'_>) {
        self.now += 1;
        if self.used[at] > 0 {
            self.used[at] = self.now;
            return;
        }
        let most = (self.most_bytes / (4 * self.rows.len())).max(2);
        while self.held >= most {
            let held = (0..self.rows.len()).filter(|&row| self.used[row] > 0 && row != beside);
            let oldest = held
                .min_by_key(|&row| self.used[row])
                .expect("two rows are held at least");
            self.rows[oldest] = Vec::new();
            self.used[oldest] = 0;
            self.held -= 1;
        }
        points.kernel(&points.point(at), gamma, &mut self.scratch, Some(cx.workers));
        self.rows[at] = self.scratch.iter().map(|k| *k as f32).collect();
        self.used[at] = self.now;
        self.held += 1;
    }

    /// Keeps the given places of the given rows.
    fn keep(&mut self, kept: &[usize]) {
        let rows = kept.iter().map(|&row| {
            if self.used[row] == 0 {
                return Vec::new();
            }
            kept.iter().map(|&at| self.rows[row][at]).collect()
        });
        let rows: Vec<Vec<f32>> = rows.collect();
        self.used = kept.iter().map(|&row| self.used[row]).collect();
        self.held = self.used.iter().filter(|used| **used > 0).count();
        self.rows = rows;
        self.scratch.truncate(kept.len());
    }
}
