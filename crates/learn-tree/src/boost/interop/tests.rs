//! Models that other libraries wrote, as golden files made by benches/interop/golden.py with XGBoost 3.2.0,
//! LightGBM 4.7.0 and CatBoost 1.2.10: their scores, the way there and back, and damage of every kind.

use kolosal_frame::{Categories, Column, Frame, MISSING};
use kolosal_learner::{Decoder, Encoder, FittedModel};
use serde_json::Value;

use super::*;
use crate::boost::BoostModel;

/// Damaged copies of each file.
const MUTATIONS: u64 = 200;

/// A model file, and what its library answers.
struct Golden {
    name: &'static str,
    bytes: Vec<u8>,
    rows: Vec<Vec<String>>,
    scores: Vec<f64>,
    answers: Option<Vec<f64>>,
}

macro_rules! golden {
    ($name:literal) => {
        Golden::new(
            $name,
            include_bytes!(concat!("golden/", $name, ".model.txt")).to_vec(),
            include_str!(concat!("golden/", $name, ".expected.json")),
        )
    };
}

fn all() -> Vec<Golden> {
    let hex = include_str!("golden/xgboost-classes-ubj.hex.txt").trim();
    let digits = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    let ubj = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    vec![
        golden!("xgboost-binary"),
        golden!("xgboost-codes"),
        Golden::new(
            "xgboost-classes-ubj",
            ubj,
            include_str!("golden/xgboost-classes-ubj.expected.json"),
        ),
        golden!("xgboost-partitions"),
        golden!("xgboost-vectors"),
        golden!("xgboost-dart"),
        golden!("xgboost-poisson"),
        golden!("lightgbm-binary"),
        golden!("lightgbm-zero"),
        golden!("lightgbm-classes"),
        golden!("lightgbm-codes"),
        golden!("lightgbm-linear"),
        golden!("lightgbm-forest"),
        golden!("catboost-oblivious"),
        golden!("catboost-loss-guided"),
        golden!("catboost-combinations"),
        golden!("catboost-statistics"),
        golden!("catboost-one-hot"),
    ]
}

impl Golden {
    fn new(name: &'static str, bytes: Vec<u8>, expected: &str) -> Self {
        let expected: Value = serde_json::from_str(expected).unwrap();
        let flat = |value: &Value| -> Vec<f64> {
            let rows = value.as_array().unwrap().iter();
            rows.flat_map(|row| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()))
                .collect()
        };
        let answers = &expected["answers"];
        Self {
            name,
            bytes,
            rows: serde_json::from_value(expected["rows"].clone()).unwrap(),
            scores: flat(&expected["scores"]),
            answers: (!answers.is_null()).then(|| flat(answers)),
        }
    }

    fn read(&self) -> Result<ImportedBooster, InteropError> {
        read_as(self.name, &self.bytes)
    }

    fn bar(&self) -> f64 {
        if self.name.starts_with("xgboost") {
            1e-5
        } else {
            1e-6
        }
    }

    /// The scored rows as a table that fits the model.
    fn table(&self, booster: &ImportedBooster) -> Frame {
        let schema = booster.schema();
        let column = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].as_str());
            match schema.levels(at) {
                Some(levels) => {
                    let known = Categories::new(Vec::new(), levels.clone());
                    let codes = cells.map(|cell| known.code_of(cell).unwrap_or(MISSING));
                    Column::Categories(Categories::new(codes.collect(), levels.clone()))
                }
                None => Column::numbers(cells.map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()),
            }
        };
        let columns = (0..schema.schema().len()).map(column).collect();
        Frame::from_parts((**schema.schema()).clone(), columns).unwrap()
    }

    fn scores_of(&self, booster: &ImportedBooster) -> Vec<f64> {
        let mut scores = vec![0.0; self.rows.len() * booster.output_count()];
        booster.scores_into(self.table(booster).view(), &mut scores);
        scores
    }
}

fn read_as(name: &str, bytes: &[u8]) -> Result<ImportedBooster, InteropError> {
    match name.split('-').next().unwrap() {
        "xgboost" => read_xgboost(bytes),
        "lightgbm" => read_lightgbm(bytes),
        _ => read_catboost_json(bytes),
    }
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], bar: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() <= bar * b.abs().max(1.0),
            "{what}: {a} where {b} belongs"
        );
    }
}

#[test]
fn scores_and_answers_are_those_of_the_library() {
    for golden in all() {
        let booster = golden.read().unwrap();
        assert_near(
            &golden.scores_of(&booster),
            &golden.scores,
            golden.bar(),
            golden.name,
        );
        if let Some(expected) = &golden.answers {
            let mut answers = vec![0.0; golden.rows.len() * booster.width()];
            booster.predict_into(golden.table(&booster).view(), &mut answers);
            let width = expected.len() / golden.rows.len();
            // Peers answer two classes with the probability of the second.
            let last = answers
                .chunks(booster.width())
                .flat_map(|row| &row[booster.width() - width..]);
            assert_near(
                &last.copied().collect::<Vec<_>>(),
                expected,
                golden.bar(),
                golden.name,
            );
        }
    }
}

