//! `kolosal inspect`

use kolosal_platform::{
    ColumnProfile, FORMAT_VERSION, Inspection, Manifest, ModelInspection, Platform, TableInspection,
};

use crate::args::InspectArgs;
use crate::output::{Align, Output, number, size, table};
use crate::wire;

pub(crate) fn run(platform: &Platform, args: &InspectArgs, output: &Output) -> anyhow::Result<u8> {
    match platform.inspect(&args.file, &args.column_type)? {
        Inspection::Table(found) => {
            found
                .notes
                .iter()
                .for_each(|note| output.remark(&format!("note: {note}")));
            output.result(&wire::TableJson::from(found.as_ref()), || table_text(&found))?;
        }
        Inspection::Model(found) => output.result(&model_json(&found), || model_text(&found))?,
    }
    Ok(0)
}

fn table_text(found: &TableInspection) -> String {
    let headings = [
        ("column", Align::Left),
        ("type", Align::Left),
        ("missing", Align::Right),
        ("distinct", Align::Right),
        ("values", Align::Left),
        ("why this type", Align::Left),
    ];
    let row = |column: &ColumnProfile| {
        let about = if column.is_distinct_estimated { "~" } else { "" };
        vec![
            column.name.clone(),
            column.kind.name().to_owned(),
            column.missing.to_string(),
            format!("{about}{}", column.distinct),
            values(column),
            column.reason.clone(),
        ]
    };
    let mut text = table(&headings, &found.columns.iter().map(row).collect::<Vec<_>>());
    text.push_str(&format!("{} rows, {} columns\n", found.rows, found.columns.len()));
    text
}

/// The range of numbers, the most frequent of words.
fn values(column: &ColumnProfile) -> String {
    match &column.numbers {
        Some(numbers) if column.kind.name() != "datetime" => {
            format!(
                "{} to {}, mean {}",
                number(numbers.min),
                number(numbers.max),
                number(numbers.mean)
            )
        }
        _ => column
            .top
            .iter()
            .take(3)
            .map(|top| top.value.clone())
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn model_json(found: &ModelInspection) -> wire::ModelJson {
    let manifest = found.manifest.clone();
    let feature = |f: kolosal_platform::FeatureEntry| wire::FeatureJson {
        name: f.name,
        kind: f.kind,
        reason: f.reason,
        levels: f.levels,
    };
    let member = |m: kolosal_platform::MemberEntry| wire::MemberJson {
        learner: m.learner,
        params: m.params,
        weight: m.weight,
    };
    wire::ModelJson {
        version: manifest.version,
        format: FORMAT_VERSION,
        bytes: found.bytes,
        task: manifest.task,
        target: manifest.target,
        classes: manifest.classes,
        metric: manifest.metric,
        scores: manifest.scores,
        seed: manifest.seed,
        options: manifest.options,
        data: wire::DataJson {
            rows: manifest.data.rows,
            columns: manifest.data.columns,
            sha256: manifest.data.sha256,
        },
        features: manifest.features.into_iter().map(feature).collect(),
        members: manifest.members.into_iter().map(member).collect(),
        importances: manifest.importances,
        facts: manifest.facts,
        groups: manifest.groups.iter().map(wire::Group::from).collect(),
        notes: manifest.notes,
    }
}

fn model_text(found: &ModelInspection) -> String {
    let manifest = &found.manifest;
    let of_target = match manifest.target.as_str() {
        "" => String::new(),
        target => format!(" for '{target}'"),
    };
    let mut text = format!(
        "{} model{of_target} ({}), written by version {} in format {FORMAT_VERSION}\n",
        manifest.task,
        size(found.bytes),
        manifest.version
    );
    if !manifest.classes.is_empty() {
        text.push_str(&format!("classes: {}\n", manifest.classes.join(", ")));
    }
    text.push_str(&format!(
        "learned from {} rows with seed {}\n",
        manifest.data.rows, manifest.seed
    ));
    if let Some(score) = manifest.scores.get(&manifest.metric) {
        text.push_str(&format!(
            "{} on held-out rows: {}\n",
            manifest.metric,
            number(*score)
        ));
    }
    text.push_str("\nanswers with:\n");
    for member in &manifest.members {
        text.push_str(&format!(
            "  {:>3.0} %  {}\n",
            member.weight * 100.0,
            member.learner
        ));
    }
    for (name, value) in &manifest.facts {
        text.push_str(&format!("{name}: {}\n", number(*value)));
    }
    for (place, group) in manifest.groups.iter().enumerate() {
        text.push_str(&format!("\ngroup {place}: {} rows\n", group.rows));
        for of_group in &group.traits {
            text.push_str(&format!("  {}: {}\n", of_group.column, of_group.value));
        }
    }
    text.push('\n');
    text.push_str(&features_text(manifest));
    manifest
        .notes
        .iter()
        .for_each(|note| text.push_str(&format!("note: {note}\n")));
    text
}

fn features_text(manifest: &Manifest) -> String {
    let mut features: Vec<_> = manifest.features.iter().collect();
    let share = |name: &str| manifest.importances.get(name).copied().unwrap_or(0.0);
    features.sort_by(|a, b| share(&b.name).total_cmp(&share(&a.name)));
    let row = |feature: &&kolosal_platform::FeatureEntry| {
        let share = manifest.importances.get(&feature.name);
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        vec![
            feature.name.clone(),
            feature.kind.clone(),
            share,
            feature.reason.clone(),
        ]
    };
    let headings = [
        ("feature", Align::Left),
        ("type", Align::Left),
        ("importance", Align::Right),
        ("why this type", Align::Left),
    ];
    table(&headings, &features.iter().map(row).collect::<Vec<_>>())
}
