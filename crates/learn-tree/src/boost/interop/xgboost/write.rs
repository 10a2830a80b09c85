//! Writing a booster as an XGBoost model.

use serde_json::{Map, Number, Value, json};

use super::super::export::{self, Piece};
use super::super::place::{MODEL_BYTES_MAX, Place};
use super::super::threshold::to_below;
use super::super::{BoosterColumn, ColumnValues, InteropError, Library, checksum, ubj};
use super::CHECKSUM;
use super::categories::write_container;
use super::objective::{Answer, answer_of, objective_of};
use super::read::read_learner;
use crate::boost::BoostModel;
use crate::tree::{Side, Test};

const LIBRARY: Library = Library::Xgboost;
/// The version whose layout is written.
const LAYOUT: [u32; 3] = [3, 2, 0];
/// What the format writes as the parent of a root.
const NO_PARENT: i64 = i32::MAX as i64;
/// How far a base may be from the score it stands for before the difference goes into leaves.
const BASE_ERROR: f64 = 1e-9;

/// Writes a model as XGBoost's JSON, for XGBoost 3.1 and later.
///
/// Numbers become single precision. Names of levels go into the container of categories. The model carries a checksum as
/// an attribute, which [`read_xgboost`](super::read_xgboost) verifies.
///
/// # Errors
/// [`InteropError::Unwritable`] for derived columns, straight lines in leaves, zero as missing, or a link without an
/// objective.
pub fn write_xgboost_json(model: &BoostModel, columns: &[BoosterColumn]) -> Result<Vec<u8>, InteropError> {
    Ok(document(model, columns)?.to_string().into_bytes())
}

/// Writes a model as XGBoost's UBJ; see [`write_xgboost_json`].
///
/// # Errors
/// As [`write_xgboost_json`].
pub fn write_xgboost_ubj(model: &BoostModel, columns: &[BoosterColumn]) -> Result<Vec<u8>, InteropError> {
    Ok(ubj::write(&document(model, columns)?))
}

fn document(model: &BoostModel, columns: &[BoosterColumn]) -> Result<Value, InteropError> {
    export::check(model, columns, LIBRARY)?;
    let mut learner = learner(model, columns)?;
    let booster = read_learner(&Place::root(LIBRARY, &learner), MODEL_BYTES_MAX)?;
    learner["attributes"] = json!({ CHECKSUM: checksum::of(&booster) });
    Ok(json!({"learner": learner, "version": LAYOUT}))
}

fn learner(model: &BoostModel, columns: &[BoosterColumn]) -> Result<Value, InteropError> {
    let objective = objective_of(model.link, model.meaning).ok_or_else(|| {
        InteropError::unwritable(
            LIBRARY,
            "it has a logistic link for each class; train it with the softmax objective",
        )
    })?;
    let answer = answer_of(objective).expect("objectives that are written are read");
    let classes = if objective == "multi:softprob" {
        model.base.len()
    } else {
        0
    };
    let targets = if classes > 0 { 1 } else { model.base.len() };
    let (bases, shifts) = bases(model, answer);
    let bases: Vec<String> = bases.iter().map(|base| format!("{base:E}")).collect();
    let kind = |column: &BoosterColumn| match column.values {
        ColumnValues::Levels(_) => "c",
        ColumnValues::Numbers => "float",
    };
    Ok(json!({
        "attributes": {},
        "feature_names": columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        "feature_types": columns.iter().map(kind).collect::<Vec<_>>(),
        "gradient_booster": {"model": trees(model, columns, &shifts)?, "name": "gbtree"},
        "learner_model_param": {
            "base_score": format!("[{}]", bases.join(",")),
            "boost_from_average": "1",
            "num_class": classes.to_string(),
            "num_feature": columns.len().to_string(),
            "num_target": targets.to_string(),
        },
        "objective": parameters(objective, classes, targets),
    }))
}

