//! The fitted networks.

use kolosal_compute::Workers;
use kolosal_compute::kernels::exp;
use kolosal_compute::kernels::tiles::Tile;
use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::block::{ROWS, scores};
use super::front::Source;
use super::network::{Layout, Reading, Shape, VECTOR, Weights};
use super::scale::TargetScale;
use super::train::Learned;
use crate::net::activation::Function;
use crate::table::{Columns, Encoded};

/// Networks over one table, whose answers are averaged.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpModel {
    columns: Columns,
    layout: Layout,
    members: Vec<Member>,
    target: TargetScale,
    meaning: Meaning,
    absent: Vec<f32>,
    present: Vec<f32>,
}

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    weights: Weights,
    /// What scores of classes are divided by.
    temperature: f64,
    /// The epoch that the weights are of.
    epoch: usize,
}

impl Member {
    pub(super) fn new(learned: Learned) -> Self {
        Self {
            weights: learned.weights,
            temperature: learned.temperature,
            epoch: learned.epoch,
        }
    }
}

impl MlpModel {
    pub(super) fn new(
        columns: Columns,
        layout: Layout,
        members: Vec<Member>,
        (target, (meaning, _)): (TargetScale, (Meaning, usize)),
    ) -> Self {
        assert!(!members.is_empty(), "a model has a network");
        let (absent, present) = columns.place_values();
        Self {
            columns,
            layout,
            members,
            target,
            meaning,
            absent,
            present,
        }
    }

    /// Units of each hidden layer.
    pub fn hidden(&self) -> &[usize] {
        &self.layout.hidden
    }

    /// How many networks answer.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Adds the answers of a network to some rows.
    fn add_answers(&self, member: &Member, scores: &[f32], out: &mut [f64]) {
        let share = 1.0 / self.members.len() as f64;
        if self.meaning == Meaning::Number {
            for (answer, &score) in out.iter_mut().zip(scores) {
                *answer += share * self.target.restore(score);
            }
            return;
        }
        let width = self.layout.outputs;
        let mut odds = Vec::with_capacity(scores.len());
        for line in scores.chunks_exact(width) {
            let highest = line.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            odds.extend(
                line.iter()
                    .map(|score| f64::from(score - highest) / member.temperature),
            );
        }
        exp(&mut odds);
        for (answer, odds) in out.chunks_exact_mut(width).zip(odds.chunks_exact(width)) {
            let total: f64 = odds.iter().sum();
            for (answer, odds) in answer.iter_mut().zip(odds) {
                *answer += share * odds / total;
            }
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let columns = Columns::load(from)?;
        let meaning = match from.u8()? {
            0 => Meaning::Number,
            1 => Meaning::ClassProbability,
            other => {
                return Err(ArtifactError::damaged(format!(
                    "{other} is no meaning of answers"
                )));
            }
        };
        let shape = load_shape(from)?;
        let outputs_fit = match meaning {
            Meaning::Number => shape.outputs == 1,
            _ => shape.outputs >= 2,
        };
        if !outputs_fit {
            return Err(ArtifactError::damaged(format!("{} outputs", shape.outputs)));
        }
        let target = TargetScale::load(from)?;
        let layout = Layout::new(&columns, shape);
        // A weight takes four bytes, so damaged sizes are found before anything is made of their size.
        let wanted = layout
            .layers
            .iter()
            .map(|layer| layer.inputs.saturating_mul(layer.outputs));
        let wanted = wanted.fold(layout.small, usize::saturating_add);
        if wanted > from.remaining() / 4 + layout.padding() {
            return Err(ArtifactError::damaged(format!(
                "{wanted} weights where fewer are left"
            )));
        }
        let count = from.count("networks", 256)?;
        if count == 0 {
            return Err(ArtifactError::damaged("there is no network"));
        }
        let members = (0..count)
            .map(|_| load_member(&layout, from))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(columns, layout, members, (target, (meaning, 0))))
    }
}

impl FittedModel for MlpModel {
    fn shape(&self) -> (Meaning, usize) {
        (self.meaning, self.layout.outputs)
    }

