//! The fitted whole: columns in, answers out.

use std::sync::Arc;

use kolosal_compute::Workers;
use kolosal_frame::{Frame, FrameView, FrozenSchema};
use kolosal_learner::{ArtifactError, Contributions, Decoder, Encoder, FittedTransform, Predictions, Task};

use crate::calibrate::apply_temperature;
use crate::conformal::Conformal;
use crate::manifest::point_text;
use crate::member::{folded, load_transforms, save_transforms};
use crate::{CoverageError, Manifest, Member, MemberEntry, PipelineError, TargetSpec};

/// Rows that are scored together; fixed, so that the number of threads cannot matter.
const BLOCK_ROWS: usize = 1024;

/// What a pipeline is made of.
pub struct PipelineParts {
    /// The columns a table must have.
    pub schema: FrozenSchema,
    /// What is predicted.
    pub target: TargetSpec,
    /// Transforms that all members share.
    pub shared: Vec<Box<dyn FittedTransform>>,
    /// The members and their weights, which sum to one.
    pub members: Vec<(f64, Member)>,
    /// Temperature of the probabilities, if they are scaled.
    pub temperature: Option<f64>,
    /// What each probability is multiplied with before the greatest one is called, if that is not one.
    pub factors: Option<Arc<[f64]>>,
    /// How far answers were off on held-out rows, where there were any.
    pub conformal: Option<Conformal>,
}

/// Schema, transforms and members that answer together; immutable and shared between threads.
pub struct Pipeline {
    parts: PipelineParts,
}

impl Pipeline {
    /// Joins the parts.
    ///
    /// # Panics
    /// If there is no member, a weight is not positive, the weights do not sum to one, or a member answers another task.
    pub fn new(parts: PipelineParts) -> Self {
        assert!(!parts.members.is_empty(), "a pipeline has a member");
        let total: f64 = parts.members.iter().map(|(weight, _)| weight).sum();
        assert!((total - 1.0).abs() < 1e-9, "weights sum to one");
        assert!(
            parts.members.iter().all(|(weight, _)| *weight > 0.0),
            "every member counts"
        );
        let shape = Predictions::shape_of(parts.target.task);
        assert!(
            parts.members.iter().all(|(_, member)| member.shape() == shape),
            "members answer the task"
        );
        let classes = parts.target.task.width();
        assert!(
            parts
                .factors
                .as_ref()
                .is_none_or(|factors| factors.len() == classes),
            "one factor a class"
        );
        assert!(
            parts
                .conformal
                .as_ref()
                .is_none_or(|errors| errors.suits(parts.target.task)),
            "errors of the task"
        );
        Self { parts }
    }

    /// The columns a table must have.
    pub fn schema(&self) -> &FrozenSchema {
        &self.parts.schema
    }

    /// What is predicted.
    pub fn target(&self) -> &TargetSpec {
        &self.parts.target
    }

    /// The members and their weights.
    pub fn members(&self) -> &[(f64, Member)] {
        &self.parts.members
    }

    /// How far answers were off on held-out rows.
    ///
    /// # Errors
    /// [`CoverageError::NoErrors`] if no row was held out.
    pub fn conformal(&self) -> Result<&Conformal, CoverageError> {
        self.parts.conformal.as_ref().ok_or(CoverageError::NoErrors)
    }

    /// What each probability is multiplied with before the greatest one is called; `None` if the most probable class is.
    pub fn factors(&self) -> Option<&[f64]> {
        self.parts.factors.as_deref()
    }

    /// The one member that answers on the raw columns alone; `None` for blends, transforms and scaled probabilities.
    pub fn lone_member(&self) -> Option<&Member> {
        let is_plain = self.parts.shared.is_empty() && self.parts.temperature.is_none();
        match self.parts.members.as_slice() {
            [(_, member)] if is_plain && member.takes_raw_columns() => Some(member),
            _ => None,
        }
    }

    /// Answers every row of a table, whatever the order of its columns and whatever else it has.
    ///
    /// # Errors
    /// [`PipelineError::Frame`] if a column is missing or its values cannot be read as in training.
    pub fn predict(&self, table: &Frame, workers: &Workers) -> Result<Predictions, PipelineError> {
        let aligned = self.parts.schema.align(table)?;
        let mut answers = Predictions::zeros(self.parts.target.task, aligned.row_count());
        let width = answers.width();
        workers.for_each_chunk_mut(answers.values_mut(), BLOCK_ROWS * width, |block, out| {
            self.predict_into(aligned.view().slice(block * BLOCK_ROWS, out.len() / width), out);
        });
        Ok(match &self.parts.factors {
            Some(factors) => answers.called_by(Arc::clone(factors)),
            None => answers,
        })
    }

