//! Text features: hashed TF-IDF of words and word pairs, and the length of the text.
//!
//! Words are runs of letters and digits, lower case. Words and pairs of neighbours are hashed into `buckets`; the
//! `features_max` buckets that most training rows have (and at least two) become columns. A bucket found f times in a
//! row counts (1 + ln f) · (1 + ln((1 + n) / (1 + d))) with n training rows of which d have it, and each row is scaled
//! to length one (the smoothed, sublinear form of Salton and Buckley 1988). Two more columns hold the number of
//! characters and of words.

use std::collections::BTreeMap;
use std::sync::Arc;

use kolosal_frame::{Column, Field, Frame, FrameView, Kind, SparseNumbers};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};

/// Turns text into sparse columns of numbers.
#[derive(Debug, Clone, Copy)]
pub struct TextFeatures {
    /// How many buckets words are hashed into.
    pub buckets: u32,
    /// Most columns a text gives.
    pub features_max: usize,
}

impl TextFeatures {
    /// A quarter of a million buckets, five thousand columns.
    pub const DEFAULT: Self = Self {
        buckets: 1 << 18,
        features_max: 5000,
    };
}

#[derive(Debug)]
struct FittedTextFeatures {
    columns: Vec<Option<Vocabulary>>,
    output: Output,
}

/// The buckets that became columns, ascending, and their inverse document frequencies.
#[derive(Debug)]
struct Vocabulary {
    buckets: u32,
    kept: Vec<u32>,
    idf: Vec<f64>,
}

impl Transform for TextFeatures {
    fn name(&self) -> &'static str {
        "text_features"
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let mut output = OutputBuilder::default();
        let mut columns = Vec::with_capacity(x.column_count());
        for (position, field) in x.frame().schema().fields().iter().enumerate() {
            if !matches!(x.column(position), Column::Text(_)) {
                output.push(position, field.clone());
                columns.push(None);
                continue;
            }
            cx.checkpoint()?;
            let vocabulary = self.learn(x, position);
            describe(&mut output, position, &field.name, vocabulary.kept.len());
            columns.push(Some(vocabulary));
        }
        let transform = Box::new(FittedTextFeatures {
            columns,
            output: output.finish(),
        });
        let train = transform.apply(x);
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let count = from.count("columns", from.remaining())?;
        let columns = (0..count)
            .map(|_| load_vocabulary(from))
            .collect::<Result<Vec<_>, _>>()?;
        let output = Output::load(from, count)?;
        let expected: usize = columns
            .iter()
            .map(|c| c.as_ref().map_or(1, |v| v.kept.len() + 2))
            .sum();
        if expected != output.origins().len() {
            return Err(ArtifactError::damaged("words and features differ in number"));
        }
        Ok(Box::new(FittedTextFeatures { columns, output }))
    }
}

fn describe(output: &mut OutputBuilder, position: usize, name: &str, words: usize) {
    for part in ["characters", "words"] {
        output.push(
            position,
            Field::new(format!("{name} {part}"), Kind::Integer, "length of the text"),
        );
    }
    for word in 0..words {
        output.push(
            position,
            Field::new(format!("{name} word {word}"), Kind::Numeric, "hashed TF-IDF"),
        );
    }
}

impl TextFeatures {
    fn learn(&self, x: FrameView<'_>, position: usize) -> Vocabulary {
        let mut rows_with = vec![0_u32; self.buckets as usize];
        for text in x.texts(position) {
            bucket_counts(text, self.buckets)
                .keys()
                .for_each(|&bucket| rows_with[bucket as usize] += 1);
        }
        let mut kept: Vec<u32> = (0..self.buckets)
            .filter(|&bucket| rows_with[bucket as usize] >= 2)
            .collect();
        kept.sort_by_key(|&bucket| (std::cmp::Reverse(rows_with[bucket as usize]), bucket));
        kept.truncate(self.features_max);
        kept.sort_unstable();
        let rows = x.row_count() as f64;
        let idf_of =
            |&bucket: &u32| ((1.0 + rows) / (1.0 + f64::from(rows_with[bucket as usize]))).ln() + 1.0;
        Vocabulary {
            buckets: self.buckets,
            idf: kept.iter().map(idf_of).collect(),
            kept,
        }
    }
}

