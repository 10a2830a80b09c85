//! Learners and transforms that are honest but for one flaw: every clause must notice the flaw it is there for.

mod cases;
mod stumps;
mod transforms;

use kolosal_frame::FrameView;
use kolosal_learner::{
    ArtifactError, Contributions, Decoder, Encoder, FitContext, FitError, FittedModel, Learn, Learner,
    LearnerCard, Meaning, ParamDef, ParamError, Point, Predictions, ScoreLink, TrainView,
};

use crate::learner::{CARD_CLAUSES, FIT_CLAUSES};
use crate::transform::TRANSFORM_CLAUSES;
use stumps::{Stumps, task_of};

type CheckFn = fn(&Point) -> Result<Point, ParamError>;
type FitFn = fn(&Point, &TrainView<'_>, &FitContext<'_>) -> Result<Made, FitError>;

/// [`Stumps`] with any part replaced.
struct Flawed {
    card: LearnerCard,
    params: &'static [ParamDef],
    check: CheckFn,
    fit: FitFn,
    /// Spoils answers; is told the model's tail.
    spoil: fn(FrameView<'_>, &mut [f64], Tail),
    /// What loading makes of the tail.
    read_tail: fn(&mut Decoder<'_>) -> Result<u32, ArtifactError>,
    importances: fn(Vec<f64>) -> Option<Vec<f64>>,
    out_of_bag: Option<f64>,
    /// What every column is said to add to every score.
    contributes: Option<f64>,
}

/// An honest model and a number of its own.
struct Made {
    inner: Box<dyn FittedModel>,
    tail: u32,
}

/// The number at the end of the bytes, and whether it was read from there.
#[derive(Clone, Copy)]
struct Tail {
    value: u32,
    is_loaded: bool,
}

struct FlawedModel {
    inner: Box<dyn FittedModel>,
    tail: Tail,
    flawed: &'static Flawed,
    out_of_bag: Option<Predictions>,
}

impl Flawed {
    fn honest() -> Self {
        Self {
            card: Stumps::CARD,
            params: Stumps.params(),
            check: |point| Stumps.check(point),
            fit: |point, train, cx| made(point, train, cx, 0),
            spoil: |_, _, _| {},
            read_tail: |from| from.u32(),
            importances: Some,
            out_of_bag: None,
            contributes: None,
        }
    }

    /// A learner that lives as long as a list's.
    fn listed(self) -> &'static dyn Learner {
        Box::leak(Box::new(Listed(Box::leak(Box::new(self)))))
    }
}

/// An honest fit with a tail.
fn made(point: &Point, train: &TrainView<'_>, cx: &FitContext<'_>, tail: u32) -> Result<Made, FitError> {
    let inner = Stumps.fit(point, train, cx)?;
    Ok(Made { inner, tail })
}

/// The erased learner; gives itself to its models.
struct Listed(&'static Flawed);

impl Learner for Listed {
    fn card(&self) -> &'static LearnerCard {
        &self.0.card
    }

    fn params(&self) -> &'static [ParamDef] {
        self.0.params
    }

    fn check(&self, point: &Point) -> Result<Point, ParamError> {
        (self.0.check)(point)
    }

    fn fit(
        &self,
        point: &Point,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let Made { inner, tail } = (self.0.fit)(point, train, cx)?;
        let task = task_of(inner.as_ref());
        let answers = |value| Predictions::from_values(task, vec![value; train.row_count() * task.width()]);
        Ok(Box::new(FlawedModel {
            out_of_bag: self.0.out_of_bag.map(answers),
            inner,
            tail: Tail {
                value: tail,
                is_loaded: false,
            },
            flawed: self.0,
        }))
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedModel>, ArtifactError> {
        let inner = Learner::load(&Stumps, from)?;
        let value = (self.0.read_tail)(from)?;
        Ok(Box::new(FlawedModel {
            inner,
            tail: Tail {
                value,
                is_loaded: true,
            },
            flawed: self.0,
            out_of_bag: None,
        }))
    }
}

impl FittedModel for FlawedModel {
    fn shape(&self) -> (Meaning, usize) {
        self.inner.shape()
    }

    fn feature_count(&self) -> usize {
        self.inner.feature_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        self.inner.predict_into(x, out);
        (self.flawed.spoil)(x, out, self.tail);
    }

    fn save(&self, to: &mut Encoder) {
        self.inner.save(to);
        to.u32(self.tail.value);
    }

    fn importances(&self) -> Option<Vec<f64>> {
        (self.flawed.importances)(self.inner.importances()?)
    }

    fn contributions(
        &self,
        x: FrameView<'_>,
        _: FrameView<'_>,
        _: &kolosal_compute::Workers,
    ) -> Option<Contributions> {
        let outputs = self.inner.shape().1;
        Some(Contributions {
            link: ScoreLink::Identity,
            base: vec![0.0; outputs],
            values: vec![self.flawed.contributes?; x.row_count() * outputs * x.column_count()],
        })
    }

    fn out_of_bag(&self) -> Option<&Predictions> {
        self.out_of_bag.as_ref()
    }
}

#[test]
fn every_clause_has_a_flaw_that_it_must_notice() {
    let learners = CARD_CLAUSES.iter().chain(FIT_CLAUSES).map(|clause| clause.name);
    let transforms = TRANSFORM_CLAUSES.iter().map(|clause| clause.name);
    let untried = |text: &str, name: &&str| !text.contains(&format!("\"{name}\""));
    let mut missing: Vec<&str> = learners
        .filter(|name| untried(include_str!("cases.rs"), name))
        .collect();
    missing.extend(transforms.filter(|name| untried(include_str!("transforms.rs"), name)));
    assert_eq!(missing, Vec::<&str>::new());
}