    /// Answers rows whose columns are aligned with [`Pipeline::schema`], into `out`, row after row.
    ///
    /// # Panics
    /// If `out` has not one answer a row.
    pub fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.parts.target.task.width();
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        let Some((first, rest)) = self.parts.shared.split_first() else {
            return self.blend_into(x, out);
        };
        let shared = rest
            .iter()
            .fold(first.apply(x), |frame: Frame, next| next.apply(frame.view()));
        self.blend_into(shared.view(), out);
    }

    fn blend_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        if let [(_, only)] = self.parts.members.as_slice() {
            only.predict_into(x, out);
        } else {
            out.fill(0.0);
            let mut answer = vec![0.0; out.len()];
            for (weight, member) in &self.parts.members {
                member.predict_into(x, &mut answer);
                out.iter_mut()
                    .zip(&answer)
                    .for_each(|(sum, value)| *sum += weight * value);
            }
        }
        if let Some(temperature) = self.parts.temperature {
            apply_temperature(temperature, self.parts.target.task.width(), out);
        }
    }

    /// Share of each feature in the answers, by name; empty if a member does not tell.
    pub fn importances(&self) -> std::collections::BTreeMap<String, f64> {
        let fields = self.parts.schema.schema().fields();
        let mut shares = vec![0.0; fields.len()];
        for (weight, member) in &self.parts.members {
            let Some(of_member) = self.member_importances(member) else {
                return std::collections::BTreeMap::new();
            };
            shares
                .iter_mut()
                .zip(of_member)
                .for_each(|(sum, share)| *sum += weight * share);
        }
        fields
            .iter()
            .zip(shares)
            .map(|(field, share)| (field.name.clone(), share))
            .collect()
    }

    fn member_importances(&self, member: &Member) -> Option<Vec<f64>> {
        let inputs = self.parts.schema.schema().len();
        let Some(shared) = self.parts.shared.last() else {
            return member.importances(inputs);
        };
        let origins = shared.origins();
        let mut shares = vec![0.0; inputs];
        member
            .importances(origins.len())?
            .iter()
            .zip(origins)
            .for_each(|(share, at)| shares[at] += share);
        Some(shares)
    }

    /// Exact contributions of the columns to the scores behind the answers, rows and background being aligned with
    /// [`Pipeline::schema`]; `None` for blends, scaled probabilities, and models that know no quick way.
    pub fn contributions(
        &self,
        x: FrameView<'_>,
        background: FrameView<'_>,
        workers: &Workers,
    ) -> Option<Contributions> {
        let ([(_, only)], None) = (self.parts.members.as_slice(), self.parts.temperature) else {
            return None;
        };
        let inputs = self.parts.schema.schema().len();
        let Some((first, rest)) = self.parts.shared.split_first() else {
            return only.contributions(x, background, (inputs, workers));
        };
        let through = |view: FrameView<'_>| {
            rest.iter()
                .fold(first.apply(view), |frame: Frame, next| next.apply(frame.view()))
        };
        let origins = rest.last().unwrap_or(first).origins();
        let (rows, others) = (through(x), through(background));
        let mut found = only.contributions(rows.view(), others.view(), (origins.len(), workers))?;
        found.values = folded(&found.values, &origins, inputs);
        Some(found)
    }

    /// Numbers that describe the fit of a lone member, by name.
    pub fn facts(&self) -> std::collections::BTreeMap<String, f64> {
        let [(_, only)] = self.parts.members.as_slice() else {
            return std::collections::BTreeMap::new();
        };
        let named = |(name, value): (&str, f64)| (name.to_owned(), value);
        only.model().facts().into_iter().map(named).collect()
    }

    /// The members as a manifest lists them.
    pub fn member_entries(&self) -> Vec<MemberEntry> {
        let entry = |(weight, member): &(f64, Member)| MemberEntry {
            learner: member.learner().to_owned(),
            params: point_text(member.point()),
            weight: *weight,
        };
        self.parts.members.iter().map(entry).collect()
    }

    /// Schema, target and shared transforms as bytes.
    pub(crate) fn save_head(&self, to: &mut Encoder) {
        let schema = &self.parts.schema;
        to.schema(schema.schema());
        for position in 0..schema.schema().len() {
            let levels = schema.levels(position);
            to.bool(levels.is_some());
            if let Some(levels) = levels {
                to.strings(levels);
            }
        }
        self.parts.target.save(to);
        save_transforms(&self.parts.shared, to);
        to.bool(self.parts.temperature.is_some());
        to.f64(self.parts.temperature.unwrap_or(1.0));
    }

    /// Factors and errors as bytes; `None` if there are neither.
    pub(crate) fn save_decision(&self) -> Option<Vec<u8>> {
        let (factors, conformal) = (&self.parts.factors, &self.parts.conformal);
        if factors.is_none() && conformal.is_none() {
            return None;
        }
        let mut to = Encoder::new();
        to.f64s(factors.as_deref().unwrap_or_default());
        to.bool(conformal.is_some());
        if let Some(conformal) = conformal {
            conformal.save(&mut to);
        }
        Some(to.into_bytes())
    }

    /// Reads a pipeline from its head, its decision and the bytes of its members, which the manifest describes.
    pub(crate) fn load(
        manifest: &Manifest,
        (head, decision): (&[u8], Option<&[u8]>),
        members: &[&[u8]],
    ) -> Result<Self, ArtifactError> {
        let mut from = Decoder::new(head);
        let schema = load_schema(&mut from)?;
        let target = TargetSpec::load(&mut from)?;
        let shared = load_transforms(&mut from)?;
        let temperature = load_temperature(&mut from)?;
        from.finish()?;
        let (factors, conformal) =
            decision.map_or(Ok((None, None)), |bytes| load_decision(bytes, target.task))?;
        if manifest.members.len() != members.len() || members.is_empty() {
            return Err(ArtifactError::damaged("manifest and members differ in number"));
        }
        let inputs = shared
            .last()
            .map_or(schema.schema().len(), |last| last.origins().len());
        let members = manifest
            .members
            .iter()
            .zip(members)
            .map(|(entry, bytes)| load_member(entry, bytes, inputs));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let total: f64 = members.iter().map(|(weight, _)| weight).sum();
        let shape = Predictions::shape_of(target.task);
        let is_sound = members
            .iter()
            .all(|(weight, member)| *weight > 0.0 && member.shape() == shape);
        if !is_sound || (total - 1.0).abs() > 1e-9 {
            return Err(ArtifactError::damaged(
                "the members do not answer the task with weights that sum to one",
            ));
        }
        Ok(Self::new(PipelineParts {
            schema,
            target,
            shared,
            members,
            temperature,
            factors,
            conformal,
        }))
    }
}

