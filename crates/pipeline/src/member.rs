//! One transform chain and the model behind it.

use kolosal_compute::Workers;
use kolosal_frame::{Frame, FrameView};
use kolosal_learner::{
    ArtifactError, Contributions, Decoder, Encoder, FittedModel, FittedTransform, Meaning, Point,
};

/// A fitted chain and model; what they learned comes from the same rows.
pub struct Member {
    learner: &'static str,
    point: Point,
    transforms: Vec<Box<dyn FittedTransform>>,
    model: Box<dyn FittedModel>,
}

impl Member {
    pub(crate) fn new(
        learner: &'static str,
        point: Point,
        transforms: Vec<Box<dyn FittedTransform>>,
        model: Box<dyn FittedModel>,
    ) -> Self {
        Self {
            learner,
            point,
            transforms,
            model,
        }
    }

    /// The learner's name.
    pub fn learner(&self) -> &'static str {
        self.learner
    }

    /// The parameters, complete.
    pub fn point(&self) -> &Point {
        &self.point
    }

    /// The model behind the transforms.
    pub fn model(&self) -> &dyn FittedModel {
        self.model.as_ref()
    }

    /// Whether no transform stands before the model.
    pub fn takes_raw_columns(&self) -> bool {
        self.transforms.is_empty()
    }

    /// Answers every row of `x`, row after row.
    ///
    /// # Panics
    /// If `out` has not one answer a row.
    pub fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let Some((first, rest)) = self.transforms.split_first() else {
            return self.model.predict_into(x, out);
        };
        let transformed = rest
            .iter()
            .fold(first.apply(x), |frame: Frame, next| next.apply(frame.view()));
        self.model.predict_into(transformed.view(), out);
    }

    /// Share of each of `inputs` columns before the transforms in the model's decisions.
    pub fn importances(&self, inputs: usize) -> Option<Vec<f64>> {
        let mut shares = self.model.importances()?;
        for (i, transform) in self.transforms.iter().enumerate().rev() {
            let origins = transform.origins();
            let width = self.transforms[..i]
                .last()
                .map_or(inputs, |before| before.origins().len());
            let mut before = vec![0.0; width];
            shares
                .iter()
                .zip(origins)
                .for_each(|(share, origin)| before[origin] += share);
            shares = before;
        }
        Some(shares)
    }

    /// Exact contributions of `inputs` columns to the scores behind the answers, where the model knows them; those of a column
    /// made by a transform count for the column it was made of.
    pub(crate) fn contributions(
        &self,
        x: FrameView<'_>,
        background: FrameView<'_>,
        (inputs, workers): (usize, &Workers),
    ) -> Option<Contributions> {
        let through = |view: FrameView<'_>| -> Option<Frame> {
            let (first, rest) = self.transforms.split_first()?;
            Some(
                rest.iter()
                    .fold(first.apply(view), |frame, next| next.apply(frame.view())),
            )
        };
        let (rows, others) = (through(x), through(background));
        let mut found = self.model.contributions(
            rows.as_ref().map_or(x, Frame::view),
            others.as_ref().map_or(background, Frame::view),
            workers,
        )?;
        for (i, transform) in self.transforms.iter().enumerate().rev() {
            let origins = transform.origins();
            let width = self.transforms[..i]
                .last()
                .map_or(inputs, |before| before.origins().len());
            found.values = folded(&found.values, &origins, width);
        }
        Some(found)
    }

    pub(crate) fn shape(&self) -> (Meaning, usize) {
        self.model.shape()
    }

    /// Everything that [`Member::from_bytes`] needs, but for the parameters.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Encoder::new();
        self.save(&mut to);
        to.into_bytes()
    }

    /// Reads back what [`Member::to_bytes`] wrote, whose transforms start from `inputs` columns.
    ///
    /// # Errors
    /// [`ArtifactError`] on anything that it cannot have written.
    pub fn from_bytes(bytes: &[u8], point: Point, inputs: usize) -> Result<Self, ArtifactError> {
        let mut from = Decoder::new(bytes);
        let member = Self::load(&mut from, point, inputs)?;
        from.finish()?;
        Ok(member)
    }

    fn save(&self, to: &mut Encoder) {
        to.str(self.learner);
        save_transforms(&self.transforms, to);
        self.model.save(to);
    }

    fn load(from: &mut Decoder<'_>, point: Point, inputs: usize) -> Result<Self, ArtifactError> {
        let name = from.str()?;
        let unknown = |_| ArtifactError::UnknownPart {
            name: name.to_owned(),
        };
        let learner = kolosal_learners::find(name).map_err(unknown)?;
        let transforms = load_transforms(from)?;
        let model = learner.load(from)?;
        let features = transforms.last().map_or(inputs, |last| last.origins().len());
        if model.feature_count() != features {
            return Err(ArtifactError::damaged(
                "a model and its features differ in number",
            ));
        }
        Ok(Self {
            learner: learner.card().name,
            point,
            transforms,
            model,
        })
    }
}

/// Lines of values of derived columns as lines of the columns they were made of.
pub(crate) fn folded(values: &[f64], origins: &[usize], width: usize) -> Vec<f64> {
    let count = values.len() / origins.len().max(1);
    let mut before = vec![0.0; count * width];
    for (line, place) in values
        .chunks_exact(origins.len())
        .zip(before.chunks_exact_mut(width))
    {
        line.iter()
            .zip(origins)
            .for_each(|(value, origin)| place[*origin] += value);
    }
    before
}

pub(crate) fn save_transforms(transforms: &[Box<dyn FittedTransform>], to: &mut Encoder) {
    to.u64(transforms.len() as u64);
    for transform in transforms {
        to.str(transform.name());
        transform.save(to);
    }
}

pub(crate) fn load_transforms(
    from: &mut Decoder<'_>,
) -> Result<Vec<Box<dyn FittedTransform>>, ArtifactError> {
    let count = from.count("transforms", 64)?;
    (0..count)
        .map(|_| kolosal_prep::load(from.str()?, from))
        .collect()
}
