//! From words to comparisons.

use crate::StoreError;

/// What a name in a filter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    /// A property of the thing itself.
    Attribute,
    /// A metric, by its latest value.
    Metric,
    /// A parameter.
    Param,
    /// A tag.
    Tag,
    /// A data set that went in.
    Dataset,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `LIKE`: `%` stands for any characters, `_` for one.
    Like,
    /// `ILIKE`: the same, whatever the case.
    ILike,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// In quotes.
    Text(String),
    /// Without.
    Number(f64),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the key belongs to.
    pub entity: Entity,
    /// The key.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: one value, several for lists, none for NULL.
    pub values: Vec<Literal>,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What the key belongs to.
    pub entity: Entity,
    /// The key.
    pub key: String,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

/// Longest filter, in bytes.
const FILTER_MAX: usize = 64 << 10;
/// Most comparisons, and most values of a list.
const TERMS_MAX: usize = 200;

/// Reads a filter.
///
/// # Errors
/// [`StoreError::Filter`] with the place and what is allowed there.
pub fn parse_filter(text: &str) -> Result<Vec<Comparison>, StoreError> {
    let mut reader = Reader::new("filter", text)?;
    let mut comparisons = Vec::new();
    if reader.peek().is_none() {
        return Ok(comparisons);
    }
    loop {
        comparisons.push(reader.comparison()?);
        if comparisons.len() > TERMS_MAX {
            return reader.refuse(format!("more than {TERMS_MAX} comparisons"));
        }
        if reader.peek().is_none() {
            return Ok(comparisons);
        }
        if !reader.take_word("and") {
            return reader
                .refuse("expected AND or the end; OR and brackets around comparisons are not known");
        }
    }
}

/// Reads an order.
///
/// # Errors
/// As [`parse_filter`].
pub fn parse_order(text: &str) -> Result<Order, StoreError> {
    let mut reader = Reader::new("order", text)?;
    let (entity, key) = reader.name()?;
    let is_descending = reader.take_word("desc");
    if !is_descending {
        reader.take_word("asc");
    }
    if reader.peek().is_some() {
        return reader.refuse("expected ASC, DESC or the end");
    }
    Ok(Order {
        entity,
        key,
        is_descending,
    })
}

