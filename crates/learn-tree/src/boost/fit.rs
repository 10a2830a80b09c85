//! The training loop: derive, draw, grow, answer, add, judge.

use std::sync::Mutex;

use kolosal_base::Seed;
use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::{Packed, Sample, Slot, Wide};
use kolosal_frame::FrameView;
use kolosal_learner::{FitContext, FitError, Meaning, Target, TrainView};

use super::answer::{Additions, Answering};
use super::columns::ColumnChoice;
use super::compiled::CompiledCell;
use super::config::{BoostConfig, Growth, Precision, Sampling};
use super::dart::Dropouts;
use super::derive::{Output, derive_all};
use super::derived::Derived;
use super::encoding::Encodings;
use super::grow::{BinTree, Ground, Grower, Grown, TreeTask};
use super::held_out::{HeldOut, Judge, tested_values};
use super::leaf::Penalty;
use super::linear::LineFit;
use super::model::{BoostModel, BoostTree, Lines};
use super::objective::{Labels, Objective};
use super::quantise::{Derivatives, quantise, widen};
use super::sampling::{Bag, DrawRows};
use super::search::{SearchRule, UnitSums, Units};
use super::symmetric::SymmetricRoom;
use super::table::Table;

/// What a booster learns from.
#[derive(Clone, Copy)]
pub struct BoostInput<'a> {
    /// The features.
    pub features: FrameView<'a>,
    /// The answers, one a row.
    pub labels: Labels<'a>,
    /// Rows held out for early stopping.
    pub held_out: Option<(FrameView<'a>, Labels<'a>)>,
    /// A model that boosting goes on from.
    pub init: Option<&'a BoostModel>,
}

/// Learns a booster.
///
/// # Errors
/// [`FitError`] if stopped, short of memory, or given answers that the objective is not defined for.
pub fn train(
    config: &BoostConfig,
    objective: &dyn Objective,
    input: &BoostInput<'_>,
    cx: &FitContext<'_>,
) -> Result<BoostModel, FitError> {
    objective.check(&input.labels)?;
    let mut empty = start(config, objective, input);
    if input.features.column_count() == 0 {
        return Ok(empty);
    }
    let listed: Vec<u32>;
    let view = match input.features.rows() {
        kolosal_frame::Rows::Range { start, len } if start > 0 => {
            listed = (start as u32..(start + len) as u32).collect();
            input.features.frame().select(&listed)
        }
        _ => input.features,
    };
    let frame = view.frame();
    let _bins_memory = cx.reserve(frame.binned_bytes(config.bins_max))?;
    let matrix = frame.binned(config.bins_max, cx.workers);
    let _row_memory = cx.reserve(matrix.row_codes_bytes())?;
    let codes = matrix.row_codes(cx.workers);
    let derived = Derived::new(config, (view, &input.labels), cx)?;
    derived.check_init(input.init)?;
    if input.init.is_none() {
        empty.encodings = derived.encodings.clone();
    }
    let tables: Vec<Table<'_>> = derived
        .orders()
        .map(|bins| Table::new(&matrix, codes, view, bins))
        .collect();
    let _fit_memory = cx.reserve(fit_bytes(config, &tables[0], objective.outputs()))?;
    // Orders differ in the bins of derived columns only, whose cuts do not ask which bins are there.
    let present = presence(&tables[0], cx.workers);
    let closed = derived.closed(tables[0].columns().len());
    let trees = cx.workers.crew(|crew| {
        let ground = |table| Ground {
            table,
            config,
            crew,
            present: &present,
            closed: &closed,
        };
        let grounds: Vec<Ground<'_>> = tables.iter().map(ground).collect();
        match config.precision {
            Precision::Quantised => Fit::<Packed>::new(&grounds, objective, input, &empty).run(cx),
            Precision::Exact => Fit::<Wide>::new(&grounds, objective, input, &empty).run(cx),
        }
    })?;
    empty.trees.extend(trees);
    empty.compile();
    Ok(empty)
}

