//! Reading a CatBoost model.

use serde_json::Value;

use super::super::columns::schema_of;
use super::super::place::{Place, parse_json};
use super::super::{ImportedBooster, InteropError, Library};
use super::columns::Columns;
use super::objective::answer_of;
use super::rules::Rules;
use super::statistic::Statistic;
use super::tree::TreeReader;
use crate::boost::BoostModel;
use crate::boost::compiled::CompiledCell;
use crate::boost::encoding::Encodings;
use crate::boost::model::BoostTree;

const LIBRARY: Library = Library::Catboost;

/// Reads a model that CatBoost saved as JSON, with its pool where it has categories
/// (`save_model(path, format="json", pool=pool)`): else the file does not name them.
///
/// A missing category counts as the level `""` or `"nan"` where the model knows one of them, and as unseen otherwise. The
/// reader answers NaN in a column that had none in training as CatBoost's applier does: as below every border.
///
/// # Errors
/// [`InteropError`] if the file contradicts itself, or has a loss, a statistic or a kind of column without a counterpart.
pub fn read_catboost_json(bytes: &[u8]) -> Result<ImportedBooster, InteropError> {
    let document = parse_json(LIBRARY, bytes)?;
    let top = Place::root(LIBRARY, &document);
    let info = top.get("features_info")?;
    let mut columns = Columns::read(&info)?;
    columns.name_levels(&info)?;
    let statistics = read_statistics(&top, &info, &columns)?;
    let combined = statistics
        .iter()
        .filter(|statistic| statistic.members.single().is_none());
    let combinations = combined
        .map(|statistic| statistic.combination(&columns))
        .collect::<Vec<_>>();
    let model_info = top.get("model_info")?;
    let loss = model_info
        .get("params")?
        .get("loss_function")?
        .get("type")?
        .str()?;
    let rules = Rules::new(&columns, &statistics, bytes.len());
    let model = read_model(&top, loss, columns.count() + combinations.len(), rules)?;
    let described = columns.describe();
    Ok(ImportedBooster {
        library: LIBRARY,
        objective: loss.to_owned(),
        schema: schema_of(&described, LIBRARY)?,
        columns: described,
        classes: classes(&model_info)?,
        model,
        combinations,
    })
}

fn read_statistics(
    top: &Place<'_>,
    info: &Place<'_>,
    columns: &Columns,
) -> Result<Vec<Statistic>, InteropError> {
    let Some(list) = info
        .find("ctrs")?
        .filter(|list| list.array().is_ok_and(|items| !items.is_empty()))
    else {
        return Ok(Vec::new());
    };
    let data = top.get("ctr_data")?;
    let items = list.items()?;
    items
        .map(|entry| Statistic::read(&entry, &data, columns))
        .collect()
}

fn classes(info: &Place<'_>) -> Result<Vec<String>, InteropError> {
    let Some(params) = info.find("class_params")? else {
        return Ok(Vec::new());
    };
    let Some(names) = params.find("class_names")? else {
        return Ok(Vec::new());
    };
    let name = |value: &Value| match value {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    };
    Ok(names.array()?.iter().map(name).collect())
}

fn read_model(
    top: &Place<'_>,
    loss: &str,
    features: usize,
    rules: Rules<'_>,
) -> Result<BoostModel, InteropError> {
    let pair = top.get("scale_and_bias")?;
    let parts: Vec<Place<'_>> = pair.items()?.collect();
    let [scale, bias] = &parts[..] else {
        return Err(pair.damaged("a number and a list belong here"));
    };
    let base = if bias.value().is_array() {
        bias.numbers(None)?
    } else {
        vec![bias.number()?]
    };
    let (link, meaning) = answer_of(loss)?;
    if !link.suits(meaning, base.len()) {
        return Err(pair.damaged(format!(
            "{} biases do not fit the loss function '{loss}'",
            base.len()
        )));
    }
    let mut reader = TreeReader {
        rules,
        outputs: base.len(),
        scale: scale.number()?,
    };
    Ok(BoostModel {
        meaning,
        link,
        features,
        trees: read_trees(top, &mut reader)?,
        base,
        encodings: Encodings::default(),
        compiled: CompiledCell::default(),
    })
}

fn read_trees(top: &Place<'_>, reader: &mut TreeReader<'_>) -> Result<Vec<BoostTree>, InteropError> {
    if let Some(list) = top.find("oblivious_trees")? {
        return list.items()?.map(|tree| reader.oblivious(&tree)).collect();
    }
    let list = top.get("trees")?;
    list.items()?.map(|tree| reader.nested(&tree)).collect()
}
