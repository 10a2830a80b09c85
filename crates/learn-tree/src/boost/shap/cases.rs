//! Trees of LightGBM and XGBoost with the values that shap 0.51.0 gives for them (`benches/parity/shap/make_cases.py`).

use std::collections::BTreeMap;

use kolosal_base::Cancel;
use kolosal_compute::Workers;
use kolosal_frame::{Column, Frame};
use kolosal_learner::Meaning;

use super::{BackgroundShap, Cover, Effort, ImportanceKind, TreeShap};
use crate::boost::compiled::CompiledCell;
use crate::boost::encoding::Encodings;
use crate::boost::link::Link;
use crate::boost::model::{BoostModel, BoostTree, NodeFacts};
use crate::testing::frame;
use crate::tree::{Side, Test, Tree};

const CASES: &str = include_str!("golden/cases.txt");

/// One case: its model, and all its lines of numbers by word.
struct Case {
    name: String,
    cover: Cover,
    model: BoostModel,
    lines: BTreeMap<String, Vec<Vec<f64>>>,
}

impl Case {
    fn parse(text: &str) -> Self {
        let (heads, nodes): (Vec<Vec<&str>>, Vec<Vec<&str>>) = text
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .partition(|words| !matches!(words[0], "tree" | "s" | "c" | "l"));
        let mut lines: BTreeMap<String, Vec<Vec<f64>>> = BTreeMap::new();
        for words in &heads[2..] {
            let numbers = words[1..].iter().map(|word| word.parse().expect("a number"));
            lines
                .entry(words[0].to_owned())
                .or_default()
                .push(numbers.collect());
        }
        let trees = nodes.chunk_by(|_, next| next[0] != "tree").map(tree).collect();
        let model = BoostModel {
            meaning: Meaning::Number,
            link: Link::Identity,
            features: lines["shape"][0][0] as usize,
            base: lines["base"][0].clone(),
            trees,
            encodings: Encodings::default(),
            compiled: CompiledCell::default(),
        };
        Self {
            name: heads[0][1].to_owned(),
            cover: if heads[1][1] == "rows" {
                Cover::Rows
            } else {
                Cover::Weights
            },
            model,
            lines,
        }
    }

    fn get(&self, word: &str) -> &[Vec<f64>] {
        self.lines.get(word).map_or(&[], Vec::as_slice)
    }

    /// Rows as a frame of numbers, and of categories where a tree asks for levels.
    fn frame(&self, word: &str) -> Frame {
        let is_category = |column: usize| {
            self.model.trees.iter().any(|tree| {
                let nodes = 0..tree.tree.node_count() as u32;
                nodes.into_iter().any(|node| {
                    tree.tree.split_of(node).is_some_and(|(at, _)| at == column)
                        && matches!(tree.tree.test_of(node).0, Test::Among(_))
                })
            })
        };
        let column = |at: usize| {
            let values: Vec<f64> = self.get(word).iter().map(|row| row[at]).collect();
            if !is_category(at) {
                return Column::numbers(values);
            }
            let levels: Vec<String> = (0..10).map(|level| level.to_string()).collect();
            let Column::Categories(all) = Column::categories(&levels) else {
                panic!("levels are categories")
            };
            let text = |v: &f64| if v.is_nan() { String::new() } else { v.to_string() };
            match Column::categories(&values.iter().map(text).collect::<Vec<_>>()) {
                Column::Categories(column) => Column::Categories(column.recode(all.levels())),
                other => other,
            }
        };
        frame((0..self.model.features).map(column).collect())
    }

    fn check(&self, word: &str, found: &[f64]) {
        let lines = self.get(word);
        assert_eq!(
            found.len(),
            lines.iter().map(Vec::len).sum::<usize>(),
            "{} {word}",
            self.name
        );
        let mut found = found.iter();
        for line in lines {
            // Against a background shap adds in single precision: the error is that of the largest value.
            let largest = line
                .iter()
                .fold(1.0, |largest: f64, value| largest.max(value.abs()));
            for (b, a) in line.iter().zip(&mut found) {
                let scale = if word == "against" {
                    largest
                } else {
                    b.abs().max(1.0)
                };
                assert!(
                    (a - b).abs() <= 1e-6 * scale,
                    "{} {word}: {a} is not {b}",
                    self.name
                );
            }
        }
    }
}

/// A tree from its lines.
fn tree(lines: &[Vec<&str>]) -> BoostTree {
    let number = |word: &str| word.parse::<f64>().expect("a number");
    let facts = |cover: &str, gain: f64| NodeFacts {
        gain: gain as f32,
        weight: number(cover) as f32,
        rows: number(cover) as u32,
    };
    let side = |word: &str| if word == "left" { Side::Left } else { Side::Right };
    let mut built = BoostTree {
        tree: Tree::new(1),
        output: number(lines[0][1]) as u32,
        facts: Vec::new(),
        lines: None,
    };
    for (node, words) in lines[1..].iter().enumerate() {
        let node = node as u32;
        match words[..] {
            ["l", value, cover] => {
                built.tree.set_answer(node, &[number(value)]);
                built.facts.push(facts(cover, 0.0));
            }
            ["s", column, cut, missing, cover, gain] => {
                let test = Test::UpTo(number(cut));
                built
                    .tree
                    .split(node, number(column) as u32, &test, side(missing));
                built.facts.push(facts(cover, number(gain)));
            }
            ["c", column, missing, cover, gain, ref levels @ ..] => {
                let bits = levels
                    .iter()
                    .fold(0, |bits, level| bits | 1 << number(level) as u64);
                let test = Test::Among(vec![bits]);
                built
                    .tree
                    .split(node, number(column) as u32, &test, side(missing));
                built.facts.push(facts(cover, number(gain)));
            }
            _ => panic!("{words:?} is no node"),
        }
    }
    built
}

#[test]
fn values_interactions_and_importances_are_those_of_the_shap_package() {
    let (workers, cancel) = (Workers::new(2), Cancel::new());
    let effort = Effort {
        workers: &workers,
        cancel: &cancel,
    };
    let texts = CASES.split("case ").skip(1);
    let cases: Vec<Case> = texts.map(|text| Case::parse(&format!("case {text}"))).collect();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let (model, rows) = (&case.model, case.frame("row"));
        let width = model.features * model.output_count();
        let shap = TreeShap::new(model, case.cover).expect("an explainable model");
        let mut values = vec![0.0; rows.row_count() * width];
        shap.values_into(rows.view(), effort, &mut values)
            .expect("not cancelled");
        case.check("expected", shap.expected());
        case.check("values", &values);
        case.check("gains", &model.importances_by(ImportanceKind::Gain));
        case.check("splits", &model.importances_by(ImportanceKind::Splits));
        if !case.get("pairs").is_empty() {
            let some = rows.view().slice(0, case.get("pairs").len());
            let mut pairs = vec![0.0; some.row_count() * width * model.features];
            shap.interactions_into(some, effort, &mut pairs)
                .expect("not cancelled");
            case.check("pairs", &pairs);
            let shap = BackgroundShap::new(model, case.frame("other").view()).expect("explainable");
            shap.values_into(rows.view(), effort, &mut values)
                .expect("not cancelled");
            case.check("against_expected", shap.expected());
            case.check("against", &values);
        }
    }
}
