//! A study: what was asked, what was told, and the state that adapts between them.

use kolosal_base::Seed;

use crate::bandit::{Arm, Bandit};
use crate::cma::Cma;
use crate::error::AshtError;
use crate::fidelity::{Curves, Proposal};
use crate::gp::Form;
use crate::history::{Past, PastStudy};
use crate::models::Models;
use crate::pareto;
use crate::space::{Point, Space};
use crate::stop::Forecast;
use crate::trial::{Told, Trial};
use crate::trust::Trust;

/// The most objectives and constraints of a study.
const OUTPUTS_MAX: usize = 16;

/// What a study is about, besides its space.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Number of objectives, all minimised.
    pub objectives: usize,
    /// Numbers told besides the values, each feasible when at most zero.
    pub constraints: usize,
    /// Same seed and same tells, same asks.
    pub seed: u64,
    /// How many trials are intended.
    pub budget: Option<usize>,
    /// Steps at which values are reported on the way, rising; empty where nothing is.
    pub rungs: Vec<f64>,
    /// Finished studies of other tasks.
    pub history: Vec<PastStudy>,
    /// Seconds that all trials may take together.
    pub seconds_max: Option<f64>,
    /// Bytes that a trial may take.
    pub bytes_max: Option<f64>,
    /// A gain that is not worth further trials.
    pub tolerance: f64,
    /// Arms that may propose, of [`Arm::ALL`] or, for several objectives, [`Arm::SEVERAL`]; empty for all of them.
    pub arms: Vec<Arm>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            objectives: 1,
            constraints: 0,
            seed: 0,
            budget: None,
            rungs: Vec::new(),
            history: Vec::new(),
            seconds_max: None,
            bytes_max: None,
            tolerance: 0.0,
            arms: Vec::new(),
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), AshtError> {
        if !(1..=OUTPUTS_MAX).contains(&self.objectives) {
            return Err(AshtError::settings(
                "objectives",
                format!("must be 1 to {OUTPUTS_MAX}"),
            ));
        }
        if self.constraints > OUTPUTS_MAX {
            return Err(AshtError::settings(
                "constraints",
                format!("must be at most {OUTPUTS_MAX}"),
            ));
        }
        let rising = self.rungs.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.rungs.iter().any(|r| !r.is_finite() || *r <= 0.0) {
            return Err(AshtError::settings("rungs", "must be finite, above 0 and rising"));
        }
        if !self.rungs.is_empty() && self.objectives > 1 {
            return Err(AshtError::settings(
                "rungs",
                "are for one objective; leave them out",
            ));
        }
        let possible = self.possible_arms();
        if let Some(arm) = self.arms.iter().find(|arm| !possible.contains(arm)) {
            let names: Vec<&str> = possible.iter().map(|arm| arm.name()).collect();
            let reason = format!("hold `{}`; such a study has {}", arm.name(), names.join(", "));
            return Err(AshtError::settings("arms", reason));
        }
        let numbers = [("seconds_max", self.seconds_max), ("bytes_max", self.bytes_max)];
        for (field, number) in numbers.into_iter().chain([("tolerance", Some(self.tolerance))]) {
            if number.is_some_and(|v| !v.is_finite() || v < 0.0) {
                return Err(AshtError::settings(field, "must be a finite number, not below 0"));
            }
        }
        Ok(())
    }
}

impl Settings {
    fn possible_arms(&self) -> &'static [Arm] {
        match self.objectives {
            1 => &Arm::ALL,
            _ => &Arm::SEVERAL,
        }
    }

    /// Arms that may propose, in the order of all.
    fn arms(&self) -> Vec<Arm> {
        let wanted = |arm: &&Arm| self.arms.is_empty() || self.arms.contains(arm);
        self.possible_arms().iter().filter(wanted).copied().collect()
    }
}

/// A point to try.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The number to tell it under.
    pub id: u64,
    /// The parameters that exist.
    pub point: Point,
    /// The stopped trial of the same point that this one goes on with. Whoever kept its state may start from there; whoever
    /// did not starts anew.
    pub thaws: Option<u64>,
}

/// A trial that ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Its number.
    pub id: u64,
    /// Its parameters.
    pub point: Point,
    /// Its values.
    pub values: Vec<f64>,
}

/// What happened in a study; [`Study::replay`] makes the study again from it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A point was asked for.
    Ask,
    /// A trial was told.
    Tell(u64, Told),
    /// A trial that was not asked for was told.
    TellPoint(Point, Told),
    /// A value on the way: trial, step, value.
    Report(u64, f64, f64),
}

