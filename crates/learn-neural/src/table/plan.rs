//! What becomes of each column, learned from the rows of training.

use kolosal_compute::Workers;
use kolosal_frame::{Column, FrameView, MISSING};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

use super::Spread;

/// Stands for no place and no code.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Most levels with a vector of their own; rarer ones share that of unknown levels.
const LEVELS_MAX: usize = 10_000;
/// Most number columns that are embedded; a wider table has no need of bends in each.
const EMBEDDED_MAX: usize = 500;

/// How columns are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Most levels that get a place each.
    pub(crate) places_max: usize,
    /// Whether number columns are embedded.
    pub(crate) embeds_numbers: bool,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    /// It says nothing.
    Nothing,
    /// A number, and where some are missing one that says so.
    Number {
        spread: Spread,
        gap: Option<Spread>,
        is_embedded: bool,
    },
    /// One number for two levels: this code is the upper one, that the lower.
    Pair { lower: u32, upper: u32 },
    /// A place of each level: the code's place among the column's, and that of a missing level.
    Places {
        place_of: Vec<u32>,
        missing: u32,
        spreads: Vec<Spread>,
    },
    /// A code of each level into a table of so many vectors.
    Vectors {
        code_of: Vec<u32>,
        missing: u32,
        size: u32,
    },
}

/// How many inputs there are of each sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Widths {
    /// Numbers that are embedded; they stand first.
    pub(crate) embedded: usize,
    /// Numbers that are taken as they are.
    pub(crate) plain: usize,
    /// Columns with places.
    pub(crate) placed: usize,
    /// Places of all of them.
    pub(crate) places: usize,
    /// Columns with vectors.
    pub(crate) coded: usize,
}

/// The plans of all columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    pub(crate) plans: Vec<Plan>,
    pub(crate) widths: Widths,
}

impl Columns {
    /// Learns how each column is taken.
    pub(crate) fn learn(view: FrameView<'_>, settings: Settings, workers: &Workers) -> Self {
        let is_number = |at: &usize| matches!(view.column(*at), Column::Numbers(_));
        let few = (0..view.column_count()).filter(is_number).count() <= EMBEDDED_MAX;
        let settings = Settings {
            embeds_numbers: settings.embeds_numbers && few,
            ..settings
        };
        let plans = workers.map(view.column_count(), |at| match view.column(at) {
            Column::Numbers(_) => number(&view.numbers(at), settings.embeds_numbers),
            Column::Sparse(_) => number(&view.numbers(at), false),
            Column::Categories(categories) => {
                let counts = count(&view.codes(at), categories.levels().len());
                category(&counts, settings.places_max)
            }
            Column::Text(_) => unreachable!("the card takes no text"),
        });
        Self::new(plans)
    }

    fn new(plans: Vec<Plan>) -> Self {
        let mut widths = Widths::default();
        for plan in &plans {
            match plan {
                Plan::Nothing => {}
                Plan::Number { gap, is_embedded, .. } => {
                    widths.embedded += usize::from(*is_embedded);
                    widths.plain += usize::from(!is_embedded) + usize::from(gap.is_some());
                }
                Plan::Pair { .. } => widths.plain += 1,
                Plan::Places { spreads, .. } => {
                    widths.placed += 1;
                    widths.places += spreads.len();
                }
                Plan::Vectors { .. } => widths.coded += 1,
            }
        }
        Self { plans, widths }
    }

    /// The number of vectors of each table.
    pub(crate) fn table_sizes(&self) -> Vec<usize> {
        let sizes = self.plans.iter().filter_map(|plan| match plan {
            Plan::Vectors { size, .. } => Some(*size as usize),
            _ => None,
        });
        sizes.collect()
    }