/// The model before the first round.
fn start(config: &BoostConfig, objective: &dyn Objective, input: &BoostInput<'_>) -> BoostModel {
    if let Some(init) = input.init {
        return init.clone();
    }
    let base = if config.start_from_average {
        objective.base(&input.labels)
    } else {
        vec![0.0; objective.outputs()]
    };
    BoostModel {
        meaning: match input.labels.target() {
            Target::Numbers(_) => Meaning::Number,
            Target::Classes { .. } => Meaning::ClassProbability,
            Target::Unknown { .. } => {
                unreachable!("learners of answers are not on the card of tasks without any")
            }
        },
        link: objective.link(),
        features: input.features.column_count(),
        base,
        trees: Vec::new(),
        encodings: Encodings::default(),
        compiled: CompiledCell::default(),
    }
}

/// Which slots hold a row that is learned from.
fn presence(table: &Table<'_>, workers: &kolosal_compute::Workers) -> Vec<bool> {
    let columns = table.columns();
    workers
        .map(columns.len(), |at| columns[at].present(table.row_count()))
        .concat()
}

/// Bytes that a fit holds besides the bins.
fn fit_bytes(config: &BoostConfig, table: &Table<'_>, outputs: usize) -> u64 {
    let rows = table.row_count() as u64;
    let wanted = match config.leaves_max {
        0 => 1 << config.depth_max.min(14),
        leaves => leaves,
    };
    let (pool, wide) = match config.precision {
        Precision::Quantised => (
            super::pool::Pool::<Packed>::bytes(table.slot_count(), wanted + 1),
            0,
        ),
        Precision::Exact => (
            super::pool::Pool::<Wide>::bytes(table.slot_count(), wanted + 1),
            16,
        ),
    };
    rows * (outputs as u64 * 16 + 2 * 8 + 8 + wide) + pool
}

/// A fit under way.
pub(crate) struct Fit<'a, S> {
    /// One an order of the rows, which derived columns depend on.
    grounds: &'a [Ground<'a>],
    /// That of the round.
    pub(crate) ground: &'a Ground<'a>,
    pub(crate) objective: &'a dyn Objective,
    pub(crate) labels: &'a Labels<'a>,
    pub(crate) outputs: Vec<Output>,
    /// Positions of positive weight.
    pub(crate) rows: Vec<u32>,
    pub(crate) bag: Bag,
    /// The features as they are, for linear leaves.
    features: FrameView<'a>,
    /// Factor on the answers of the trees that are grown next.
    rate: f64,
    /// Whether no tree was grown yet.
    is_first: bool,
    /// Mean size of the last oblivious tree's answers, over its leaves.
    pub(crate) last_answer_size: f64,
    is_seen: Vec<bool>,
    growers: Mutex<Vec<Workshop<S>>>,
    held_out: Option<HeldOut<'a>>,
    /// Whether derivatives other than the gradient are all one.
    plain: bool,
}

/// How the trees of a round are made.
enum Maker<S> {
    Plain,
    Dart(Dropouts),
    Symmetric(Box<SymmetricRoom<S>>),
}

/// What growing one tree at a time needs.
struct Workshop<S> {
    grower: Grower<S>,
    samples: Vec<Sample>,
    wide: Vec<[i64; 2]>,
}

