//! Reading a LightGBM model.

use kolosal_base::limits::{CLASSES_MAX, COLUMNS_MAX};

use super::super::checksum;
use super::super::columns::schema_of;
use super::super::sketch::SetBudget;
use super::super::{ImportedBooster, InteropError, Library};
use super::CHECKSUM;
use super::levels::read_columns;
use super::objective::{Answer, answer_of};
use super::text::{Block, Parts, cut};
use super::tree::TreeReader;
use crate::boost::BoostModel;
use crate::boost::compiled::CompiledCell;
use crate::boost::encoding::Encodings;
use crate::boost::model::BoostTree;

const LIBRARY: Library = Library::Lightgbm;

/// Reads a model that LightGBM saved as text.
///
/// Scores are LightGBM's raw ones times its `sigmoid`. One-versus-all probabilities are divided by their sum, which
/// LightGBM leaves to its caller.
///
/// # Errors
/// [`InteropError`] if the file contradicts itself or has an objective without a counterpart.
pub fn read_lightgbm(bytes: &[u8]) -> Result<ImportedBooster, InteropError> {
    let parts = cut(bytes)?;
    let booster = read_parts(&parts, bytes.len())?;
    if let Some(stated) = parts.header.find(CHECKSUM) {
        checksum::verify(&booster, stated)?;
    }
    Ok(booster)
}

/// Reads all but the checksum.
fn read_parts(parts: &Parts<'_>, file_bytes: usize) -> Result<ImportedBooster, InteropError> {
    let header = &parts.header;
    check_version(header)?;
    let last: usize = header.number("max_feature_idx")?;
    let features = last.checked_add(1).filter(|features| *features <= COLUMNS_MAX);
    let features = features
        .ok_or_else(|| header.damaged("max_feature_idx", format!("at most {COLUMNS_MAX} are read")))?;
    let outputs: usize = header.number("num_tree_per_iteration")?;
    let classes: usize = header.number("num_class")?;
    let answer = answer_of(header.find("objective"))?;
    if !(1..=CLASSES_MAX).contains(&outputs)
        || classes != outputs
        || !answer.link.suits(answer.meaning, outputs)
    {
        let what = format!("{outputs} trees a round and {classes} classes do not fit the objective");
        return Err(header.damaged("num_class", what));
    }
    let columns = read_columns(parts, features)?;
    let reader = TreeReader {
        columns: &columns,
        budget: SetBudget::for_file(file_bytes),
        factor: answer.factor / averaged(parts, outputs)?,
    };
    let trees = read_trees(parts, outputs, reader)?;
    let columns: Vec<_> = columns.into_iter().map(|column| column.column).collect();
    Ok(ImportedBooster {
        library: LIBRARY,
        objective: header.find("objective").unwrap_or("custom").to_owned(),
        schema: schema_of(&columns, LIBRARY)?,
        columns,
        classes: Vec::new(),
        model: model(answer, features, outputs, trees),
        combinations: Vec::new(),
    })
}

fn check_version(header: &Block<'_>) -> Result<(), InteropError> {
    match header.get("version")? {
        "v2" | "v3" | "v4" => Ok(()),
        other => Err(InteropError::foreign(
            LIBRARY,
            format!("its format is '{other:.20}', v2 to v4 are read; save it with LightGBM 4"),
        )),
    }
}

/// What the sum of trees is divided by.
fn averaged(parts: &Parts<'_>, outputs: usize) -> Result<f64, InteropError> {
    if !parts.trees.len().is_multiple_of(outputs) {
        let what = format!("{} trees in rounds of {outputs}", parts.trees.len());
        return Err(parts.header.damaged("num_tree_per_iteration", what));
    }
    let rounds = (parts.trees.len() / outputs).max(1);
    Ok(if parts.header.find("average_output").is_some() {
        rounds as f64
    } else {
        1.0
    })
}

fn read_trees(
    parts: &Parts<'_>,
    outputs: usize,
    mut reader: TreeReader<'_>,
) -> Result<Vec<BoostTree>, InteropError> {
    let mut trees = Vec::with_capacity(parts.trees.len());
    for (at, block) in parts.trees.iter().enumerate() {
        if block.number::<usize>("Tree")? != at {
            return Err(block.damaged("Tree", format!("tree {at} belongs here")));
        }
        let tree = reader.read(block, (at % outputs) as u32)?;
        if let Some(lines) = &tree.lines {
            let beyond = lines
                .columns
                .iter()
                .any(|column| *column as usize >= reader.columns.len());
            if beyond {
                return Err(block.damaged("leaf_features", "a line has a feature that is not there"));
            }
        }
        trees.push(tree);
    }
    Ok(trees)
}

fn model(answer: Answer, features: usize, outputs: usize, trees: Vec<BoostTree>) -> BoostModel {
    BoostModel {
        meaning: answer.meaning,
        link: answer.link,
        features,
        base: vec![0.0; outputs],
        trees,
        encodings: Encodings::default(),
        compiled: CompiledCell::default(),
    }
}
