//! Predictions: rows as JSON objects, and the Open Inference Protocol, version 2, with a tensor a column.

use std::sync::Arc;

use kolosal_platform::{Cell, RowAnswer, RowAnswers, Rows};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Failure, Handled};
use crate::args::text_in;
use crate::gate::Call;
use crate::resident::Resident;

/// `{"rows": [{column: value, ..}, ..], "version": number or alias}` to a prediction a row.
pub(crate) fn predict(call: &Call<'_>) -> Handled {
    let maps = call.args.objects("rows")?;
    let rows = rows_of(&maps, call.shared.settings.limits.rows_max)?;
    let wanted = call.args.text("version")?;
    let wanted = Some(wanted.as_str()).filter(|wanted| !wanted.is_empty());
    let resident = call
        .shared
        .residents
        .get(call.shared, call.place("name"), wanted)?;
    let answers = call.shared.platform.answer(&resident.model, &rows)?;
    Ok(Answer::Json(predictions_json(&resident, &answers)))
}

fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::Null => Some(Cell::Missing),
        Value::Bool(flag) => Some(Cell::Text(flag.to_string())),
        Value::Number(number) => number.as_f64().map(Cell::Number),
        Value::String(text) if text.is_empty() => Some(Cell::Missing),
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn rows_of(maps: &[&Map<String, Value>], rows_max: usize) -> Result<Rows, Failure> {
    if maps.is_empty() {
        return Err(Failure::invalid(
            "rows must be a list of at least one object, column by value",
        ));
    }
    if maps.len() > rows_max {
        return Err(Failure::status(
            413,
            "INVALID_PARAMETER_VALUE",
            format!("at most {rows_max} rows at once"),
        ));
    }
    let mut rows = Rows {
        count: maps.len(),
        ..Rows::default()
    };
    for (at, map) in maps.iter().enumerate() {
        for (column, value) in *map {
            let cell = cell(value).ok_or_else(|| {
                Failure::invalid(format!(
                    "row {}, column '{column}': a value is a number, a text, true, false or null",
                    at + 1
                ))
            })?;
            if let Some(cells) = rows.columns.get_mut(column) {
                cells[at] = cell;
            } else {
                let mut cells = vec![Cell::Missing; maps.len()];
                cells[at] = cell;
                rows.columns.insert(column.clone(), cells);
            }
        }
    }
    Ok(rows)
}

fn predictions_json(resident: &Resident, answers: &RowAnswers) -> Value {
    let class = |at: usize| answers.classes.get(at).cloned().unwrap_or_default();
    let prediction = |answer: &Option<RowAnswer>| match answer {
        None => Value::Null,
        Some(RowAnswer::Number(value)) => json!({ "prediction": value }),
        Some(RowAnswer::Class(at, shares)) => json!({ "prediction": class(*at), "probabilities": shares }),
        Some(RowAnswer::Anomaly(is_strange, score)) => {
            json!({ "prediction": if *is_strange { "strange" } else { "usual" }, "score": score })
        }
        Some(RowAnswer::Group(group, strength)) => json!({ "prediction": group, "strength": strength }),
    };
    let mut answer = json!({
        "model": resident.version.model,
        "version": resident.version.version,
        "predictions": answers.answers.iter().map(prediction).collect::<Vec<_>>(),
    });
    if !answers.classes.is_empty() {
        answer["classes"] = json!(answers.classes);
    }
    if !answers.problems.is_empty() {
        let problem = |problem: &kolosal_platform::RowProblem| json!({ "row": problem.row, "column": problem.column, "message": problem.message });
        answer["errors"] = answers.problems.iter().map(problem).collect();
    }
    answer
}

pub(crate) fn live(_: &Call<'_>) -> Handled {
    Ok(Answer::Json(json!({ "live": true })))
}

pub(crate) fn ready(call: &Call<'_>) -> Handled {
    match call.store().probe() {
        Ok(()) => Ok(Answer::Json(json!({ "ready": true }))),
        Err(_) => Ok(Answer::JsonStatus(503, json!({ "ready": false }))),
    }
}

pub(crate) fn server(_: &Call<'_>) -> Handled {
    Ok(Answer::Json(
        json!({ "name": "kolosal", "version": env!("CARGO_PKG_VERSION"), "extensions": [] }),
    ))
}

