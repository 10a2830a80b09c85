//! From comparisons to conditions of a statement.

use super::{Comparison, Entity, Literal, Operator, Order, parse_filter, parse_order};
use crate::StoreError;
use crate::sql::{Statement, Value};

/// What can be asked of one kind of thing.
pub(crate) struct Scope {
    /// What the things are called.
    pub(crate) what: &'static str,
    /// Names of attributes, with their columns.
    pub(crate) attributes: &'static [(&'static str, Column)],
    /// Table of metrics, and the condition that ties its rows to the thing.
    pub(crate) metrics: Option<(&'static str, &'static str)>,
    /// Table of parameters, likewise.
    pub(crate) params: Option<(&'static str, &'static str)>,
    /// Table of tags, likewise.
    pub(crate) tags: Option<(&'static str, &'static str)>,
    /// Tables of data sets, likewise.
    pub(crate) datasets: Option<(&'static str, &'static str)>,
    /// The order where nothing else decides.
    pub(crate) tie: &'static str,
}

/// A column of a thing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// Adds ` AND condition` for each comparison of a filter.
pub(crate) fn filter_terms(scope: &Scope, filter: &str, to: &mut Statement) -> Result<(), StoreError> {
    for comparison in parse_filter(filter)? {
        to.push(" AND ");
        match comparison.entity {
            Entity::Attribute => attribute(scope, &comparison, to)?,
            Entity::Metric => related(scope, &comparison, scope.metrics, to)?,
            Entity::Param => related(scope, &comparison, scope.params, to)?,
            Entity::Tag => related(scope, &comparison, scope.tags, to)?,
            Entity::Dataset => dataset(scope, &comparison, to)?,
        }
    }
    Ok(())
}

/// Adds `ORDER BY ..`; things without the value come last.
pub(crate) fn order_terms(
    scope: &Scope,
    orders: &[String],
    otherwise: &str,
    to: &mut Statement,
) -> Result<(), StoreError> {
    to.push(" ORDER BY ");
    for order in orders {
        let order = parse_order(order)?;
        order_term(scope, &order, to)?;
        to.push(", ");
    }
    if orders.is_empty() {
        to.push(otherwise).push(", ");
    }
    to.push(scope.tie);
    Ok(())
}

fn order_term(scope: &Scope, order: &Order, to: &mut Statement) -> Result<(), StoreError> {
    let direction = if order.is_descending { " DESC" } else { " ASC" };
    let (column, tie) = match order.entity {
        Entity::Attribute => match find(scope, &order.key)? {
            Column::Text(name) | Column::Number(name) => {
                // NULL is last in both directions, in both databases.
                to.push(&format!(
                    "CASE WHEN {name} IS NULL THEN 1 ELSE 0 END, {name}{direction}"
                ));
                return Ok(());
            }
        },
        Entity::Metric => ("CASE WHEN is_nan = 1 THEN NULL ELSE value END", scope.metrics),
        Entity::Param => ("value", scope.params),
        Entity::Tag => ("value", scope.tags),
        Entity::Dataset => ("value", None),
    };
    let Some((table, tie)) = tie else {
        return Err(unknown(scope, order.entity));
    };
    for (before, after) in [("CASE WHEN ", " IS NULL THEN 1 ELSE 0 END, "), ("", direction)] {
        to.push(before)
            .push(&format!(
                "(SELECT {column} FROM {table} WHERE {tie} AND {table}.key = "
            ))
            .bind(order.key.as_str())
            .push(")")
            .push(after);
    }
    Ok(())
}

/// The tag of things that are prompts for language models and live among the registered models.
const PROMPT: &str = "mlflow.prompt.is_prompt";

fn find(scope: &Scope, key: &str) -> Result<Column, StoreError> {
    let wanted = key.to_ascii_lowercase().replace(' ', "_");
    let found = scope.attributes.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, column)| *column).ok_or_else(|| {
        let names: Vec<&str> = scope.attributes.iter().map(|(name, _)| *name).collect();
        StoreError::invalid(
            format!("the attribute {key:?}"),
            format!("is none of {}; they have: {}", scope.what, names.join(", ")),
        )
    })
}

fn unknown(scope: &Scope, entity: Entity) -> StoreError {
    let name = format!("{entity:?}").to_ascii_lowercase();
    StoreError::invalid(
        "the filter or order",
        format!("names a {name}, which {} do not have", scope.what),
    )
}

fn attribute(scope: &Scope, comparison: &Comparison, to: &mut Statement) -> Result<(), StoreError> {
    match find(scope, &comparison.key)? {
        Column::Text(name) => compare_text(name, comparison, to),
        Column::Number(name) => compare_number(name, comparison, to),
    }
}

