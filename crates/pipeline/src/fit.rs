//! Fitting a member on the rows of one fold.

use kolosal_frame::{Frame, FrozenSchema};
use kolosal_learner::{FitContext, FitError, FittedTransform, Learner, Point, TrainView};
use kolosal_prep::{Combinations, DateParts, Needs, chain_for};

use crate::Member;

/// A learner, its parameters, and the features it learns from.
#[derive(Clone)]
pub struct MemberPlan {
    /// The learner.
    pub learner: &'static dyn Learner,
    /// Its parameters; absent ones take their default.
    pub point: Point,
    /// What its features are made of.
    pub features: Features,
}

/// What a member's features are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Features {
    /// The table's columns, each on its own.
    #[default]
    Plain,
    /// Those, and combinations of columns.
    Combined,
}

impl Features {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Combined => "combined",
        }
    }
}

impl MemberPlan {
    /// A learner on the table's columns.
    pub fn plain(learner: &'static dyn Learner, point: Point) -> Self {
        Self {
            learner,
            point,
            features: Features::Plain,
        }
    }
}

/// Feature columns after the transforms that learn nothing, so that all folds and members share them.
pub struct SharedFeatures {
    /// The columns a table must have, with their levels.
    pub schema: FrozenSchema,
    /// Transforms from those columns to [`SharedFeatures::frame`].
    pub transforms: Vec<Box<dyn FittedTransform>>,
    /// The shared features of the training table.
    pub frame: Frame,
}

impl SharedFeatures {
    /// Makes the shared features of a table that holds feature columns alone.
    pub fn new(features: &Frame) -> Self {
        let schema = FrozenSchema::of(features);
        let mut transforms: Vec<Box<dyn FittedTransform>> = Vec::new();
        let mut frame = features.clone();
        if features
            .schema()
            .fields()
            .iter()
            .any(|field| field.kind == kolosal_frame::Kind::Datetime)
        {
            let dates = DateParts::for_schema(features.view());
            frame = dates.apply(features.view());
            transforms.push(dates);
        }
        Self {
            schema,
            transforms,
            frame,
        }
    }

    /// The columns before any transform.
    pub fn fields(&self) -> &[kolosal_frame::Field] {
        self.schema.schema().fields()
    }

    /// How many columns there are after the transforms.
    pub fn output_count(&self) -> usize {
        self.frame.column_count()
    }

    /// Other rows of the same table, transformed alike.
    ///
    /// # Panics
    /// If the columns are not those of [`SharedFeatures::new`].
    pub fn apply(&self, features: &Frame) -> Frame {
        let transforms = self.transforms.iter();
        transforms.fold(features.clone(), |frame, transform| transform.apply(frame.view()))
    }

    /// The same columns and transforms for a pipeline that is to be written, without the training table.
    pub fn into_parts(self) -> (FrozenSchema, Vec<Box<dyn FittedTransform>>) {
        (self.schema, self.transforms)
    }
}

/// Fits the chain that the learner needs for this table, and then the learner, on the rows of `train` alone.
///
/// Held-out rows in the context have the columns of `train`; the learner gets them transformed like any other rows.
///
/// # Errors
/// What the transforms or the learner say.
pub fn fit_member(plan: &MemberPlan, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Member, FitError> {
    let card = plan.learner.card();
    let point = plan.learner.check(&plan.point)?;
    let mut chain = chain_for(card, Needs::of(train.features().frame()));
    if plan.features == Features::Combined {
        chain.insert(0, Box::new(Combinations::DEFAULT));
    }
    let mut transforms: Vec<Box<dyn FittedTransform>> = Vec::with_capacity(chain.len());
    let mut frame: Option<Frame> = None;
    let mut held_out: Option<Frame> = None;
    for (i, transform) in chain.iter().enumerate() {
        cx.checkpoint()?;
        let seeded = cx.with_seed(cx.seed.fork("transform").fork_index(i as u64));
        let fitted = transform.fit(&over(train, frame.as_ref()), &seeded)?;
        if let Some(valid) = cx.valid {
            let before = over(valid, held_out.as_ref());
            held_out = Some(fitted.transform.apply(before.features()));
        }
        transforms.push(fitted.transform);
        frame = Some(fitted.train);
    }
    let valid = cx.valid.map(|valid| over(valid, held_out.as_ref()));
    let cx = FitContext {
        seed: cx.seed.fork("learner"),
        valid: valid.as_ref(),
        ..*cx
    };
    let model = plan.learner.fit(&point, &over(train, frame.as_ref()), &cx)?;
    Ok(Member::new(card.name, point, transforms, model))
}

/// Whether combined features of this table would differ from plain ones.
pub fn can_combine(frame: &Frame) -> bool {
    Combinations::DEFAULT.applies_to(frame)
}

/// The same rows over other features, where there are some.
fn over<'a>(rows: &TrainView<'a>, features: Option<&'a Frame>) -> TrainView<'a> {
    features.map_or(*rows, |frame| rows.with_features(frame.view()))
}
