//! The two tiers of the contract: typed for authors, erased for engines.

use kolosal_compute::Workers;
use kolosal_frame::FrameView;

use crate::params::check_point;
use crate::{
    ArtifactError, Checked, Contributions, Decoder, Encoder, FitContext, FitError, LearnerCard, Meaning,
    ParamDef, ParamSet, Point, Predictions, Task, TrainView,
};

/// What the author of an algorithm writes.
pub trait Learn: Send + Sync + 'static {
    /// The parameters, made by [`crate::params!`].
    type Params: ParamSet;
    /// What a fit gives.
    type Model: FittedModel + 'static;
    /// Name, abilities and promises.
    const CARD: LearnerCard;

    /// Learns a model. `train` holds only columns that the card allows (numbers, and categories if the card takes
    /// them), without missing values unless the card takes those; the task is one of the card's.
    ///
    /// # Errors
    /// [`FitError`] if stopped, short of memory, or asked for what the learner cannot do.
    fn fit(
        params: &Checked<Self::Params>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<Self::Model, FitError>;

    /// Reads back what [`FittedModel::save`] wrote; bytes are not trusted.
    ///
    /// # Errors
    /// [`ArtifactError`] on anything that a save cannot have written.
    fn load(from: &mut Decoder<'_>) -> Result<Self::Model, ArtifactError>;

    /// Most bins that columns are cut into, for learners that bin the frame they are given.
    fn bins(params: &Checked<Self::Params>) -> Option<usize> {
        let _ = params;
        None
    }

    /// Parameters for a fit without held-out rows that takes as many rounds as were best with them; `None` for learners that
    /// do not stop early.
    fn settle(params: &Checked<Self::Params>, stopped: &Stopped) -> Option<Self::Params> {
        let _ = (params, stopped);
        None
    }
}

/// What fits with held-out rows have settled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Rounds that were best.
    pub rounds: usize,
    /// Rows that they were found on.
    pub rows: usize,
    /// What was learned.
    pub task: Task,
}

/// What engines hold: any [`Learn`] behind one object-safe face.
pub trait Learner: Send + Sync {
    /// Name, abilities and promises.
    fn card(&self) -> &'static LearnerCard;

    /// The parameter table.
    fn params(&self) -> &'static [ParamDef];

    /// The point completed with defaults, every value checked against the table and the rules between parameters.
    ///
    /// # Errors
    /// The first parameter that is unknown, of the wrong type or out of its legal range.
    fn check(&self, point: &Point) -> Result<Point, crate::ParamError>;

    /// Learns a model with the parameters of `point`; absent ones take their default.
    ///
    /// # Errors
    /// As [`Learn::fit`], and if the point is not legal or the task is not on the card.
    fn fit(
        &self,
        point: &Point,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError>;

    /// Most bins that columns are cut into, for learners that bin the frame they are given; callers that bin it before find it
    /// done.
    fn bins(&self, point: &Point) -> Option<usize> {
        let _ = point;
        None
    }

    /// The point for a fit without held-out rows that takes as many rounds as were best with them; the same point for
    /// learners that do not stop early.
    fn settle(&self, point: &Point, stopped: &Stopped) -> Point {
        let _ = stopped;
        point.clone()
    }

    /// Reads a model back.
    ///
    /// # Errors
    /// As [`Learn::load`].
    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedModel>, ArtifactError>;
}

/// A model that can predict; immutable and shared between threads.
pub trait FittedModel: Send + Sync {
    /// Meaning and width of an answer.
    fn shape(&self) -> (Meaning, usize);

    /// How many feature columns the model was fitted on.
    fn feature_count(&self) -> usize;

    /// Answers every row of `x`, whose columns have the order, kinds and levels of training, into `out`, row after row.
    ///
    /// Each row's answer depends on that row alone.
    ///
    /// # Panics
    /// If `out` is not `rows * width` long or `x` has another number of columns.
    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]);

    /// Writes everything that predicting needs.
    fn save(&self, to: &mut Encoder);

    /// Bytes the model holds, to about a factor of two: what it would be saved as, unless it knows better.
    fn heap_bytes(&self) -> u64 {
        let mut saved = Encoder::new();
        self.save(&mut saved);
        saved.into_bytes().len() as u64
    }

    /// Share of each feature column in the model's decisions: not negative, summing to one unless all are zero.
    fn importances(&self) -> Option<Vec<f64>> {
        None
    }

    /// What each column adds to the scores of each row, exactly, against the rows of a background that is not empty; `None`
    /// where the model knows no quicker way than asking it for answers.
    ///
    /// # Panics
    /// If `x` or `background` has another number of columns.
    fn contributions(
        &self,
        x: FrameView<'_>,
        background: FrameView<'_>,
        workers: &Workers,
    ) -> Option<Contributions> {
        let _ = (x, background, workers);
        None
    }

    /// Numbers that describe the fit, by name, such as a likelihood or a sum of squares; in an order that is always the same.
    fn facts(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Rounds of boosting that the model is made of, where it is made of rounds.
    fn rounds(&self) -> Option<usize> {
        None
    }

    /// Answers for the training rows by the parts of the model that did not see them; a row of NaN where all parts
    /// saw it. Only right after a fit: not saved.
    fn out_of_bag(&self) -> Option<&Predictions> {
        None
    }
}

impl<L: Learn> Learner for L {
    fn card(&self) -> &'static LearnerCard {
        &const { L::CARD }
    }

    fn params(&self) -> &'static [ParamDef] {
        L::Params::DEFS
    }

    fn check(&self, point: &Point) -> Result<Point, crate::ParamError> {
        Ok(check_point::<L::Params>(point)?.to_point())
    }

    fn fit(
        &self,
        point: &Point,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let checked = check_point::<L::Params>(point)?;
        let kind = train.task().kind();
        if !L::CARD.can_learn(kind) {
            let what = if kind.has_target() {
                format!("learn a {} target", kind.name())
            } else {
                format!("do {} without a target", kind.name())
            };
            return Err(FitError::Unsupported {
                learner: L::CARD.name,
                what,
                remedy: "`kolosal learners` lists what each learner can do",
            });
        }
        cx.checkpoint()?;
        let model = L::fit(&checked, train, cx)?;
        assert_eq!(
            model.shape(),
            Predictions::shape_of(train.task()),
            "the model answers the task"
        );
        assert_eq!(
            model.feature_count(),
            train.features().column_count(),
            "the model knows every column"
        );
        Ok(Box::new(model))
    }

    fn bins(&self, point: &Point) -> Option<usize> {
        L::bins(&check_point::<L::Params>(point).ok()?)
    }

    fn settle(&self, point: &Point, stopped: &Stopped) -> Point {
        let settled = check_point::<L::Params>(point)
            .ok()
            .and_then(|checked| L::settle(&checked, stopped));
        settled.map_or_else(|| point.clone(), |params| params.to_point())
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedModel>, ArtifactError> {
        Ok(Box::new(L::load(from)?))
    }
}
