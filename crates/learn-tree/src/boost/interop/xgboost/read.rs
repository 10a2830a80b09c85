//! Reading an XGBoost model.

use kolosal_base::limits::{CLASSES_MAX, COLUMNS_MAX};
use serde_json::Value;

use super::super::checksum;
use super::super::columns::schema_of;
use super::super::place::{Place, check_size, parse_json};
use super::super::sketch::SetBudget;
use super::super::{ImportedBooster, InteropError, Library, ubj};
use super::CHECKSUM;
use super::categories::read_columns;
use super::objective::{Answer, answer_of};
use super::tree::{TreeReader, count_text};
use crate::boost::BoostModel;
use crate::boost::compiled::CompiledCell;
use crate::boost::encoding::Encodings;
use crate::boost::link::Link;
use crate::boost::model::BoostTree;

const LIBRARY: Library = Library::Xgboost;
const TREES_MAX: usize = 1 << 24;

/// Reads a model that XGBoost saved as JSON or UBJ; the first bytes tell which.
///
/// All trees are read: where early stopping noted a best iteration, cut the booster there before saving it.
///
/// # Errors
/// [`InteropError`] if the file contradicts itself, or has no trees or an objective without a counterpart.
pub fn read_xgboost(bytes: &[u8]) -> Result<ImportedBooster, InteropError> {
    check_size(LIBRARY, bytes.len())?;
    let document = if ubj::is_ubj(bytes) {
        ubj::read(bytes).map_err(|(at, what)| InteropError::damaged(LIBRARY, format!("byte {at}"), what))?
    } else {
        parse_json(LIBRARY, bytes)?
    };
    let learner = Place::root(LIBRARY, &document).get("learner")?;
    let booster = read_learner(&learner, bytes.len())?;
    if let Some(stated) = learner
        .find("attributes")?
        .map_or(Ok(None), |all| all.find(CHECKSUM))?
    {
        checksum::verify(&booster, stated.str()?)?;
    }
    Ok(booster)
}

/// What the parameters of a learner say.
struct Head {
    features: usize,
    outputs: usize,
    answer: Answer,
    base: Vec<f64>,
}

/// Reads all but the checksum.
pub(super) fn read_learner(learner: &Place<'_>, file_bytes: usize) -> Result<ImportedBooster, InteropError> {
    let objective = learner.get("objective")?.get("name")?;
    let head = Head::read(learner, &objective)?;
    let (model, factors) = trees_of(&learner.get("gradient_booster")?)?;
    let columns = read_columns(learner, &model, head.features)?;
    let reader = TreeReader {
        columns: &columns,
        outputs: head.outputs,
        budget: SetBudget::for_file(file_bytes),
        repeated: (0, 0),
        first_odd: None,
    };
    let trees = read_trees(&model, factors.as_ref(), reader)?;
    let columns: Vec<_> = columns.into_iter().map(|column| column.column).collect();
    Ok(ImportedBooster {
        library: LIBRARY,
        objective: objective.str()?.to_owned(),
        schema: schema_of(&columns, LIBRARY)?,
        columns,
        classes: Vec::new(),
        model: BoostModel {
            meaning: head.answer.meaning,
            link: head.answer.link,
            features: head.features,
            base: head.base,
            trees,
            encodings: Encodings::default(),
            compiled: CompiledCell::default(),
        },
        combinations: Vec::new(),
    })
}

impl Head {
    fn read(learner: &Place<'_>, objective: &Place<'_>) -> Result<Self, InteropError> {
        let param = learner.get("learner_model_param")?;
        let features = count_text(&param.get("num_feature")?, COLUMNS_MAX)?;
        let classes = count_text(&param.get("num_class")?, CLASSES_MAX)?;
        let targets = param
            .find("num_target")?
            .map_or(Ok(1), |place| count_text(&place, CLASSES_MAX))?;
        let outputs = classes.max(targets).max(1);
        let name = objective.str()?;
        let answer = answer_of(name).ok_or_else(|| unknown(name))?;
        if !answer.link.suits(answer.meaning, outputs) {
            return Err(InteropError::foreign(
                LIBRARY,
                format!("it answers '{name}' with {outputs} numbers a row; train one model a target"),
            ));
        }
        if (answer.link == Link::Softmax) != (classes > 0) {
            return Err(param.damaged(format!("num_class is {classes} where the objective is '{name}'")));
        }
        let base = bases(&param.get("base_score")?, outputs)?;
        let base: Vec<f64> = base
            .into_iter()
            .map(|base| f64::from(answer.score(base)))
            .collect();
        if base.iter().any(|score| !score.is_finite()) {
            return Err(param.damaged(format!("base_score is out of range for '{name}'")));
        }
        Ok(Self {
            features,
            outputs,
            answer,
            base,
        })
    }
}