fn related(
    scope: &Scope,
    comparison: &Comparison,
    table: Option<(&str, &str)>,
    to: &mut Statement,
) -> Result<(), StoreError> {
    let (table, tie) = table.ok_or_else(|| unknown(scope, comparison.entity))?;
    let exists = format!("EXISTS (SELECT 1 FROM {table} WHERE {tie} AND {table}.key = ");
    match comparison.operator {
        Operator::IsNull => {
            to.push("NOT ")
                .push(&exists)
                .bind(comparison.key.as_str())
                .push(")");
            return Ok(());
        }
        Operator::IsNotNull => {
            to.push(&exists).bind(comparison.key.as_str()).push(")");
            return Ok(());
        }
        // An mlflow client puts this before each of its searches and means whatever is not marked as a prompt.
        Operator::NotEqual if comparison.entity == Entity::Tag && comparison.key == PROMPT => {
            to.push("NOT ").push(&exists).bind(PROMPT).push(" AND ");
            let equal = Comparison {
                operator: Operator::Equal,
                ..comparison.clone()
            };
            compare_text(&format!("{table}.value"), &equal, to)?;
            to.push(")");
            return Ok(());
        }
        _ => {}
    }
    to.push(&exists).bind(comparison.key.as_str()).push(" AND ");
    if comparison.entity == Entity::Metric {
        to.push(&format!("{table}.is_nan = 0 AND "));
        compare_number(&format!("{table}.value"), comparison, to)?;
    } else {
        compare_text(&format!("{table}.value"), comparison, to)?;
    }
    to.push(")");
    Ok(())
}

fn dataset(scope: &Scope, comparison: &Comparison, to: &mut Statement) -> Result<(), StoreError> {
    let (tables, tie) = scope.datasets.ok_or_else(|| unknown(scope, comparison.entity))?;
    to.push(&format!("EXISTS (SELECT 1 FROM {tables} WHERE {tie} AND "));
    match comparison.key.as_str() {
        "name" => compare_text("datasets.name", comparison, to)?,
        "digest" => compare_text("datasets.digest", comparison, to)?,
        "context" => {
            // Tags of inputs are kept as JSON, whose text is made here: keys in order, no blanks.
            let [Literal::Text(value)] = comparison.values.as_slice() else {
                return Err(StoreError::invalid(
                    "datasets.context",
                    "is compared with one text",
                ));
            };
            let held = serde_json::to_string(value).unwrap_or_default();
            to.push("inputs.tags LIKE ")
                .bind(format!("%\"mlflow.data.context\":{}%", escape_like(&held)))
                .push(" ESCAPE '\\'");
        }
        other => {
            let what = format!("the data set's property {other:?}");
            return Err(StoreError::invalid(what, "is none of name, digest, context"));
        }
    }
    to.push(")");
    Ok(())
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn compare_text(column: &str, comparison: &Comparison, to: &mut Statement) -> Result<(), StoreError> {
    let texts: Vec<String> = comparison
        .values
        .iter()
        .map(|value| match value {
            Literal::Text(text) => text.clone(),
            Literal::Number(number) => number.to_string(),
        })
        .collect();
    for text in &texts {
        crate::ids::require_text("a text of the filter", text, crate::ids::TAG_MAX)?;
    }
    if comparison.operator == Operator::ILike {
        to.push(&format!("LOWER({column}) LIKE "))
            .bind(texts[0].to_lowercase())
            .push(" ESCAPE '\\'");
        return Ok(());
    }
    to.push(column);
    match comparison.operator {
        Operator::Like => to.push(" LIKE ").bind(texts[0].as_str()).push(" ESCAPE '\\'"),
        Operator::In => to.push(" IN ").bind_list(texts),
        Operator::NotIn => to.push(" NOT IN ").bind_list(texts),
        other => order_symbol(other, texts.into_iter().next().map(Value::Text), to),
    };
    Ok(())
}

fn compare_number(column: &str, comparison: &Comparison, to: &mut Statement) -> Result<(), StoreError> {
    let mut numbers = Vec::new();
    for value in &comparison.values {
        match value {
            Literal::Number(number) => numbers.push(*number),
            Literal::Text(text) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => numbers.push(number),
                _ => {
                    let problem = format!("is a number and cannot be compared with {text:?}");
                    return Err(StoreError::invalid(comparison.key.clone(), problem));
                }
            },
        }
    }
    // Values of metrics are floating already, and their index knows them by that name alone.
    if column.ends_with(".value") {
        to.push(column);
    } else {
        to.push(&format!("CAST({column} AS DOUBLE PRECISION)"));
    }
    match comparison.operator {
        Operator::Like | Operator::ILike => {
            let problem = "is a number; compare it with = != > >= < <=";
            return Err(StoreError::invalid(comparison.key.clone(), problem));
        }
        Operator::In => to.push(" IN ").bind_list(numbers),
        Operator::NotIn => to.push(" NOT IN ").bind_list(numbers),
        other => order_symbol(other, numbers.first().map(|number| Value::Real(*number)), to),
    };
    Ok(())
}

/// Adds a symbol and its value, or a question for NULL.
fn order_symbol(operator: Operator, value: Option<Value>, to: &mut Statement) -> &mut Statement {
    let symbol = match operator {
        Operator::NotEqual => " != ",
        Operator::Greater => " > ",
        Operator::GreaterEqual => " >= ",
        Operator::Less => " < ",
        Operator::LessEqual => " <= ",
        Operator::IsNull => return to.push(" IS NULL"),
        Operator::IsNotNull => return to.push(" IS NOT NULL"),
        _ => " = ",
    };
    to.push(symbol).bind(value.unwrap_or(Value::Null))
}
