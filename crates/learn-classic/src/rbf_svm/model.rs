//! The fitted machines: support vectors, and for each machine its multipliers.

use kolosal_compute::kernels::dot;
use kolosal_frame::{Column, FrameView};
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning, PlattCurve};

use super::coupling::{couple, vote};
use super::kernel::Points;
use super::smo::Solved;

/// Rows whose numbers are gathered together.
const ROWS: usize = 64;
/// Probabilities of pairs are at least this far from certainty, as in libsvm.
const SURE: f64 = 1e-7;
/// Most classes; bounds what a damaged file can ask for.
const CLASSES_MAX: usize = 1 << 16;

/// A machine: support vectors by place, their multipliers, and the curve of its score.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Machine {
    places: Vec<u32>,
    beta: Vec<f64>,
    offset: f64,
    curve: PlattCurve,
}

/// What the scores become.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    /// A number: the score times `scale` plus `centre`.
    Number { centre: f64, scale: f64 },
    /// Probabilities of this many classes.
    Classes(usize),
}

/// Support vectors and machines.
#[derive(Debug, Clone, PartialEq)]
pub struct RbfSvmModel {
    features: usize,
    gamma: f64,
    answer: Answer,
    support: Points,
    machines: Vec<Machine>,
}

impl Machine {
    /// The machine of some training rows; places are rows until the support vectors are gathered.
    pub(super) fn new(solved: &Solved, picked: &[u32], curve: PlattCurve) -> Self {
        let kept = || solved.beta.iter().zip(picked).filter(|(beta, _)| **beta != 0.0);
        Self {
            places: kept().map(|(_, row)| *row).collect(),
            beta: kept().map(|(beta, _)| *beta).collect(),
            offset: solved.offset,
            curve,
        }
    }

    fn score(&self, kernel: &[f64]) -> f64 {
        if self.places.len() == kernel.len() {
            return self.offset + dot(&self.beta, kernel);
        }
        let terms = self
            .beta
            .iter()
            .zip(&self.places)
            .map(|(beta, &at)| beta * kernel[at as usize]);
        self.offset + terms.sum::<f64>()
    }
}

impl RbfSvmModel {
    pub(super) fn constant(centre: f64, features: usize) -> Self {
        Self {
            features,
            gamma: 1.0,
            answer: Answer::Number { centre, scale: 0.0 },
            support: Points::from_rows(&[], features.max(1)),
            machines: vec![Machine {
                places: Vec::new(),
                beta: Vec::new(),
                offset: 0.0,
                curve: PlattCurve::PLAIN,
            }],
        }
    }

    pub(super) fn regression(
        (points, gamma): (&Points, f64),
        (solved, picked): (&Solved, &[u32]),
        (centre, scale): (f64, f64),
    ) -> Self {
        let machines = vec![Machine::new(solved, picked, PlattCurve::PLAIN)];
        Self::gathered(points, gamma, Answer::Number { centre, scale }, machines)
    }

    pub(super) fn classifier(points: &Points, gamma: f64, classes: usize, machines: Vec<Machine>) -> Self {
        Self::gathered(points, gamma, Answer::Classes(classes), machines)
    }

    /// Gathers the rows that any machine needs.
    fn gathered(points: &Points, gamma: f64, answer: Answer, mut machines: Vec<Machine>) -> Self {
        let mut rows: Vec<u32> = machines
            .iter()
            .flat_map(|machine| machine.places.iter().copied())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        for machine in &mut machines {
            for place in &mut machine.places {
                *place = rows.binary_search(place).expect("every place is a row") as u32;
            }
        }
        Self {
            features: points.width,
            gamma,
            answer,
            support: points.select(&rows),
            machines,
        }
    }

    /// How many training rows the answers are made of.
    pub fn support_count(&self) -> usize {
        self.support.count()
    }