/// How often each bucket of a text's words and word pairs occurs.
fn bucket_counts(text: &str, buckets: u32) -> BTreeMap<u32, u32> {
    let mut counts = BTreeMap::new();
    let mut previous: Option<u64> = None;
    for word in words_of(text) {
        let hash = hash_word(word);
        *counts.entry((hash % u64::from(buckets)) as u32).or_insert(0) += 1;
        if let Some(before) = previous {
            let pair = mixed(before.wrapping_mul(3) ^ hash);
            *counts.entry((pair % u64::from(buckets)) as u32).or_insert(0) += 1;
        }
        previous = Some(hash);
    }
    counts
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// FNV-1a over the lower-case letters, then mixed.
fn hash_word(word: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for c in word.chars().flat_map(char::to_lowercase) {
        hash = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mixed(hash)
}

/// Spreads a hash over all its bits: the remainder by a power of two keeps only the lowest.
fn mixed(hash: u64) -> u64 {
    let z = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Vocabulary {
    /// Lengths first, then one sparse column a kept bucket.
    fn columns(&self, x: FrameView<'_>, position: usize) -> Vec<Column> {
        let rows = x.row_count();
        let mut lengths = [Vec::with_capacity(rows), Vec::with_capacity(rows)];
        let mut stored: Vec<(Vec<u32>, Vec<f64>)> = vec![(Vec::new(), Vec::new()); self.kept.len()];
        for (row, text) in x.texts(position).enumerate() {
            lengths[0].push(text.chars().count() as f64);
            lengths[1].push(words_of(text).count() as f64);
            for (feature, value) in self.weigh(text) {
                stored[feature].0.push(row as u32);
                stored[feature].1.push(value);
            }
        }
        let sparse = stored
            .into_iter()
            .map(|(at, values)| SparseNumbers::new(rows, at, values));
        let sparse = sparse.map(|numbers| Column::Sparse(Arc::new(numbers)));
        lengths.map(Column::numbers).into_iter().chain(sparse).collect()
    }

    /// Features of one text and their values, scaled to length one.
    fn weigh(&self, text: &str) -> Vec<(usize, f64)> {
        let known = bucket_counts(text, self.buckets)
            .into_iter()
            .filter_map(|(bucket, count)| {
                let feature = self.kept.binary_search(&bucket).ok()?;
                Some((feature, (1.0 + f64::from(count).ln()) * self.idf[feature]))
            });
        let mut weighed: Vec<(usize, f64)> = known.collect();
        let length = weighed.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        weighed.iter_mut().for_each(|(_, value)| *value /= length);
        weighed
    }
}

fn load_vocabulary(from: &mut Decoder<'_>) -> Result<Option<Vocabulary>, ArtifactError> {
    if !from.bool()? {
        return Ok(None);
    }
    let vocabulary = Vocabulary {
        buckets: from.u32()?,
        kept: from.u32s()?,
        idf: from.f64s()?,
    };
    let ascends = vocabulary.kept.windows(2).all(|pair| pair[0] < pair[1]);
    let is_sound = vocabulary.buckets > 0
        && ascends
        && vocabulary.idf.len() == vocabulary.kept.len()
        && vocabulary
            .idf
            .iter()
            .all(|v| v.is_finite() && *v > 0.0 && *v < 1e6);
    if is_sound {
        Ok(Some(vocabulary))
    } else {
        Err(ArtifactError::damaged("the words of a text column are not sound"))
    }
}

impl FittedTransform for FittedTextFeatures {
    fn name(&self) -> &'static str {
        TextFeatures::DEFAULT.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.columns.len(), "the columns of training");
        let mut columns = Vec::with_capacity(self.output.origins().len());
        for (position, vocabulary) in self.columns.iter().enumerate() {
            match vocabulary {
                None => columns.push(x.gather(position)),
                Some(vocabulary) => columns.extend(vocabulary.columns(x, position)),
            }
        }
        self.output.frame(columns)
    }

    fn save(&self, to: &mut Encoder) {
        to.u64(self.columns.len() as u64);
        for vocabulary in &self.columns {
            to.bool(vocabulary.is_some());
            if let Some(vocabulary) = vocabulary {
                to.u32(vocabulary.buckets);
                to.u32s(&vocabulary.kept);
                to.f64s(&vocabulary.idf);
            }
        }
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_transform, fit_rows, fitted, table};

    #[test]
    fn words_that_two_rows_share_become_columns() {
        let (_, fitted) = fitted(&TextFeatures::DEFAULT);
        let names: Vec<String> = fitted
            .train
            .schema()
            .fields()
            .iter()
            .map(|f| f.name.clone())
            .collect();
        // Shared: row, says, good, day, bad, "good day", "says good", "says bad".
        assert_eq!(names.len(), 3 + 2 + 8);
        check_transform(
            &TextFeatures::DEFAULT,
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }

    #[test]
    fn each_row_has_length_one() {
        let (_, fitted) = fitted(&TextFeatures::DEFAULT);
        let view = fitted.train.view();
        let squares: f64 = (5..13).map(|column| view.numbers(column)[0].powi(2)).sum();
        assert!((squares - 1.0).abs() < 1e-12);
        assert_eq!(view.numbers(3)[0], "row 0 says good day".len() as f64);
    }

    #[test]
    fn words_outside_training_are_not_counted() {
        let (frame, target) = table();
        let fitted = fit_rows(&TextFeatures::DEFAULT, &frame, &target, &[1, 3, 5]);
        // Rows 1, 3 and 5 say "bad": row, says, bad, "says bad".
        assert_eq!(fitted.train.column_count(), 3 + 2 + 4);
    }

    #[test]
    fn letters_of_any_case_are_one_word() {
        assert_eq!(hash_word("Grün"), hash_word("GRÜN"));
        assert_eq!(words_of("a-b, c!").collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