fn parameters(objective: &str, classes: usize, targets: usize) -> Value {
    let (key, value) = match objective {
        "multi:softprob" => (
            "softmax_multiclass_param",
            json!({"num_class": classes.to_string()}),
        ),
        "count:poisson" => ("poisson_regression_param", json!({"max_delta_step": "7E-1"})),
        _ => ("reg_loss_param", json!({"scale_pos_weight": "1"})),
    };
    assert!(targets == 1 || classes == 0, "classes are not targets");
    Value::Object(Map::from_iter([
        ("name".to_owned(), json!(objective)),
        (key.to_owned(), value),
    ]))
}

/// The bases that stand for the model's scores, and what they miss of them.
fn bases(model: &BoostModel, answer: Answer) -> (Vec<f32>, Vec<f64>) {
    let base = |score: f64| {
        let base = answer.base(score);
        let missed = score - f64::from(answer.score(base));
        // A base near its bound cannot tell scores apart, so that leaves carry them.
        if missed.abs() <= 1e-3 {
            (base, missed)
        } else {
            (answer.neutral(), score)
        }
    };
    let pairs = model.base.iter().map(|&score| base(score));
    pairs
        .map(|(base, missed)| (base, if missed.abs() > BASE_ERROR { missed } else { 0.0 }))
        .unzip()
}

fn trees(model: &BoostModel, columns: &[BoosterColumn], shifts: &[f64]) -> Result<Value, InteropError> {
    let mut rounds = export::rounds(model);
    if rounds.is_empty() && shifts.iter().any(|shift| *shift != 0.0) {
        rounds.push(vec![None; shifts.len()]);
    }
    let (mut trees, mut outputs, mut starts) = (Vec::new(), Vec::new(), vec![0]);
    for (round, pieces) in rounds.into_iter().enumerate() {
        for (output, piece) in pieces.into_iter().enumerate() {
            let shift = if round == 0 { shifts[output] } else { 0.0 };
            let id = trees.len();
            trees.push(match piece {
                Some(piece) => tree(&piece.shifted(shift), columns, id)?,
                None => Lists::leaf(shift as f32).write(columns.len(), id),
            });
            outputs.push(output);
        }
        starts.push(trees.len());
    }
    Ok(json!({
        "cats": write_container(columns),
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": trees.len().to_string()},
        "iteration_indptr": starts,
        "tree_info": outputs,
        "trees": trees,
    }))
}

/// The lists of a tree.
#[derive(Default)]
struct Lists {
    left: Vec<i64>,
    right: Vec<i64>,
    parents: Vec<i64>,
    features: Vec<usize>,
    limits: Vec<f32>,
    kinds: Vec<u8>,
    default_left: Vec<u8>,
    gains: Vec<f32>,
    hessians: Vec<f32>,
    weights: Vec<f32>,
    categories: Vec<u32>,
    set_nodes: Vec<usize>,
    set_starts: Vec<usize>,
    set_sizes: Vec<usize>,
}

fn tree(piece: &Piece<'_>, columns: &[BoosterColumn], id: usize) -> Result<Value, InteropError> {
    if piece.tree.lines.is_some() {
        let what =
            "its leaves hold straight lines, which the format has no place for; train it with plain leaves";
        return Err(InteropError::unwritable(LIBRARY, what));
    }
    let means = piece.means();
    if means.iter().any(|mean| !(*mean as f32).is_finite()) {
        let what = "a leaf's answer is beyond single precision; train it on a target of smaller scale";
        return Err(InteropError::unwritable(LIBRARY, what));
    }
    let (splits, order) = arrange(piece, columns)?;
    let mut lists = Lists {
        parents: vec![NO_PARENT; order.len()],
        ..Lists::default()
    };
    for (place, &node) in order.iter().enumerate() {
        let facts = piece.facts(node);
        lists.gains.push(facts.gain);
        lists.hessians.push(facts.weight);
        lists.weights.push(means[node] as f32);
        match &splits[node] {
            None => lists.push_leaf(means[node] as f32),
            Some(split) => {
                lists.parents[split.left] = place as i64;
                lists.parents[split.left + 1] = place as i64;
                lists.push_split(split);
            }
        }
    }
    Ok(lists.write(columns.len(), id))
}

/// A split in the format's terms.
struct Split {
    feature: usize,
    left: usize,
    rule: Rule,
    missing_left: bool,
}