/// A search over a space.
#[derive(Debug, Clone)]
pub struct Study {
    pub(crate) space: Space,
    pub(crate) form: Form,
    pub(crate) settings: Settings,
    pub(crate) seed: Seed,
    pub(crate) trials: Vec<Trial>,
    /// Trials in the order in which they were told.
    pub(crate) order: Vec<usize>,
    pub(crate) open: Vec<usize>,
    pub(crate) bandit: Bandit,
    pub(crate) trust: Trust,
    pub(crate) cma: Option<Cma>,
    pub(crate) models: Models,
    pub(crate) past: Past,
    pub(crate) curves: Curves,
    pub(crate) forecast: Forecast,
    pub(crate) spent_s: f64,
    /// Nothing was found that is expected to fit the time and memory left.
    pub(crate) exhausted: bool,
    events: Vec<Event>,
}

impl Study {
    /// An empty study.
    ///
    /// # Errors
    /// Names the setting that makes no sense.
    pub fn new(space: Space, settings: Settings) -> Result<Self, AshtError> {
        settings.check()?;
        let form = Form::new(&space);
        let arms = settings.arms();
        let past = Past::new(&space, &form, &settings)?;
        Ok(Self {
            seed: Seed::new(settings.seed).fork("asht"),
            trials: Vec::new(),
            order: Vec::new(),
            open: Vec::new(),
            bandit: Bandit::new(&arms),
            trust: Trust::new(form.dims.len()),
            cma: None,
            models: Models::new(&form, &settings),
            past,
            curves: Curves::new(&form, &settings.rungs),
            forecast: Forecast::default(),
            spent_s: 0.0,
            exhausted: false,
            events: Vec::new(),
            space,
            form,
            settings,
        })
    }

    /// The study that these events lead to; it goes on as if never interrupted.
    ///
    /// # Errors
    /// The first event that does not fit.
    pub fn replay(space: Space, settings: Settings, events: &[Event]) -> Result<Self, AshtError> {
        let mut study = Self::new(space, settings)?;
        for event in events {
            match event.clone() {
                Event::Ask => drop(study.ask()),
                Event::Tell(id, told) => study.tell(id, told)?,
                Event::TellPoint(point, told) => drop(study.tell_point(&point, told)?),
                Event::Report(id, step, value) => drop(study.report(id, step, value)?),
            }
        }
        Ok(study)
    }