fn unknown(objective: &str) -> InteropError {
    let what = format!(
        "its objective '{objective}' is not known; train it with one of XGBoost's own that gives scores"
    );
    InteropError::foreign(LIBRARY, what)
}

/// `base_score`: one number in a text, or since 3.1 a list of them in a text.
fn bases(place: &Place<'_>, outputs: usize) -> Result<Vec<f32>, InteropError> {
    let text = match place.value() {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let numbers = inner
        .unwrap_or(&text)
        .split(',')
        .map(|number| number.trim().parse::<f32>().ok());
    let numbers = numbers.collect::<Option<Vec<f32>>>();
    match numbers {
        Some(one) if one.len() == 1 => Ok(vec![one[0]; outputs]),
        Some(all) if all.len() == outputs => Ok(all),
        _ => Err(place.damaged(format!("a number, or {outputs} in brackets, belongs here"))),
    }
}

/// The model of trees, and DART's factors.
fn trees_of<'a>(booster: &Place<'a>) -> Result<(Place<'a>, Option<Place<'a>>), InteropError> {
    match booster.get("name")?.str()? {
        "gbtree" => Ok((booster.get("model")?, None)),
        "dart" => Ok((
            booster.get("gbtree")?.get("model")?,
            Some(booster.get("weight_drop")?),
        )),
        other => Err(InteropError::foreign(
            LIBRARY,
            format!("its booster is '{other}'; only gbtree and dart have trees"),
        )),
    }
}

fn read_trees(
    model: &Place<'_>,
    factors: Option<&Place<'_>>,
    mut reader: TreeReader<'_>,
) -> Result<Vec<BoostTree>, InteropError> {
    let list = model.get("trees")?;
    let count = list.array()?.len();
    let stated = model.get("gbtree_model_param")?.get("num_trees")?;
    if count_text(&stated, TREES_MAX)? != count {
        return Err(stated.damaged(format!("there are {count} trees")));
    }
    check_iterations(model, count)?;
    let outputs = model.get("tree_info")?.integers(Some(count))?;
    let factors = factors.map_or(Ok(vec![1.0; count]), |list| list.numbers(Some(count)))?;
    let mut trees = Vec::new();
    for (at, tree) in list.items()?.enumerate() {
        let output = usize::try_from(outputs[at])
            .ok()
            .filter(|output| *output < reader.outputs);
        let output = output.ok_or_else(|| tree.damaged(format!("it adds to output {}", outputs[at])))?;
        if tree
            .find("id")?
            .is_some_and(|id| id.value().as_u64() != Some(at as u64))
        {
            return Err(tree.damaged(format!("its id is not {at}")));
        }
        trees.push(reader.read(&tree, output as u32, factors[at] as f32)?);
    }
    let (same, all) = reader.repeated;
    match reader.first_odd {
        Some(place) if same * 2 > all => Err(model.damaged(format!(
            "a leaf answers otherwise than its base weight says ({place})"
        ))),
        _ => Ok(trees),
    }
}

/// Where each round's trees start: ascending, from 0 to the number of trees.
fn check_iterations(model: &Place<'_>, trees: usize) -> Result<(), InteropError> {
    let Some(list) = model.find("iteration_indptr")? else {
        return Ok(());
    };
    let starts = list.integers(None)?;
    let ends = (
        starts.first().copied().unwrap_or(0),
        starts.last().copied().unwrap_or(0),
    );
    if starts.is_sorted() && ends == (0, trees as i64) {
        Ok(())
    } else {
        Err(list.damaged(format!("ascending numbers from 0 to {trees} belong here")))
    }
}
