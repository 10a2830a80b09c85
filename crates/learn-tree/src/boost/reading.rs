//! Parameters that are texts: directions of columns, sets of columns, lists of numbers, names of metrics.
//!
//! Columns are given by name or by number, as the originals take them: `1,0,-1` or `age:1,height:-1` for directions,
//! `[[0,1],[2,3]]` or `[[age,height],[weight]]` for sets.

use kolosal_frame::{Schema, closest};
use kolosal_learner::{Metric, ParamError, find_metric};

/// Names the columns of a table for parameters that speak of them.
pub(crate) struct Reading<'a> {
    pub(crate) schema: &'a Schema,
}

impl Reading<'_> {
    /// Directions, one a column; empty if none is given.
    pub(crate) fn directions(&self, name: &'static str, text: &str) -> Result<Vec<i8>, ParamError> {
        let unreadable = |problem: String| unreadable(name, text, problem);
        let items: Vec<&str> = bare(text)
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect();
        let columns = self.schema.len();
        let mut directions = vec![0; columns];
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let by_name = items.iter().any(|item| item.contains(':'));
        if !by_name && items.len() != columns {
            let problem = format!(
                "it has {} directions for {columns} columns: give one a column, or name:direction",
                items.len()
            );
            return Err(unreadable(problem));
        }
        for (at, item) in items.iter().enumerate() {
            let (column, direction) = match item.rsplit_once(':') {
                Some((column, direction)) => (self.column(column).map_err(unreadable)?, direction),
                None => (at, *item),
            };
            directions[column] = match direction.trim() {
                "1" | "+1" => 1,
                "0" => 0,
                "-1" => -1,
                other => return Err(unreadable(format!("'{other}' is no direction: use 1, 0 or -1"))),
            };
            let field = &self.schema.fields()[column];
            if directions[column] != 0 && field.kind.is_coded() {
                let problem = format!("column '{}' holds categories, which have no order", field.name);
                return Err(unreadable(problem));
            }
        }
        Ok(directions)
    }

    /// Sets of columns; empty if none is given.
    pub(crate) fn sets(&self, name: &'static str, text: &str) -> Result<Vec<Vec<u32>>, ParamError> {
        let inner = text.trim();
        if inner.is_empty() {
            return Ok(Vec::new());
        }
        let inner = match inner.strip_prefix("[[") {
            Some(_) => inner[1..].strip_suffix(']').unwrap_or(inner),
            None => inner,
        };
        let mut sets = Vec::new();
        for part in inner.split('[').skip(1) {
            let Some((items, _)) = part.split_once(']') else {
                return Err(unreadable(
                    name,
                    text,
                    "a bracket is not closed: write [[a,b],[c,d]]".to_owned(),
                ));
            };
            let columns = items
                .split(',')
                .map(|item| self.column(item).map(|column| column as u32));
            let columns: Result<Vec<u32>, String> = columns.collect();
            sets.push(columns.map_err(|problem| unreadable(name, text, problem))?);
        }
        if sets.is_empty() {
            return Err(unreadable(
                name,
                text,
                "there is no set in it: write [[a,b],[c,d]]".to_owned(),
            ));
        }
        Ok(sets)
    }

    /// A column by name or number.
    fn column(&self, text: &str) -> Result<usize, String> {
        let wanted = text.trim().trim_matches(['"', '\'']);
        let fields = self.schema.fields();
        if let Some(at) = fields.iter().position(|field| field.name == wanted) {
            return Ok(at);
        }
        match wanted.parse::<usize>() {
            Ok(at) if at < fields.len() => Ok(at),
            _ => {
                let close = closest(wanted, fields.iter().map(|field| field.name.as_str()));
                let hint = if close.is_empty() {
                    String::new()
                } else {
                    format!(", did you mean {}?", close.join(" or "))
                };
                Err(format!(
                    "there is no column '{wanted}' among {}{hint}",
                    fields.len()
                ))
            }
        }
    }
}

/// A metric by name; `None` for the objective's own loss.
pub(crate) fn metric(name: &'static str, text: &str) -> Result<Option<&'static dyn Metric>, ParamError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    find_metric(text)
        .map(Some)
        .map_err(|error| unreadable(name, text, error.to_string()))
}

fn bare(text: &str) -> &str {
    text.trim()
        .trim_start_matches(['(', '['])
        .trim_end_matches([')', ']'])
}

fn unreadable(name: &'static str, value: &str, problem: String) -> ParamError {
    ParamError::Unreadable {
        name,
        value: value.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::{Field, Kind};

    fn schema() -> Schema {
        let field = |name| Field::new(name, Kind::Numeric, "test");
        Schema::new(vec![field("age"), field("height"), field("2")]).expect("distinct names")
    }

    fn directions(text: &str) -> Result<Vec<i8>, String> {
        let schema = schema();
        Reading { schema: &schema }
            .directions("monotone", text)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn directions_are_read_by_place_or_name() {
        assert_eq!(directions(""), Ok(vec![]));
        assert_eq!(directions("1, 0,-1"), Ok(vec![1, 0, -1]));
        assert_eq!(directions("(1,0,0)"), Ok(vec![1, 0, 0]));
        assert_eq!(directions("height:+1,2:-1"), Ok(vec![0, 1, -1]));
        assert_eq!(
            directions("1,0"),
            Err("parameter monotone is '1,0': it has 2 directions for 3 columns: give one a column, or name:direction".to_owned())
        );
        assert_eq!(
            directions("heigt:1"),
            Err(
                "parameter monotone is 'heigt:1': there is no column 'heigt' among 3, did you mean height?"
                    .to_owned()
            )
        );
        assert_eq!(
            directions("1,0,2"),
            Err("parameter monotone is '1,0,2': '2' is no direction: use 1, 0 or -1".to_owned())
        );
    }

    #[test]
    fn sets_are_read_with_names_and_numbers() {
        let schema = schema();
        let reading = Reading { schema: &schema };
        let sets = |text| reading.sets("sets", text).map_err(|e| e.to_string());
        assert_eq!(sets(""), Ok(vec![]));
        assert_eq!(sets("[[0,1],[2]]"), Ok(vec![vec![0, 1], vec![2]]));
        assert_eq!(sets("[age,\"height\"],[2]"), Ok(vec![vec![0, 1], vec![2]]));
        assert!(sets("[[0,9]]").is_err_and(|e| e.contains("no column '9'")));
        assert!(sets("0,1").is_err_and(|e| e.contains("no set")));
        assert!(sets("[[0,1").is_err_and(|e| e.contains("not closed")));
    }
}