type Decision = (Option<Arc<[f64]>>, Option<Conformal>);

fn load_decision(bytes: &[u8], task: Task) -> Result<Decision, ArtifactError> {
    let mut from = Decoder::new(bytes);
    let factors = from.f64s()?;
    let conformal = if from.bool()? {
        Some(Conformal::load(&mut from)?)
    } else {
        None
    };
    from.finish()?;
    let has_classes = matches!(task, Task::Binary | Task::Multiclass { .. });
    let is_sound = factors.is_empty()
        || has_classes && factors.len() == task.width() && factors.iter().all(|f| *f > 0.0 && f.is_finite());
    if !is_sound || conformal.as_ref().is_some_and(|errors| !errors.suits(task)) {
        return Err(ArtifactError::damaged("factors or errors of another task"));
    }
    Ok(((!factors.is_empty()).then(|| factors.into()), conformal))
}

fn load_schema(from: &mut Decoder<'_>) -> Result<FrozenSchema, ArtifactError> {
    let schema = from.schema()?;
    let mut levels = Vec::with_capacity(schema.len());
    for _ in 0..schema.len() {
        let list = if from.bool()? { Some(from.strings()?) } else { None };
        let is_sorted = list
            .as_ref()
            .is_none_or(|l| (1..l.len()).all(|i| l.get(i - 1) < l.get(i)));
        if !is_sorted {
            return Err(ArtifactError::damaged("the levels of a column are not sorted"));
        }
        levels.push(list.map(Arc::new));
    }
    let coded = |(field, list): (&kolosal_frame::Field, &Option<_>)| field.kind.is_coded() == list.is_some();
    if !schema.fields().iter().zip(&levels).all(coded) {
        return Err(ArtifactError::damaged(
            "levels and kinds of columns do not belong together",
        ));
    }
    Ok(FrozenSchema::new(schema, levels))
}

fn load_temperature(from: &mut Decoder<'_>) -> Result<Option<f64>, ArtifactError> {
    let is_scaled = from.bool()?;
    let temperature = from.finite()?;
    if temperature <= 0.0 {
        return Err(ArtifactError::damaged(format!("a temperature of {temperature}")));
    }
    Ok(is_scaled.then_some(temperature))
}

fn load_member(entry: &MemberEntry, bytes: &[u8], inputs: usize) -> Result<(f64, Member), ArtifactError> {
    let unknown = |_| ArtifactError::UnknownPart {
        name: entry.learner.clone(),
    };
    let learner = kolosal_learners::find(&entry.learner).map_err(unknown)?;
    let point = entry.point(learner.params()).map_err(ArtifactError::damaged)?;
    Ok((entry.weight, Member::from_bytes(bytes, point, inputs)?))
}