struct Reader<'a> {
    what: &'static str,
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(what: &'static str, text: &'a str) -> Result<Self, StoreError> {
        let reader = Self { what, text, at: 0 };
        if text.len() > FILTER_MAX {
            return reader.refuse(format!("longer than {FILTER_MAX} bytes"));
        }
        Ok(reader)
    }

    fn refuse<T>(&self, problem: impl Into<String>) -> Result<T, StoreError> {
        Err(StoreError::Filter {
            what: self.what,
            at: self.text[..self.at].chars().count() + 1,
            problem: problem.into(),
        })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.peek();
        let is_next = self.rest().starts_with(symbol);
        if is_next {
            self.at += symbol.len();
        }
        is_next
    }

    /// Takes a word of the grammar, in any case.
    fn take_word(&mut self, word: &str) -> bool {
        self.peek();
        let rest = self.rest();
        let ends = |rest: &str| rest.chars().next().is_none_or(|c| !is_key_character(c));
        let is_next = rest
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
            && ends(&rest[word.len()..]);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn comparison(&mut self) -> Result<Comparison, StoreError> {
        let (entity, key) = self.name()?;
        let operator = self.operator()?;
        let values = match operator {
            Operator::IsNull | Operator::IsNotNull => Vec::new(),
            Operator::In | Operator::NotIn => self.list()?,
            _ => vec![self.value()?],
        };
        Ok(Comparison {
            entity,
            key,
            operator,
            values,
        })
    }

    fn name(&mut self) -> Result<(Entity, String), StoreError> {
        let first = self.key()?;
        if !self.rest().starts_with('.') {
            return Ok((Entity::Attribute, first));
        }
        let entity = match first.to_ascii_lowercase().as_str() {
            "metric" | "metrics" => Entity::Metric,
            "param" | "params" | "parameter" | "parameters" => Entity::Param,
            "tag" | "tags" => Entity::Tag,
            "attribute" | "attributes" | "attr" | "run" => Entity::Attribute,
            "dataset" | "datasets" => Entity::Dataset,
            _ => {
                let problem = format!("{first:?} is none of metrics, params, tags, attributes, datasets");
                return self.refuse(problem);
            }
        };
        self.at += 1;
        let mut key = self.key()?;
        // A key without quotes may hold dots, as in `tags.mlflow.parentRunId`.
        while self.rest().starts_with('.') {
            self.at += 1;
            key.push('.');
            key.push_str(&self.key()?);
        }
        Ok((entity, key))
    }

    /// A word, or anything between double quotes or backquotes.
    fn key(&mut self) -> Result<String, StoreError> {
        match self.peek() {
            Some(quote @ ('"' | '`')) => self.quoted(quote),
            Some(first) if is_key_character(first) => {
                let rest = self.rest();
                let end = rest.find(|c| !is_key_character(c)).unwrap_or(rest.len());
                self.at += end;
                Ok(rest[..end].to_owned())
            }
            _ => self.refuse("expected a name, such as metrics.rmse or tags.`my tag`"),
        }
    }

    /// What is between quotes; the quote itself, doubled or behind a backslash, is a character.
    fn quoted(&mut self, quote: char) -> Result<String, StoreError> {
        let mut held = String::new();
        let mut characters = self.rest()[1..].char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            if (c == quote || c == '\\') && next == Some(quote) {
                held.push(quote);
                characters.next();
            } else if c == quote {
                self.at += 1 + at + 1;
                return Ok(held);
            } else {
                held.push(c);
            }
        }
        self.refuse(format!("the {quote} has no partner"))
    }

    fn operator(&mut self) -> Result<Operator, StoreError> {
        const SYMBOLS: [(&str, Operator); 8] = [
            ("!=", Operator::NotEqual),
            ("<>", Operator::NotEqual),
            (">=", Operator::GreaterEqual),
            ("<=", Operator::LessEqual),
            ("==", Operator::Equal),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        for (symbol, operator) in SYMBOLS {
            if self.take(symbol) {
                return Ok(operator);
            }
        }
        if self.take_word("like") {
            return Ok(Operator::Like);
        }
        if self.take_word("ilike") {
            return Ok(Operator::ILike);
        }
        if self.take_word("in") {
            return Ok(Operator::In);
        }
        if self.take_word("not") && self.take_word("in") {
            return Ok(Operator::NotIn);
        }
        if self.take_word("is") {
            let is_not = self.take_word("not");
            if self.take_word("null") {
                return Ok(if is_not {
                    Operator::IsNotNull
                } else {
                    Operator::IsNull
                });
            }
        }
        self.refuse("expected one of = != > >= < <= LIKE ILIKE IN NOT IN IS NULL IS NOT NULL")
    }

    fn list(&mut self) -> Result<Vec<Literal>, StoreError> {
        if !self.take("(") {
            return self.refuse("expected a list such as ('a', 'b')");
        }
        let mut values = vec![self.value()?];
        loop {
            if self.take(",") {
                // A comma before the closing bracket, as Python writes lists of one.
                if self.take(")") {
                    return Ok(values);
                }
                values.push(self.value()?);
            } else if self.take(")") {
                return Ok(values);
            } else {
                return self.refuse("expected a comma or the closing bracket");
            }
            if values.len() > TERMS_MAX {
                return self.refuse(format!("more than {TERMS_MAX} values"));
            }
        }
    }

    fn value(&mut self) -> Result<Literal, StoreError> {
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote).map(Literal::Text),
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => {
                let rest = self.rest();
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
                    .unwrap_or(rest.len());
                match rest[..end].parse::<f64>() {
                    Ok(number) if number.is_finite() => {
                        self.at += end;
                        Ok(Literal::Number(number))
                    }
                    _ => self.refuse("expected a finite number"),
                }
            }
            _ => self.refuse("expected a number, or a text between single quotes"),
        }
    }
}