impl<'a, S: Slot> Fit<'a, S> {
    fn new(
        grounds: &'a [Ground<'a>],
        objective: &'a dyn Objective,
        input: &'a BoostInput<'a>,
        model: &BoostModel,
    ) -> Self {
        let ground = &grounds[0];
        let rows = ground.table.row_count();
        let mut scores: Vec<Vec<f64>> = model.base.iter().map(|&start| vec![start; rows]).collect();
        if !model.trees.is_empty() {
            let mut row_scores = vec![0.0; scores.len()];
            model.for_each_row(input.features, |row, tested| {
                model.score_into(tested, model.trees.len(), &mut row_scores);
                scores
                    .iter_mut()
                    .zip(&row_scores)
                    .for_each(|(scores, score)| scores[row] = *score);
            });
        }
        let held_out = ground
            .config
            .stopping
            .as_ref()
            .and(input.held_out)
            .map(|(view, labels)| {
                let mut held = HeldOut::new(
                    labels,
                    tested_values(model, view),
                    model.tested_columns(),
                    &model.base,
                );
                model.trees.iter().for_each(|tree| held.add(tree));
                held
            });
        let plain = objective.hessian_is_weight() && input.labels.weights().is_none();
        Self {
            grounds,
            ground,
            objective,
            labels: &input.labels,
            outputs: scores
                .into_iter()
                .map(|scores| Output {
                    scores,
                    gradients: vec![0.0; rows],
                    hessians: vec![0.0; rows],
                })
                .collect(),
            rows: (0..rows as u32)
                .filter(|&row| input.labels.weight(row as usize) > 0.0)
                .collect(),
            bag: Bag::default(),
            features: input.features,
            rate: ground.config.learning_rate,
            is_first: model.trees.is_empty(),
            last_answer_size: 0.0,
            is_seen: vec![false; rows],
            growers: Mutex::new(Vec::new()),
            held_out,
            plain,
        }
    }

    fn run(mut self, cx: &FitContext<'_>) -> Result<Vec<BoostTree>, FitError> {
        let config = self.ground.config;
        let mut trees = Vec::new();
        let mut maker = self.maker();
        let mut judge = self.judge();
        let per_round = match maker {
            Maker::Symmetric(_) => 1,
            _ => self.outputs.len(),
        };
        for round in 0..config.rounds {
            cx.checkpoint()?;
            self.one_round(&mut maker, &mut trees, (round, cx.seed));
            cx.progress.step(round as u64 + 1, config.rounds as u64);
            let fresh = &trees[round * per_round..];
            if fresh.iter().all(|tree| tree.tree.leaf_count() < 2) && self.is_settled() {
                break;
            }
            let ends = |judge: &mut Judge<'_>| judge.stops(round + 1, fresh) || cx.progress.is_enough();
            if judge.as_mut().is_some_and(ends) {
                break;
            }
        }
        if let Some(judge) = judge {
            trees.truncate(judge.best_rounds() * per_round);
        }
        Ok(trees)
    }

    fn maker(&self) -> Maker<S> {
        let config = self.ground.config;
        match &config.dart {
            _ if config.growth == Growth::Oblivious => Maker::Symmetric(Box::new(self.symmetric_room())),
            Some(_) => Maker::Dart(Dropouts::default()),
            None => Maker::Plain,
        }
    }

    fn judge(&mut self) -> Option<Judge<'a>> {
        let stopping = self.ground.config.stopping.as_ref()?;
        let held = self.held_out.take()?;
        Some(Judge::new(stopping, (held, self.objective), self.rows.len()))
    }

    /// Adds the trees of one round.
    fn one_round(&mut self, maker: &mut Maker<S>, trees: &mut Vec<BoostTree>, (round, seed): (usize, Seed)) {
        let round_seed = seed.fork("round").fork_index(round as u64);
        if self.grounds.len() > 1 {
            let order = round_seed.fork("order").rng().below(self.grounds.len());
            self.ground = &self.grounds[order];
        }
        let (table, crew, config) = (self.ground.table, self.ground.crew, self.ground.config);
        let mut factor = 1.0;
        if let (Maker::Dart(dropouts), Some(dart)) = (&mut *maker, &config.dart) {
            let rule = (dart, config.learning_rate, round_seed.fork("dropouts"));
            factor = dropouts.drop(rule, trees, (&mut self.outputs, table), crew);
            self.rate = config.learning_rate * factor;
        }
        derive_all((self.objective, self.labels), &mut self.outputs, crew);
        self.draw(round, seed);
        match maker {
            Maker::Symmetric(room) => trees.push(self.symmetric_round(room, (round, round_seed))),
            Maker::Plain => trees.extend(self.round(round_seed).0),
            Maker::Dart(dropouts) => {
                let (fresh, routes) = self.round(round_seed);
                dropouts.restore((factor, routes), trees, (&mut self.outputs, table), crew);
                trees.extend(fresh);
            }
        }
        self.is_first = false;
    }

    /// Whether a round without a split will be followed by such rounds only.
    fn is_settled(&self) -> bool {
        let columns = &self.ground.config.columns;
        self.ground.config.sampling == Sampling::All
            && !self.ground.config.extra_trees
            && columns.tree >= 1.0
            && columns.level >= 1.0
            && columns.node >= 1.0
    }

    /// Draws the rows of a round.
    fn draw(&mut self, round: usize, seed: Seed) {
        let sampling = self.ground.config.sampling;
        if !sampling.draws_in(round) {
            return;
        }
        let regular = match sampling {
            Sampling::MinimalVariance { .. } => self.regular_size(),
            _ => 0.0,
        };
        let sizes = |rows: &[u32], sizes: &mut [f32]| {
            sizes.fill(regular);
            for output in &self.outputs {
                let (gradients, hessians) = (&output.gradients[..], &output.hessians[..]);
                let pairs = sizes.iter_mut().zip(rows);
                match sampling {
                    Sampling::MinimalVariance { .. } => pairs.for_each(|(size, &row)| {
                        *size += gradients[row as usize].powi(2);
                    }),
                    _ => pairs.for_each(|(size, &row)| {
                        *size += (gradients[row as usize] * hessians[row as usize]).powi(2);
                    }),
                }
            }
            sizes.iter_mut().for_each(|size| *size = size.sqrt());
        };
        let seed = seed.fork("bag").fork_index(round as u64);
        let rows = DrawRows {
            rows: &self.rows,
            length: self.is_seen.len(),
            sizes: &sizes,
        };
        self.bag = sampling.draw(&rows, seed, self.ground.crew);
        if self.ground.config.growth != Growth::Oblivious {
            self.is_seen.fill(false);
            self.bag
                .rows
                .iter()
                .for_each(|&row| self.is_seen[row as usize] = true);
        }
    }

    /// What is added to the squares of gradients, so that rows without one may be drawn: the square of the mean size of the
    /// last tree's answers, or of the gradients before there is a tree, as CatBoost does.
    fn regular_size(&self) -> f32 {
        if !self.is_first {
            return (self.last_answer_size * self.last_answer_size) as f32;
        }
        let rows = self.is_seen.len();
        let size = |row: usize| {
            let squares = self
                .outputs
                .iter()
                .map(|output| f64::from(output.gradients[row]).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let mean = (0..rows).map(size).sum::<f64>() / rows.max(1) as f64;
        (mean * mean) as f32
    }

    /// Grows one tree an output and adds their answers to the scores.
    fn round(&mut self, seed: Seed) -> (Vec<BoostTree>, Vec<BinTree>) {
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut jobs: Vec<(&mut Output, Option<(BoostTree, BinTree)>)> =
            outputs.iter_mut().map(|output| (output, None)).collect();
        let crew = self.ground.crew;
        if jobs.len() >= crew.threads().max(2) {
            // Trees share the threads: each is grown by one.
            crew.for_each_mut(&mut jobs, |at, (output, tree)| {
                *tree = Some(self.grow(at, output, seed, &Crew::alone()));
            });
        } else {
            for (at, (output, tree)) in jobs.iter_mut().enumerate() {
                *tree = Some(self.grow(at, output, seed, crew));
            }
        }
        let grown = jobs
            .into_iter()
            .map(|(_, tree)| tree.expect("every output has its tree"))
            .unzip();
        self.outputs = outputs;
        grown
    }

    fn grow(&self, at: usize, output: &mut Output, seed: Seed, crew: &Crew<'_>) -> (BoostTree, BinTree) {
        let config = self.ground.config;
        let seed = seed.fork_index(at as u64);
        let ground = Ground { crew, ..*self.ground };
        let mut shop = self.take_workshop(&ground);
        let derivatives = Derivatives {
            gradients: &output.gradients,
            hessians: (!self.plain).then_some(&output.hessians[..]),
            factors: self.bag.factors(),
        };
        let rows = (&self.bag.rows[..], config.precision);
        let (units, sums) = shop.round(&derivatives, rows, (seed.fork("rounding"), crew));
        let task = TreeTask {
            rule: search_rule(config, units),
            seed: seed.fork("splits"),
            sums,
            wide: &shop.wide,
            columns: ColumnChoice::draw(config, self.ground.closed, seed.fork("columns")),
        };
        let grown = shop.grower.grow(&ground, &task, &mut shop.samples);
        let answering = Answering {
            derivatives,
            objective: self.objective,
            labels: self.labels,
            output: at,
            rule: &task.rule,
            learning_rate: self.rate,
            keeps_answers: ground.bounds_leaves_by_each_other(),
        };
        let answers = answering.answers(&grown, (&shop.samples, &output.scores), crew);
        let fit = LineFit {
            features: self.features,
            derivatives,
            lambda: config.linear_lambda.unwrap_or(0.0),
            learning_rate: self.rate,
        };
        let has_lines = config.linear_lambda.is_some() && !self.is_first;
        let lines = has_lines.then(|| fit.lines(&grown, &shop.samples, self.ground.table));
        let additions = Additions {
            grown: &grown,
            answers: &answers,
            lines: lines.as_ref().map(|lines| (lines, &fit)),
        };
        additions.add_to_own(&shop.samples, &mut output.scores);
        if self.bag.rows.len() < self.is_seen.len() {
            additions.add_to_others(ground.table, &self.is_seen, &mut output.scores, crew);
        }
        self.keep_workshop(shop);
        finished(grown, &answers, (at as u32, lines))
    }

    fn keep_workshop(&self, shop: Workshop<S>) {
        self.growers
            .lock()
            .expect("no holder of the workshops panics")
            .push(shop);
    }

    fn take_workshop(&self, ground: &Ground<'_>) -> Workshop<S> {
        let kept = self
            .growers
            .lock()
            .expect("no holder of the workshops panics")
            .pop();
        kept.unwrap_or_else(|| Workshop {
            grower: Grower::new(ground),
            samples: Vec::with_capacity(self.rows.len()),
            wide: match ground.config.precision {
                Precision::Quantised => Vec::new(),
                Precision::Exact => vec![[0; 2]; ground.table.row_count()],
            },
        })
    }
}

fn search_rule(config: &BoostConfig, units: Units) -> SearchRule<'_> {
    SearchRule {
        units,
        penalty: Penalty::of(&config.limits),
        gain_min: config.limits.gain_min,
        hessian_min: config.limits.hessian_min,
        rows_min: config.limits.rows_min as f64,
        categories: &config.categories,
        extra_trees: config.extra_trees,
    }
}