fn resident(call: &Call<'_>) -> Result<Arc<Resident>, Failure> {
    let wanted = Some(call.place("version")).filter(|wanted| !wanted.is_empty());
    call.shared.residents.get(call.shared, call.place("name"), wanted)
}

pub(crate) fn model_ready(call: &Call<'_>) -> Handled {
    let resident = resident(call)?;
    Ok(Answer::Json(
        json!({ "name": resident.version.model, "ready": true }),
    ))
}

/// Whether a column's tensor holds texts.
fn is_text(kind: &str) -> bool {
    !matches!(kind, "numeric" | "integer")
}

/// Outputs by name, with their kinds and widths.
fn outputs(resident: &Resident) -> Vec<(&'static str, &'static str, usize)> {
    let classes = resident.model.manifest.classes.len();
    match resident.model.manifest.task.as_str() {
        "binary" | "multiclass" => vec![("prediction", "BYTES", 1), ("probabilities", "FP64", classes)],
        "anomaly" => vec![("prediction", "BYTES", 1), ("score", "FP64", 1)],
        "clustering" => vec![("prediction", "INT64", 1), ("strength", "FP64", 1)],
        _ => vec![("prediction", "FP64", 1)],
    }
}

pub(crate) fn metadata(call: &Call<'_>) -> Handled {
    let resident = resident(call)?;
    let input = |feature: &kolosal_platform::FeatureEntry| {
        let datatype = if is_text(&feature.kind) { "BYTES" } else { "FP64" };
        json!({ "name": feature.name, "datatype": datatype, "shape": [-1] })
    };
    let output = |(name, datatype, width): &(&str, &str, usize)| {
        let shape = if *width == 1 {
            vec![-1]
        } else {
            vec![-1, *width as i64]
        };
        json!({ "name": name, "datatype": datatype, "shape": shape })
    };
    Ok(Answer::Json(json!({
        "name": resident.version.model,
        "versions": [resident.version.version.to_string()],
        "platform": "kolosal",
        "inputs": resident.model.manifest.features.iter().map(input).collect::<Vec<_>>(),
        "outputs": outputs(&resident).iter().map(output).collect::<Vec<_>>(),
    })))
}

const NUMBERS: [&str; 11] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64",
];

/// Most dimensions, and most nested lists, of a tensor.
const DIMENSIONS_MAX: usize = 8;

