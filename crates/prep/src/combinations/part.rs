//! One combination: how its values come from a row.

use kolosal_frame::{FrameView, MISSING};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Sum,
    Difference,
    Product,
    Quotient,
}

impl Operation {
    pub(super) const ALL: [Self; 4] = [Self::Sum, Self::Difference, Self::Product, Self::Quotient];

    fn sign(self) -> char {
        match self {
            Self::Sum => '+',
            Self::Difference => '-',
            Self::Product => '*',
            Self::Quotient => '/',
        }
    }

    /// The result, missing where it is no finite number.
    pub(super) fn of(self, a: f64, b: f64) -> f64 {
        let result = match self {
            Self::Sum => a + b,
            Self::Difference => a - b,
            Self::Product => a * b,
            Self::Quotient => a / b,
        };
        if result.is_finite() { result } else { f64::NAN }
    }

    fn code(self) -> u8 {
        Self::ALL.iter().position(|o| *o == self).expect("all are listed") as u8
    }
}

/// A combination of columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Two numbers.
    Arithmetic {
        first: usize,
        second: usize,
        operation: Operation,
    },
    /// One or two categories, as what the target is on average.
    Encoded { columns: Vec<usize>, table: Table },
    /// A number's distance from its mean within a category.
    Group {
        category: usize,
        number: usize,
        /// The mean of each level, then that of all rows.
        means: Vec<f64>,
    },
}

/// Target means by key; every output has one a key, and one for keys never seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// Rising.
    pub(super) keys: Vec<u64>,
    pub(super) outputs: Vec<Vec<f64>>,
    pub(super) priors: Vec<f64>,
}