    /// All that happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn asked_points(&self) -> Vec<Point> {
        let asked = self.trials.iter().filter(|trial| trial.asked);
        asked.map(|trial| self.space.decode(&trial.x)).collect()
    }

    /// The space searched.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Number of objectives.
    pub fn objectives(&self) -> usize {
        self.settings.objectives
    }

    /// The next point to try. Several may be open at once.
    pub fn ask(&mut self) -> Asked {
        let Proposal { arm, x, thaws } = self.propose();
        let id = self.trials.len();
        let point = self.space.decode(&x);
        self.open.push(id);
        if let Some(from) = thaws {
            self.curves.thaw(from);
        }
        self.trials.push(Trial {
            x,
            arm,
            told: None,
            curve: Vec::new(),
            thaws,
            asked: true,
        });
        self.events.push(Event::Ask);
        let thaws = thaws.map(|from| from as u64);
        Asked {
            id: id as u64,
            point,
            thaws,
        }
    }

    /// Takes what an open trial was worth.
    ///
    /// # Errors
    /// If the trial is not open or the numbers cannot be used; the study is then unchanged.
    pub fn tell(&mut self, id: u64, told: Told) -> Result<(), AshtError> {
        let at = self.open_trial(id)?;
        told.check(self.settings.objectives, self.settings.constraints)?;
        self.events.push(Event::Tell(id, told.clone()));
        self.take(at, told);
        Ok(())
    }

    /// Takes a trial that was never asked for; gives its number.
    ///
    /// # Errors
    /// If the point is not of the space or the numbers cannot be used; the study is then unchanged.
    pub fn tell_point(&mut self, point: &Point, told: Told) -> Result<u64, AshtError> {
        let x = self.space.encode(point)?;
        told.check(self.settings.objectives, self.settings.constraints)?;
        self.events.push(Event::TellPoint(point.clone(), told.clone()));
        let at = self.trials.len();
        self.open.push(at);
        self.trials.push(Trial {
            x,
            arm: Arm::Design,
            told: None,
            curve: Vec::new(),
            thaws: None,
            asked: false,
        });
        self.take(at, told);
        Ok(at as u64)
    }

    /// Takes a value on the way of an open trial; true when the trial should be stopped.
    ///
    /// # Errors
    /// If the trial is not open, the study has no rungs, or the step does not rise; the study is then unchanged.
    pub fn report(&mut self, id: u64, step: f64, value: f64) -> Result<bool, AshtError> {
        let at = self.open_trial(id)?;
        if self.settings.rungs.is_empty() {
            return Err(AshtError::settings(
                "fidelity",
                "was not given at the start of the study",
            ));
        }
        if !step.is_finite() || !value.is_finite() {
            return Err(AshtError::values("report", "needs a finite step and value"));
        }
        if self.trials[at]
            .curve
            .last()
            .is_some_and(|(last, _)| *last >= step)
        {
            return Err(AshtError::values("step", "must rise from report to report"));
        }
        self.events.push(Event::Report(id, step, value));
        self.trials[at].curve.push((step, value));
        Ok(self.judge_curve(at))
    }

    fn open_trial(&self, id: u64) -> Result<usize, AshtError> {
        let at = id as usize;
        match self.trials.get(at) {
            None => Err(AshtError::Trial {
                id,
                reason: "was never asked for",
            }),
            Some(trial) if trial.told.is_some() => Err(AshtError::Trial {
                id,
                reason: "has been told already",
            }),
            Some(_) => Ok(at),
        }
    }

    fn take(&mut self, at: usize, told: Told) {
        self.open.retain(|&open| open != at);
        if let Some(seconds) = told.seconds {
            self.spent_s += seconds;
            self.bandit.charge(self.trials[at].arm, seconds);
        }
        self.reward(at, &told);
        self.trials[at].told = Some(told);
        self.order.push(at);
    }

    /// What the arm of a trial earns by it.
    fn reward(&mut self, at: usize, told: &Told) {
        if self.settings.objectives > 1 || told.pruned {
            return;
        }
        let arm = self.trials[at].arm;
        let earlier: Vec<f64> = self
            .feasible()
            .filter_map(|i| self.trials[i].full_values())
            .map(|v| v[0])
            .collect();
        if earlier.is_empty() {
            return;
        }
        let feasible = !told.failed && told.constraints.iter().all(|c| *c <= 0.0);
        let value = if feasible { told.values[0] } else { f64::INFINITY };
        let beaten = earlier.iter().filter(|v| **v > value).count();
        let best = earlier.iter().copied().fold(f64::INFINITY, f64::min);
        let improved = value < best - 1e-9 * best.abs();
        self.bandit
            .learn(arm, beaten as f64 / earlier.len() as f64, improved);
        if arm == Arm::Trust {
            self.trust.learn(improved);
        }
        if let (Arm::Cma, Some(cma)) = (arm, &mut self.cma) {
            cma.tell(&self.trials[at].x, value);
        }
    }

    /// Told trials that keep all constraints, in the order told.
    pub(crate) fn feasible(&self) -> impl Iterator<Item = usize> + '_ {
        self.order
            .iter()
            .copied()
            .filter(|&i| self.trials[i].is_feasible())
    }

    fn best_of(&self, i: usize) -> Best {
        Best {
            id: i as u64,
            point: self.space.decode(&self.trials[i].x),
            values: self.trials[i].full_values().unwrap_or_default().to_vec(),
        }
    }

    /// The best trial, feasible and at full fidelity; of several objectives the best in the first.
    pub fn best(&self) -> Option<Best> {
        self.best_index().map(|i| self.best_of(i))
    }

    pub(crate) fn best_index(&self) -> Option<usize> {
        let value = |i: usize| self.trials[i].full_values().map(|v| v[0]);
        self.feasible().filter(|&i| value(i).is_some()).min_by(|&a, &b| {
            value(a)
                .unwrap_or(f64::INFINITY)
                .total_cmp(&value(b).unwrap_or(f64::INFINITY))
                .then(a.cmp(&b))
        })
    }

    /// The trials that no other beats in all objectives.
    pub fn front(&self) -> Vec<Best> {
        self.front_indices()
            .into_iter()
            .map(|i| self.best_of(i))
            .collect()
    }

    pub(crate) fn front_indices(&self) -> Vec<usize> {
        let rows: Vec<usize> = self
            .feasible()
            .filter(|&i| self.trials[i].full_values().is_some())
            .collect();
        let values: Vec<Vec<f64>> = rows
            .iter()
            .map(|&i| self.trials[i].full_values().unwrap_or_default().to_vec())
            .collect();
        pareto::front(&values).into_iter().map(|k| rows[k]).collect()
    }

    /// How many trials are left of the budget.
    pub(crate) fn remaining(&self) -> Option<usize> {
        self.settings
            .budget
            .map(|budget| budget.saturating_sub(self.trials.len()))
    }
}