pub(crate) fn infer(call: &Call<'_>) -> Handled {
    let resident = resident(call)?;
    let mut rows = Rows::default();
    let tensors = call.args.objects("inputs")?;
    if tensors.is_empty() {
        return Err(Failure::invalid(
            "inputs must hold a tensor for each column of the model",
        ));
    }
    for tensor in tensors {
        let name = text_in(tensor, "name")?;
        if resident
            .model
            .manifest
            .features
            .iter()
            .all(|feature| feature.name != name)
        {
            return Err(Failure::invalid(format!("the model has no input '{name}'")));
        }
        let cells = tensor_cells(tensor, &name, call.shared.settings.limits.rows_max)?;
        if !rows.columns.is_empty() && cells.len() != rows.count {
            let message = format!(
                "input '{name}' has {} values, those before it {}",
                cells.len(),
                rows.count
            );
            return Err(Failure::invalid(message));
        }
        rows.count = cells.len();
        if rows.columns.insert(name.clone(), cells).is_some() {
            return Err(Failure::invalid(format!("input '{name}' is there twice")));
        }
    }
    let wanted = call
        .args
        .objects("outputs")?
        .into_iter()
        .map(|map| text_in(map, "name"));
    let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
    let known = outputs(&resident);
    if let Some(unknown) = wanted
        .iter()
        .find(|name| known.iter().all(|(known, ..)| known != name))
    {
        return Err(Failure::invalid(format!("the model has no output '{unknown}'")));
    }
    let answers = call.shared.platform.answer(&resident.model, &rows)?;
    // A tensor has no place for a row without an answer.
    if let Some(problem) = answers.problems.first() {
        return Err(Failure::invalid(problem.message.clone()));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let tensors = known
        .iter()
        .filter(|(name, ..)| is_wanted(name))
        .map(|output| tensor_json(output, &answers));
    Ok(Answer::Json(json!({
        "model_name": resident.version.model,
        "model_version": resident.version.version.to_string(),
        "id": call.args.text("id")?,
        "outputs": tensors.collect::<Vec<_>>(),
    })))
}

/// A tensor's values, checked against its kind and shape before anything is made of them.
fn tensor_cells(tensor: &Map<String, Value>, name: &str, rows_max: usize) -> Result<Vec<Cell>, Failure> {
    let refuse = |problem: &str| Failure::invalid(format!("input '{name}': {problem}"));
    let datatype = text_in(tensor, "datatype")?;
    if datatype != "BYTES" && !NUMBERS.contains(&datatype.as_str()) {
        return Err(refuse(
            "the datatype must be one of BOOL, UINT8..64, INT8..64, FP32, FP64, BYTES",
        ));
    }
    let shape = tensor
        .get("shape")
        .and_then(Value::as_array)
        .ok_or_else(|| refuse("the shape is missing"))?;
    if shape.is_empty() || shape.len() > DIMENSIONS_MAX {
        return Err(refuse("the shape must have 1 to 8 dimensions"));
    }
    let mut count: u64 = 1;
    for size in shape {
        let size = size
            .as_u64()
            .filter(|size| *size > 0)
            .ok_or_else(|| refuse("sizes are positive whole numbers"))?;
        count = count
            .checked_mul(size)
            .ok_or_else(|| refuse("the shape is too large"))?;
    }
    if count > rows_max as u64 {
        return Err(refuse(&format!("at most {rows_max} rows at once")));
    }
    if shape[1..].iter().any(|size| size.as_u64() != Some(1)) {
        return Err(refuse("a column has the shape [rows] or [rows, 1]"));
    }
    let data = tensor
        .get("data")
        .and_then(Value::as_array)
        .ok_or_else(|| refuse("the data are missing"))?;
    let mut cells = Vec::new();
    flatten(
        data,
        &mut cells,
        DIMENSIONS_MAX,
        &mut |value| match (datatype.as_str(), value) {
            (_, Value::Null) => Some(Cell::Missing),
            ("BYTES", Value::String(_)) | ("BOOL", Value::Bool(_)) => cell(value),
            ("BYTES" | "BOOL", _) => None,
            (kind, Value::Number(number)) => {
                let fits = kind.starts_with("FP") || number.is_i64() || number.is_u64();
                fits.then(|| number.as_f64().map(Cell::Number)).flatten()
            }
            _ => None,
        },
    )
    .ok_or_else(|| {
        refuse(&format!(
            "a value is no {datatype}, or lists are nested too deeply"
        ))
    })?;
    if cells.len() as u64 != count {
        return Err(refuse(&format!(
            "the shape says {count} values, the data hold {}",
            cells.len()
        )));
    }
    Ok(cells)
}

fn flatten(
    data: &[Value],
    to: &mut Vec<Cell>,
    depth: usize,
    read: &mut dyn FnMut(&Value) -> Option<Cell>,
) -> Option<()> {
    for value in data {
        match value {
            Value::Array(inner) => flatten(inner, to, depth.checked_sub(1)?, read)?,
            value => to.push(read(value)?),
        }
    }
    Some(())
}

fn tensor_json((name, datatype, width): &(&str, &str, usize), answers: &RowAnswers) -> Value {
    let mut data: Vec<Value> = Vec::with_capacity(answers.answers.len() * width);
    for answer in answers.answers.iter().flatten() {
        match (*name, answer) {
            ("prediction", RowAnswer::Number(value)) => data.push(json!(value)),
            ("prediction", RowAnswer::Class(at, _)) => data.push(json!(answers.classes.get(*at))),
            ("prediction", RowAnswer::Anomaly(is_strange, _)) => {
                data.push(json!(if *is_strange { "strange" } else { "usual" }));
            }
            ("prediction", RowAnswer::Group(group, _)) => data.push(json!(group.map_or(-1, i64::from))),
            (_, RowAnswer::Class(_, shares)) => data.extend(shares.iter().map(|share| json!(share))),
            (_, RowAnswer::Anomaly(_, value) | RowAnswer::Group(_, value) | RowAnswer::Number(value)) => {
                data.push(json!(value));
            }
        }
    }
    let rows = answers.answers.len();
    let shape = if *width == 1 {
        vec![rows]
    } else {
        vec![rows, *width]
    };
    json!({ "name": name, "datatype": datatype, "shape": shape, "data": data })
}