    fn feature_count(&self) -> usize {
        self.columns.plans.len()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.layout.outputs;
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        assert_eq!(x.column_count(), self.feature_count(), "the columns of training");
        let readings: Vec<Reading<'_>> = self
            .members
            .iter()
            .map(|member| Reading::of_weights(&self.layout, &member.weights))
            .collect();
        let alone = Workers::new(1);
        for (at, out) in out.chunks_mut(PREDICTED_ROWS * width).enumerate() {
            let part = x.slice(at * PREDICTED_ROWS, out.len() / width);
            let encoded = Encoded::of(&self.columns, part, &alone);
            let source = Source {
                encoded: &encoded,
                absent: &self.absent,
                present: &self.present,
            };
            let rows: Vec<u32> = (0..encoded.rows as u32).collect();
            out.fill(0.0);
            for (rows, out) in rows.chunks(ROWS).zip(out.chunks_mut(ROWS * width)) {
                let mut line = vec![0.0; rows.len() * width];
                for (reading, member) in readings.iter().zip(&self.members) {
                    scores(reading, &source, rows, &mut line);
                    self.add_answers(member, &line, out);
                }
            }
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.columns.save(to);
        to.u8(u8::from(self.meaning == Meaning::ClassProbability));
        let hidden: Vec<u32> = self.layout.hidden.iter().map(|width| *width as u32).collect();
        to.u32s(&hidden);
        to.u32(self.layout.outputs as u32);
        to.u32(self.layout.copies as u32);
        to.u8(code_of(self.layout.function));
        to.bool(self.layout.learns_slopes);
        self.target.save(to);
        to.u64(self.members.len() as u64);
        for member in &self.members {
            to.f64(member.temperature);
            to.u32(member.epoch as u32);
            for layer in &self.layout.layers {
                to.f32s(&layer.join(|tile| &member.weights.tiles[layer.first + tile]));
            }
            to.f32s(&member.weights.small);
            to.f32s(&member.weights.vectors);
        }
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        let epochs: usize = self.members.iter().map(|member| member.epoch).sum();
        let weights: usize = self
            .layout
            .layers
            .iter()
            .map(|layer| layer.inputs * layer.outputs)
            .sum();
        vec![
            ("best epoch", epochs as f64 / self.members.len() as f64),
            ("weights of layers", weights as f64),
        ]
    }
}

/// Rows that are brought into a network's form at a time.
const PREDICTED_ROWS: usize = 1024;

const FUNCTIONS: [Function; 3] = [Function::Selu, Function::Mish, Function::Relu];

fn code_of(function: Function) -> u8 {
    FUNCTIONS
        .iter()
        .position(|other| *other == function)
        .expect("every function is listed") as u8
}

fn load_shape(from: &mut Decoder<'_>) -> Result<Shape, ArtifactError> {
    let hidden: Vec<usize> = from.u32s()?.into_iter().map(|width| width as usize).collect();
    let (outputs, copies) = (from.u32()? as usize, from.u32()? as usize);
    if !(1..=ROWS).contains(&copies) {
        return Err(ArtifactError::damaged(format!("{copies} copies of a network")));
    }
    if let Some(odd) = hidden
        .iter()
        .chain([&outputs])
        .find(|width| !(1..=1 << 24).contains(*width))
    {
        return Err(ArtifactError::damaged(format!("a layer of {odd} units")));
    }
    let function = from.u8()?;
    let function = FUNCTIONS
        .get(function as usize)
        .copied()
        .ok_or_else(|| ArtifactError::damaged(format!("{function} is no function of units")))?;
    Ok(Shape {
        hidden,
        outputs,
        copies,
        function,
        learns_slopes: from.bool()?,
    })
}

fn load_member(layout: &Layout, from: &mut Decoder<'_>) -> Result<Member, ArtifactError> {
    let temperature = from.finite()?;
    let epoch = from.u32()? as usize;
    if temperature <= 0.0 {
        return Err(ArtifactError::damaged(format!(
            "scores are divided by {temperature}"
        )));
    }
    let mut tiles: Vec<Tile> = Vec::with_capacity(layout.tile_count());
    for layer in &layout.layers {
        let matrix = from.f32s()?;
        if layer.inputs.checked_mul(layer.outputs) != Some(matrix.len()) {
            return Err(ArtifactError::damaged(format!(
                "{} weights from {} inputs to {} outputs",
                matrix.len(),
                layer.inputs,
                layer.outputs
            )));
        }
        tiles.extend(layer.cut(&matrix));
    }
    let (small, vectors) = (from.f32s()?, from.f32s()?);
    let vector_count: usize = layout.tables.iter().sum();
    if small.len() != layout.small || vectors.len() != vector_count.saturating_mul(VECTOR) {
        return Err(ArtifactError::damaged(format!(
            "{} small weights and {} of vectors",
            small.len(),
            vectors.len()
        )));
    }
    let weights = Weights {
        tiles,
        small,
        vectors,
    };
    if !weights.is_finite() {
        return Err(ArtifactError::damaged("a weight is not finite"));
    }
    Ok(Member {
        weights,
        temperature,
        epoch,
    })
}