/// The tree as a model holds it, and its splits in bins.
fn finished(
    mut grown: Grown,
    answers: &[f64],
    (output, lines): (u32, Option<Lines>),
) -> (BoostTree, BinTree) {
    for (leaf, answer) in grown.leaves.iter().zip(answers) {
        grown.tree.set_answer(leaf.node, &[*answer]);
    }
    let Grown {
        tree, facts, bins, ..
    } = grown;
    let tree = BoostTree {
        tree,
        output,
        facts,
        lines,
    };
    (tree, bins)
}

impl<S> Workshop<S> {
    fn round(
        &mut self,
        derivatives: &Derivatives<'_>,
        (rows, precision): (&[u32], Precision),
        (seed, crew): (Seed, &Crew<'_>),
    ) -> (Units, UnitSums) {
        let into = (rows, &mut self.samples);
        match precision {
            Precision::Quantised => quantise(derivatives, into, seed, crew),
            Precision::Exact => widen(derivatives, into, &mut self.wide, crew),
        }
    }
}

/// Learns a booster from a checked view, with the context's held-out rows.
pub(crate) fn train_view(
    config: &BoostConfig,
    objective: &dyn Objective,
    rows: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<BoostModel, FitError> {
    let input = BoostInput {
        features: rows.features(),
        labels: Labels::of(rows),
        held_out: cx.valid.map(|valid| (valid.features(), Labels::of(valid))),
        init: None,
    };
    train(config, objective, &input, cx)
}