    /// How fast likeness falls with squared distance.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let features = from.u32()? as usize;
        let gamma = from.finite()?;
        let answer = if from.bool()? {
            Answer::Number {
                centre: from.finite()?,
                scale: from.finite()?,
            }
        } else {
            Answer::Classes(from.count("classes", CLASSES_MAX)?)
        };
        let rows = from.f64s()?;
        let machine_count = match answer {
            Answer::Number { .. } | Answer::Classes(2) => 1,
            Answer::Classes(k) => k * k.saturating_sub(1) / 2,
        };
        let is_sound =
            gamma > 0.0 && features > 0 && machine_count > 0 && rows.len().is_multiple_of(features);
        if !is_sound || rows.iter().any(|x| !x.is_finite()) {
            return Err(ArtifactError::damaged("the support vectors are not whole"));
        }
        let support = Points::from_rows(&rows, features);
        let mut machines = Vec::new();
        for _ in 0..machine_count {
            machines.push(load_machine(from, support.count())?);
        }
        Ok(Self {
            features,
            gamma,
            answer,
            support,
            machines,
        })
    }

    /// Answers a point.
    fn answer(&self, point: &[f64], room: &mut Scratch, answer: &mut [f64]) {
        self.support.kernel(point, self.gamma, &mut room.kernel, None);
        let Answer::Classes(classes) = self.answer else {
            let Answer::Number { centre, scale } = self.answer else {
                unreachable!("answers are numbers or classes")
            };
            answer[0] = centre + scale * self.machines[0].score(&room.kernel);
            return;
        };
        if classes > 2
            && self
                .machines
                .iter()
                .all(|machine| machine.curve == PlattCurve::PLAIN)
        {
            for (machine, pair) in self.machines.iter().zip(&mut room.pairs) {
                *pair = machine.score(&room.kernel);
            }
            vote(&room.pairs, answer);
            return;
        }
        for (machine, pair) in self.machines.iter().zip(&mut room.pairs) {
            let z = machine.curve.slope * machine.score(&room.kernel) + machine.curve.offset;
            *pair = (1.0 / (1.0 + (-z).exp())).clamp(SURE, 1.0 - SURE);
        }
        if classes == 2 {
            answer.copy_from_slice(&[1.0 - room.pairs[0], room.pairs[0]]);
        } else {
            couple(&room.pairs, answer);
        }
    }
}

/// What one answer is worked out in.
struct Scratch {
    kernel: Vec<f64>,
    pairs: Vec<f64>,
}

fn load_machine(from: &mut Decoder<'_>, support: usize) -> Result<Machine, ArtifactError> {
    let (places, beta, offset) = (from.u32s()?, from.f64s()?, from.finite()?);
    let curve = PlattCurve {
        slope: from.finite()?,
        offset: from.finite()?,
    };
    if places.len() != beta.len()
        || places.iter().any(|&place| place as usize >= support)
        || places.windows(2).any(|pair| pair[0] >= pair[1])
        || beta.iter().any(|beta| !beta.is_finite())
    {
        return Err(ArtifactError::damaged(
            "a machine does not belong to the support vectors",
        ));
    }
    Ok(Machine {
        places,
        beta,
        offset,
        curve,
    })
}

impl FittedModel for RbfSvmModel {
    fn shape(&self) -> (Meaning, usize) {
        match self.answer {
            Answer::Number { .. } => (Meaning::Number, 1),
            Answer::Classes(classes) => (Meaning::ClassProbability, classes),
        }
    }

    fn feature_count(&self) -> usize {
        self.features
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.shape().1;
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        assert_eq!(x.column_count(), self.features, "the columns of training");
        let mut room = Scratch {
            kernel: vec![0.0; self.support.count()],
            pairs: vec![0.5; self.machines.len()],
        };
        let mut points = vec![0.0; ROWS * self.features];
        let mut column = vec![0.0; ROWS];
        for (block, answers) in out.chunks_mut(ROWS * width).enumerate() {
            let rows = answers.len() / width;
            let view = x.slice(block * ROWS, rows);
            for j in 0..self.features {
                if matches!(view.column(j), Column::Numbers(_) | Column::Sparse(_)) {
                    view.numbers_into(j, &mut column[..rows]);
                    (0..rows).for_each(|row| points[row * self.features + j] = column[row]);
                }
            }
            for (point, answer) in points
                .chunks_exact(self.features)
                .zip(answers.chunks_exact_mut(width))
            {
                self.answer(point, &mut room, answer);
            }
        }
    }

    fn save(&self, to: &mut Encoder) {
        to.u32(self.features as u32);
        to.f64(self.gamma);
        match self.answer {
            Answer::Number { centre, scale } => {
                to.bool(true);
                to.f64(centre);
                to.f64(scale);
            }
            Answer::Classes(classes) => {
                to.bool(false);
                to.u64(classes as u64);
            }
        }
        let rows: Vec<f64> = (0..self.support.count())
            .flat_map(|row| self.support.point(row))
            .collect();
        to.f64s(&rows);
        for machine in &self.machines {
            to.u32s(&machine.places);
            to.f64s(&machine.beta);
            to.f64(machine.offset);
            to.f64(machine.curve.slope);
            to.f64(machine.curve.offset);
        }
    }
}