    /// What each place holds where the row has another level, and where it has this one.
    pub(crate) fn place_values(&self) -> (Vec<f32>, Vec<f32>) {
        let spreads = self.plans.iter().filter_map(|plan| match plan {
            Plan::Places { spreads, .. } => Some(spreads),
            _ => None,
        });
        spreads
            .flatten()
            .map(|spread| (spread.apply(0.0), spread.apply(1.0)))
            .unzip()
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.u64(self.plans.len() as u64);
        for plan in &self.plans {
            save_plan(plan, to);
        }
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let count = from.count("columns", from.remaining())?;
        let plans = (0..count).map(|_| load_plan(from));
        Ok(Self::new(plans.collect::<Result<_, _>>()?))
    }
}

fn number(values: &[f64], is_embedded: bool) -> Plan {
    let mut known: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let spread = Spread::of_sorted(&known);
    let missing = values.len() - known.len();
    let gap = (missing > 0 && !known.is_empty()).then(|| Spread::of_ones(missing, values.len()));
    if spread.factor == 0.0 && gap.is_none() {
        return Plan::Nothing;
    }
    Plan::Number {
        spread,
        gap,
        is_embedded: is_embedded && spread.factor > 0.0,
    }
}

/// Rows of each level, and last of the missing one.
fn count(codes: &[u32], levels: usize) -> Vec<usize> {
    let mut counts = vec![0; levels + 1];
    for &code in codes {
        counts[if code == MISSING { levels } else { code as usize }] += 1;
    }
    counts
}

fn category(counts: &[usize], places_max: usize) -> Plan {
    let rows: usize = counts.iter().sum();
    let levels = counts.len() - 1;
    let present: Vec<u32> = (0..counts.len() as u32)
        .filter(|&code| counts[code as usize] > 0)
        .collect();
    if present.len() < 2 {
        return Plan::Nothing;
    }
    if let ([lower, upper], 0) = (&present[..], counts[levels]) {
        return Plan::Pair {
            lower: *lower,
            upper: *upper,
        };
    }
    let is_placed = present.len() <= places_max;
    let kept = if is_placed {
        present
    } else {
        most_frequent(present, counts)
    };
    // The first vector is that of levels that are not kept.
    let start = u32::from(!is_placed);
    let mut places = vec![NOWHERE; counts.len()];
    for (place, code) in kept.iter().enumerate() {
        places[*code as usize] = place as u32 + start;
    }
    let missing = places.pop().expect("the last place is that of a missing level");
    if is_placed {
        return Plan::Places {
            place_of: places,
            missing,
            spreads: kept
                .iter()
                .map(|code| Spread::of_ones(counts[*code as usize], rows))
                .collect(),
        };
    }
    let known = |code: u32| if code == NOWHERE { 0 } else { code };
    Plan::Vectors {
        code_of: places.into_iter().map(known).collect(),
        missing: known(missing),
        size: kept.len() as u32 + 1,
    }
}

/// The levels with most rows, in the order of their codes.
fn most_frequent(mut present: Vec<u32>, counts: &[usize]) -> Vec<u32> {
    present.sort_by_key(|&code| (std::cmp::Reverse(counts[code as usize]), code));
    present.truncate(LEVELS_MAX);
    present.sort_unstable();
    present
}

fn save_spread(spread: Spread, to: &mut Encoder) {
    to.f64(spread.centre);
    to.f64(spread.factor);
}

fn load_spread(from: &mut Decoder<'_>) -> Result<Spread, ArtifactError> {
    let (centre, factor) = (from.finite()?, from.finite()?);
    if factor < 0.0 {
        return Err(ArtifactError::damaged(format!(
            "a column is multiplied by {factor}"
        )));
    }
    Ok(Spread { centre, factor })
}