#[test]
fn an_imported_model_is_saved_and_loaded_like_any_other() {
    for golden in all() {
        let booster = golden.read().unwrap();
        if booster.combination_count() > 0 {
            assert!(
                booster
                    .into_model()
                    .is_err_and(|error| error.to_string().contains("max_ctr_complexity=1"))
            );
            continue;
        }
        let model = booster.into_model().unwrap();
        let mut to = Encoder::new();
        model.save(&mut to);
        let bytes = to.into_bytes();
        assert_eq!(
            BoostModel::load(&mut Decoder::new(&bytes)),
            Ok(model),
            "{}",
            golden.name
        );
    }
}

#[test]
fn compiled_imports_score_bit_for_bit_like_the_plain_walk() {
    for golden in all() {
        let booster = golden.read().unwrap();
        if booster.combination_count() > 0 {
            continue;
        }
        let (table, plain) = (golden.table(&booster), golden.scores_of(&booster));
        let mut compiled = vec![0.0; plain.len()];
        let model = booster.into_model().unwrap();
        model.scores_into(table.view(), usize::MAX, &mut compiled);
        assert_eq!(compiled, plain, "{}", golden.name);
    }
}

type Writer = fn(&BoostModel, &[BoosterColumn]) -> Result<Vec<u8>, InteropError>;
const WRITERS: [(&str, Writer, f64); 3] = [
    ("xgboost", write_xgboost_json, 1e-5),
    ("xgboost-ubj", write_xgboost_ubj, 1e-5),
    ("lightgbm", write_lightgbm, 1e-12),
];

/// Every golden model in every format that takes it.
fn exports() -> Vec<(Golden, &'static str, Vec<u8>, f64)> {
    let mut exports = Vec::new();
    for (name, write, bar) in WRITERS {
        for golden in all() {
            let booster = golden.read().unwrap();
            let columns = booster.columns().to_vec();
            let Ok(model) = booster.into_model() else { continue };
            match write(&model, &columns) {
                Ok(bytes) => exports.push((golden, name, bytes, bar)),
                Err(error) => assert!(matches!(error, InteropError::Unwritable { .. }), "{error}"),
            }
        }
    }
    exports
}

#[test]
fn what_is_written_is_read_back_with_the_same_scores() {
    let exports = exports();
    assert!(
        exports.len() > 40,
        "most models fit most formats: {}",
        exports.len()
    );
    for (golden, name, bytes, bar) in exports {
        let booster = golden.read().unwrap();
        let again =
            read_as(name, &bytes).unwrap_or_else(|error| panic!("{} as {name}: {error}", golden.name));
        let what = format!("{} as {name}", golden.name);
        assert_near(&golden.scores_of(&again), &golden.scores_of(&booster), bar, &what);
    }
}

/// One damaged copy: a byte changed, a digit changed, a piece cut out, doubled or moved, or the end cut off.
fn mutate(bytes: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    let at = draw.below(copy.len());
    let len = 1 + draw.below(24).min(copy.len() - at - 1);
    match draw.below(6) {
        0 => copy[at] = draw.below(256) as u8,
        1 => {
            let digit = (at..copy.len())
                .find(|&at| copy[at].is_ascii_digit())
                .unwrap_or(at);
            copy[digit] = b'0' + draw.below(10) as u8;
        }
        2 => drop(copy.drain(at..at + len)),
        3 => {
            let piece = copy[at..at + len].to_vec();
            copy.splice(at..at, piece);
        }
        4 => copy.truncate(at),
        _ => copy[at] ^= 1 << draw.below(8),
    }
    copy
}

/// A seeded source of damage.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

#[test]
fn damaged_exports_of_ours_are_refused_or_answer_alike() {
    let mut draw = Draw(1);
    for (golden, name, bytes, _) in exports() {
        let sound = read_as(name, &bytes).unwrap();
        let scores = golden.scores_of(&sound);
        for _ in 0..MUTATIONS {
            let copy = mutate(&bytes, &mut draw);
            if let Ok(booster) = read_as(name, &copy)
                && booster.columns() == sound.columns()
            {
                assert_eq!(
                    golden.scores_of(&booster),
                    scores,
                    "{} as {name} has changed unseen",
                    golden.name
                );
            }
        }
    }
}

#[test]
fn damaged_files_of_others_never_panic_and_are_mostly_seen() {
    let mut draw = Draw(2);
    for golden in all() {
        let sound = golden.read().unwrap();
        let scores = golden.scores_of(&sound);
        let mut unseen = 0;
        for _ in 0..MUTATIONS {
            let copy = mutate(&golden.bytes, &mut draw);
            if let Ok(booster) = read_as(golden.name, &copy) {
                let other = booster.columns().len() != sound.columns().len();
                unseen += usize::from(other || golden.scores_of(&booster) != scores);
            }
        }
        // CatBoost says each answer and count once, and they are most of its file.
        assert!(
            unseen * 100 < 15 * MUTATIONS as usize,
            "{}: {unseen} changed unseen",
            golden.name
        );
    }
}