fn is_key_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(filter: &str, entity: Entity, key: &str, operator: Operator, values: &[Literal]) {
        let found = parse_filter(filter).expect("a filter");
        let expected = Comparison {
            entity,
            key: key.to_owned(),
            operator,
            values: values.to_vec(),
        };
        assert_eq!(found, [expected], "{filter}");
    }

    #[test]
    fn comparisons_are_read() {
        let text = |text: &str| Literal::Text(text.to_owned());
        check(
            "metrics.rmse < 1e-3",
            Entity::Metric,
            "rmse",
            Operator::Less,
            &[Literal::Number(1e-3)],
        );
        check(
            "params.`a b` = 'x''y'",
            Entity::Param,
            "a b",
            Operator::Equal,
            &[text("x'y")],
        );
        check(
            "tags.mlflow.parentRunId='7'",
            Entity::Tag,
            "mlflow.parentRunId",
            Operator::Equal,
            &[text("7")],
        );
        check(
            "status != 'FAILED'",
            Entity::Attribute,
            "status",
            Operator::NotEqual,
            &[text("FAILED")],
        );
        check(
            "run_id NOT in ('a', \"b\",)",
            Entity::Attribute,
            "run_id",
            Operator::NotIn,
            &[text("a"), text("b")],
        );
        check(
            "tags.\"k\" is not null",
            Entity::Tag,
            "k",
            Operator::IsNotNull,
            &[],
        );
        check(
            "name ILIKE '%x_'",
            Entity::Attribute,
            "name",
            Operator::ILike,
            &[text("%x_")],
        );
        assert_eq!(
            parse_filter("metrics.a > 1 AND params.b = 'and' and tags.c = '('")
                .expect("three")
                .len(),
            3
        );
        assert!(parse_filter("  ").expect("nothing").is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (filter, at) in [
            ("metrics.a", 10),
            ("metrics.a >", 12),
            ("metrics.a > 1 OR metrics.b > 1", 15),
            ("x.a = 'b'", 2),
            ("params.a = 'b", 12),
            ("params.a IN 'b'", 13),
            ("metrics.a > nan", 13),
            ("metrics.a > 1e999", 13),
            ("'; DROP TABLE runs; --", 1),
        ] {
            match parse_filter(filter) {
                Err(StoreError::Filter { at: found, .. }) => assert_eq!(found, at, "{filter}"),
                other => panic!("{filter}: {other:?}"),
            }
        }
        assert!(parse_filter(&"metrics.a > 1 and ".repeat(300)).is_err());
    }

    #[test]
    fn orders_are_read() {
        let order = parse_order("metrics.`val loss` DESC").expect("an order");
        assert_eq!(
            (order.entity, order.key.as_str(), order.is_descending),
            (Entity::Metric, "val loss", true)
        );
        assert!(!parse_order("start_time").expect("an order").is_descending);
        assert!(parse_order("start_time; DROP").is_err());
    }

    proptest! {
        #[test]
        fn any_words_are_read_or_refused(text in "\\PC{0,80}") {
            let _ = parse_filter(&text);
            let _ = parse_order(&text);
        }

        #[test]
        fn pieces_of_filters_are_read_or_refused(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "metrics", ".", "a", " ", "=", "!=", "'", "\"", "`", "in", "not", "(", ")", ",", "and", "is", "null",
                "1", "-", "like", "é", "\\",
            ]), 0..24)
        ) {
            let _ = parse_filter(&pieces.concat());
        }

        #[test]
        fn any_key_and_text_come_back_as_they_went_in(key in "[^`\\\\]{1,20}", text in "[^'\\\\]{0,20}", n in -1e9..1e9f64) {
            let filter = format!("params.`{key}` = '{text}' AND metrics.`{key}` > {n:?}");
            let found = parse_filter(&filter).expect("a filter");
            prop_assert_eq!(&found[0].key, &key);
            prop_assert_eq!(&found[0].values, &[Literal::Text(text)]);
            prop_assert_eq!(&found[1].values, &[Literal::Number(n)]);
        }
    }
}