fn save_plan(plan: &Plan, to: &mut Encoder) {
    match plan {
        Plan::Nothing => to.u8(0),
        Plan::Number {
            spread,
            gap,
            is_embedded,
        } => {
            to.u8(1);
            save_spread(*spread, to);
            to.bool(*is_embedded);
            to.bool(gap.is_some());
            if let Some(gap) = gap {
                save_spread(*gap, to);
            }
        }
        Plan::Pair { lower, upper } => {
            to.u8(2);
            to.u32(*lower);
            to.u32(*upper);
        }
        Plan::Places {
            place_of,
            missing,
            spreads,
        } => {
            to.u8(3);
            to.u32s(place_of);
            to.u32(*missing);
            to.u64(spreads.len() as u64);
            spreads.iter().for_each(|spread| save_spread(*spread, to));
        }
        Plan::Vectors {
            code_of,
            missing,
            size,
        } => {
            to.u8(4);
            to.u32s(code_of);
            to.u32(*missing);
            to.u32(*size);
        }
    }
}

fn load_plan(from: &mut Decoder<'_>) -> Result<Plan, ArtifactError> {
    match from.u8()? {
        0 => Ok(Plan::Nothing),
        1 => {
            let (spread, is_embedded) = (load_spread(from)?, from.bool()?);
            let gap = from.bool()?.then(|| load_spread(from)).transpose()?;
            Ok(Plan::Number {
                spread,
                gap,
                is_embedded,
            })
        }
        2 => Ok(Plan::Pair {
            lower: from.u32()?,
            upper: from.u32()?,
        }),
        3 => {
            let (place_of, missing) = (from.u32s()?, from.u32()?);
            let count = from.count("places", from.remaining() / 16)?;
            let spreads = (0..count)
                .map(|_| load_spread(from))
                .collect::<Result<Vec<_>, _>>()?;
            let mut places = place_of.iter().copied().chain([missing]);
            let odd = places.find(|place| *place != NOWHERE && *place as usize >= count);
            drop(places);
            match odd {
                Some(odd) => Err(ArtifactError::damaged(format!("place {odd} of {count}"))),
                None => Ok(Plan::Places {
                    place_of,
                    missing,
                    spreads,
                }),
            }
        }
        4 => {
            let (code_of, missing, size) = (from.u32s()?, from.u32()?, from.u32()?);
            let odd = code_of
                .iter()
                .copied()
                .chain([missing])
                .find(|code| *code >= size);
            match odd {
                Some(odd) => Err(ArtifactError::damaged(format!("vector {odd} of {size}"))),
                None => Ok(Plan::Vectors {
                    code_of,
                    missing,
                    size,
                }),
            }
        }
        other => Err(ArtifactError::damaged(format!("{other} is no sort of column"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_taken_by_how_many_levels_they_have() {
        assert_eq!(category(&[5, 0, 0], 9), Plan::Nothing);
        assert_eq!(category(&[5, 0, 2, 0], 9), Plan::Pair { lower: 0, upper: 2 });
        let Plan::Places {
            place_of,
            missing,
            spreads,
        } = category(&[5, 0, 2, 3], 9)
        else {
            panic!("three levels have places");
        };
        assert_eq!((place_of, missing, spreads.len()), (vec![0, NOWHERE, 1], 2, 3));
        let Plan::Vectors {
            code_of,
            missing,
            size,
        } = category(&[1, 0, 2, 3, 0], 2)
        else {
            panic!("more levels than places have vectors");
        };
        assert_eq!((code_of, missing, size), (vec![1, 0, 2, 3], 0, 4));
    }

    #[test]
    fn plans_are_read_back() {
        let plans = vec![
            number(&[1.0, 2.0, f64::NAN, 7.0], true),
            number(&[1.0, 1.0], true),
            category(&[5, 4, 0], 9),
            category(&[5, 0, 2, 3], 9),
            category(&[1, 0, 2, 3, 0], 2),
        ];
        let columns = Columns::new(plans);
        assert_eq!(
            columns.widths,
            Widths {
                embedded: 1,
                plain: 2,
                placed: 1,
                places: 3,
                coded: 1
            }
        );
        let mut to = Encoder::new();
        columns.save(&mut to);
        let bytes = to.into_bytes();
        assert_eq!(Columns::load(&mut Decoder::new(&bytes)), Ok(columns));
    }
}