enum Rule {
    /// Numbers below go left.
    Below(f32),
    /// These codes go right.
    Codes(Vec<u32>),
}

/// The splits of our nodes, and which of our nodes stands at each place of the file.
///
/// Listed categories always go right there, and the right child always stands behind the left one: where our list goes left
/// the children change places.
fn arrange(
    piece: &Piece<'_>,
    columns: &[BoosterColumn],
) -> Result<(Vec<Option<Split>>, Vec<usize>), InteropError> {
    let mut order: Vec<usize> = (0..piece.node_count()).collect();
    let mut splits = Vec::with_capacity(order.len());
    for node in 0..piece.node_count() {
        let Some((feature, left, test, missing)) = piece.split(node) else {
            splits.push(None);
            continue;
        };
        let mut missing_left = missing == Side::Left;
        let rule = match (&test, export::list(&test, missing, &columns[feature])) {
            (_, Some(listed)) => {
                if listed.side == Side::Left {
                    order.swap(left, left + 1);
                    missing_left = !missing_left;
                }
                if listed.codes.is_empty() {
                    // The format wants one category at least; every code is a number below the largest.
                    Rule::Below(f32::MAX)
                } else {
                    Rule::Codes(listed.codes)
                }
            }
            (Test::UpTo(threshold), None) => Rule::Below(to_below(*threshold)),
            _ => {
                let what =
                    "it takes zero for missing at some splits; train it with missing values that are missing";
                return Err(InteropError::unwritable(LIBRARY, what));
            }
        };
        splits.push(Some(Split {
            feature,
            left,
            rule,
            missing_left,
        }));
    }
    Ok((splits, order))
}

impl Lists {
    /// A tree that is one leaf.
    fn leaf(value: f32) -> Self {
        let mut lists = Self {
            parents: vec![NO_PARENT],
            gains: vec![0.0],
            hessians: vec![0.0],
            weights: vec![value],
            ..Self::default()
        };
        lists.push_leaf(value);
        lists
    }

    fn push_leaf(&mut self, value: f32) {
        self.left.push(-1);
        self.right.push(-1);
        self.features.push(0);
        self.kinds.push(0);
        self.limits.push(value);
        self.default_left.push(0);
    }

    fn push_split(&mut self, split: &Split) {
        let limit = match &split.rule {
            Rule::Below(limit) => *limit,
            Rule::Codes(codes) => {
                self.set_nodes.push(self.left.len());
                self.set_starts.push(self.categories.len());
                self.set_sizes.push(codes.len());
                self.categories.extend(codes);
                0.0
            }
        };
        self.kinds.push(u8::from(matches!(split.rule, Rule::Codes(_))));
        self.limits.push(limit);
        self.features.push(split.feature);
        self.left.push(split.left as i64);
        self.right.push(split.left as i64 + 1);
        self.default_left.push(u8::from(split.missing_left));
    }

    fn write(&self, features: usize, id: usize) -> Value {
        json!({
            "base_weights": reals(&self.weights),
            "categories": self.categories,
            "categories_nodes": self.set_nodes,
            "categories_segments": self.set_starts,
            "categories_sizes": self.set_sizes,
            "default_left": self.default_left,
            "id": id,
            "left_children": self.left,
            "loss_changes": reals(&self.gains),
            "parents": self.parents,
            "right_children": self.right,
            "split_conditions": reals(&self.limits),
            "split_indices": self.features,
            "split_type": self.kinds,
            "sum_hessian": reals(&self.hessians),
            "tree_param": {
                "num_deleted": "0",
                "num_feature": features.to_string(),
                "num_nodes": self.left.len().to_string(),
                "size_leaf_vector": "1",
            },
        })
    }
}

/// Single-precision numbers by their shortest decimals, as XGBoost writes them.
fn reals(values: &[f32]) -> Vec<Value> {
    values.iter().map(|&value| Value::Number(real(value))).collect()
}

fn real(value: f32) -> Number {
    let short = value
        .to_string()
        .parse()
        .ok()
        .filter(|short: &f64| *short as f32 == value);
    let finite = Number::from_f64(short.unwrap_or(f64::from(value)));
    finite.unwrap_or_else(|| Number::from(0))
}