impl Part {
    /// How many columns it makes.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Encoded { table, .. } => table.outputs.len(),
            _ => 1,
        }
    }

    /// The column that it is counted for.
    pub(super) fn origin(&self) -> usize {
        match self {
            Self::Arithmetic { first, .. } => *first,
            Self::Encoded { columns, .. } => columns[0],
            Self::Group { number, .. } => *number,
        }
    }

    /// The columns it reads as numbers, and those it reads as categories.
    pub(super) fn reads(&self) -> (Vec<usize>, Vec<usize>) {
        match self {
            Self::Arithmetic { first, second, .. } => (vec![*first, *second], Vec::new()),
            Self::Encoded { columns, .. } => (Vec::new(), columns.clone()),
            Self::Group { category, number, .. } => (vec![*number], vec![*category]),
        }
    }

    pub(super) fn names(&self, x: FrameView<'_>) -> Vec<String> {
        let name = |at: usize| x.frame().schema().fields()[at].name.as_str();
        match self {
            Self::Arithmetic {
                first,
                second,
                operation,
            } => vec![format!("{} {} {}", name(*first), operation.sign(), name(*second))],
            Self::Encoded { columns, table } => {
                let joined: Vec<&str> = columns.iter().map(|&at| name(at)).collect();
                vec![format!("{} target mean", joined.join(" & ")); table.outputs.len()]
            }
            Self::Group { category, number, .. } => {
                vec![format!(
                    "{} beside its mean by {}",
                    name(*number),
                    name(*category)
                )]
            }
        }
    }

    /// Its columns for any rows.
    pub(super) fn apply(&self, x: FrameView<'_>) -> Vec<Vec<f64>> {
        match self {
            Self::Arithmetic {
                first,
                second,
                operation,
            } => {
                let (a, b) = (x.numbers(*first), x.numbers(*second));
                vec![a.iter().zip(&b).map(|(&a, &b)| operation.of(a, b)).collect()]
            }
            Self::Encoded { columns, table } => {
                let keys = keys_of(x, columns);
                let slots: Vec<Option<usize>> = keys
                    .iter()
                    .map(|key| table.keys.binary_search(key).ok())
                    .collect();
                let outputs = table.outputs.iter().zip(&table.priors);
                outputs
                    .map(|(values, prior)| {
                        slots
                            .iter()
                            .map(|slot| slot.map_or(*prior, |at| values[at]))
                            .collect()
                    })
                    .collect()
            }
            Self::Group {
                category,
                number,
                means,
            } => {
                let rest = means.len() - 1;
                let (codes, values) = (x.codes(*category), x.numbers(*number));
                let pairs = codes.iter().zip(&values);
                vec![
                    pairs
                        .map(|(&code, &value)| value - means[(code as usize).min(rest)])
                        .collect(),
                ]
            }
        }
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        match self {
            Self::Arithmetic {
                first,
                second,
                operation,
            } => {
                to.u8(0);
                to.u32(*first as u32);
                to.u32(*second as u32);
                to.u8(operation.code());
            }
            Self::Encoded { columns, table } => {
                to.u8(1);
                to.u32s(&columns.iter().map(|&at| at as u32).collect::<Vec<_>>());
                to.u64(table.keys.len() as u64);
                table.keys.iter().for_each(|&key| to.u64(key));
                to.u64(table.outputs.len() as u64);
                table.outputs.iter().for_each(|values| to.f64s(values));
                to.f64s(&table.priors);
            }
            Self::Group {
                category,
                number,
                means,
            } => {
                to.u8(2);
                to.u32(*category as u32);
                to.u32(*number as u32);
                to.f64s(means);
            }
        }
    }

    /// Reads a part of a table with so many columns.
    pub(super) fn load(from: &mut Decoder<'_>, inputs: usize) -> Result<Self, ArtifactError> {
        let column = |at: u32| {
            let is_there = (at as usize) < inputs;
            is_there
                .then_some(at as usize)
                .ok_or_else(|| ArtifactError::damaged("a combination of a column that does not exist"))
        };
        match from.u8()? {
            0 => {
                let (first, second) = (column(from.u32()?)?, column(from.u32()?)?);
                let operation = Operation::ALL.get(from.u8()? as usize).copied();
                Ok(Self::Arithmetic {
                    first,
                    second,
                    operation: operation.ok_or_else(|| ArtifactError::damaged("an unknown operation"))?,
                })
            }
            1 => {
                let columns = from
                    .u32s()?
                    .into_iter()
                    .map(column)
                    .collect::<Result<Vec<_>, _>>()?;
                if !(1..=2).contains(&columns.len()) {
                    return Err(ArtifactError::damaged("a combination of no or too many columns"));
                }
                let table = load_table(from)?;
                Ok(Self::Encoded { columns, table })
            }
            2 => {
                let (category, number) = (column(from.u32()?)?, column(from.u32()?)?);
                let means = from.f64s()?;
                if means.is_empty() || !means.iter().all(|mean| mean.is_finite()) {
                    return Err(ArtifactError::damaged("means of groups that are no numbers"));
                }
                Ok(Self::Group {
                    category,
                    number,
                    means,
                })
            }
            _ => Err(ArtifactError::damaged("an unknown combination")),
        }
    }
}

fn load_table(from: &mut Decoder<'_>) -> Result<Table, ArtifactError> {
    let count = from.count("keys", from.remaining() / 8)?;
    let keys = (0..count).map(|_| from.u64()).collect::<Result<Vec<_>, _>>()?;
    let outputs = from.count("outputs", from.remaining() / 8)?;
    let outputs = (0..outputs).map(|_| from.f64s()).collect::<Result<Vec<_>, _>>()?;
    let priors = from.f64s()?;
    let is_sound = keys.windows(2).all(|pair| pair[0] < pair[1])
        && priors.len() == outputs.len()
        && !outputs.is_empty()
        && outputs.iter().all(|values| values.len() == keys.len())
        && outputs.iter().flatten().chain(&priors).all(|v| v.is_finite());
    if !is_sound {
        return Err(ArtifactError::damaged("target means do not fit together"));
    }
    Ok(Table {
        keys,
        outputs,
        priors,
    })
}

/// A number for each row that is equal where the categories are; missing is a category of its own.
pub(super) fn keys_of(x: FrameView<'_>, columns: &[usize]) -> Vec<u64> {
    let mut keys = vec![0_u64; x.row_count()];
    for &column in columns {
        for (key, code) in keys.iter_mut().zip(x.codes(column)) {
            *key = *key << 32 | u64::from(code);
        }
    }
    keys
}

const _: () = assert!(MISSING == u32::MAX, "missing is a code like any other to a key");
