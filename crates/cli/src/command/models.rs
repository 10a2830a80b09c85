//! `kolosal models`

use kolosal_platform::store::{Query, Store};
use kolosal_platform::{Platform, PlatformError, RegisterJob, retire};

use crate::args::{ModelsArgs, ModelsWhat};
use crate::command::runs::time;
use crate::output::{Align, Output, size, table};
use crate::store::{person, required};
use crate::wire_store::{AliasLine, ModelLine, ModelList, ModelPage, Retired, VersionLine};

pub(crate) fn run(platform: &Platform, args: ModelsArgs, output: &Output) -> anyhow::Result<u8> {
    match args.what {
        ModelsWhat::List { store } => list(&required(&store, output)?, output)?,
        ModelsWhat::Show { name, store } => show(&required(&store, output)?, &name, output)?,
        ModelsWhat::Register {
            name,
            file,
            run,
            description,
            store,
        } => {
            let job = RegisterJob {
                name,
                file,
                run,
                description,
                person: person(),
            };
            register((platform, &required(&store, output)?), &job, output)?;
        }
        ModelsWhat::Promote {
            name,
            number: version,
            alias,
            store,
        } => {
            required(&store, output)?
                .set_alias(&name, &alias, version, &person())
                .map_err(PlatformError::from)?;
            points(
                AliasLine {
                    model: name,
                    alias,
                    version,
                },
                output,
            )?;
        }
        ModelsWhat::Rollback { name, alias, store } => {
            let store = required(&store, output)?;
            let version = store
                .roll_back_alias(&name, &alias, &person())
                .map_err(PlatformError::from)?;
            points(
                AliasLine {
                    model: name,
                    alias,
                    version,
                },
                output,
            )?;
        }
        ModelsWhat::Retire {
            name,
            number: version,
            store,
        } => {
            let aliases_gone = retire(&required(&store, output)?, &name, version, &person())?;
            let retired = Retired {
                model: name,
                version,
                aliases_gone,
            };
            output.result(&retired, || {
                format!("{} version {} is out of use\n", retired.model, retired.version)
            })?;
        }
    }
    Ok(0)
}

fn register(
    (platform, store): (&Platform, &Store),
    job: &RegisterJob,
    output: &Output,
) -> anyhow::Result<()> {
    let version = VersionLine::from(&platform.register(store, job)?);
    output.result(&version, || {
        format!(
            "{} version {}, {}, sha256 {}\n",
            version.model,
            version.version,
            size(version.bytes),
            version.sha256
        )
    })
}

#[expect(clippy::needless_pass_by_value, reason = "made to be shown here")]
fn points(line: AliasLine, output: &Output) -> anyhow::Result<()> {
    output.result(&line, || {
        format!("{} of {} is version {}\n", line.alias, line.model, line.version)
    })
}

/// Everything of a search that comes in pages.
fn all<T>(
    query: Query,
    mut search: impl FnMut(
        &Query,
    ) -> Result<kolosal_platform::store::Page<T>, kolosal_platform::store::StoreError>,
) -> Result<Vec<T>, PlatformError> {
    let (mut query, mut found) = (query, Vec::new());
    query.count_max = 1000;
    loop {
        let page = search(&query)?;
        found.extend(page.items);
        query.page = page.next;
        if query.page.is_none() {
            return Ok(found);
        }
    }
}

fn list(store: &Store, output: &Output) -> anyhow::Result<()> {
    let models = all(Query::default(), |query| store.search_models(query))?;
    let listed = ModelList {
        models: models.iter().map(ModelLine::from).collect(),
    };
    output.result(&listed, || {
        if listed.models.is_empty() {
            return "no models; `kolosal models register NAME model.kolosal` adds one\n".to_owned();
        }
        let row = |model: &ModelLine| {
            let aliases: Vec<String> = model
                .aliases
                .iter()
                .map(|(alias, version)| format!("{alias} {version}"))
                .collect();
            vec![model.name.clone(), aliases.join(", "), time(model.updated_ms)]
        };
        let headings = [
            ("model", Align::Left),
            ("aliases", Align::Left),
            ("changed (UTC)", Align::Left),
        ];
        table(&headings, &listed.models.iter().map(row).collect::<Vec<_>>())
    })
}

fn show(store: &Store, name: &str, output: &Output) -> anyhow::Result<()> {
    let model = store.model(name).map_err(PlatformError::from)?;
    let query = Query {
        filter: format!("name = '{}'", name.replace('\'', "''")),
        order_by: vec!["version DESC".to_owned()],
        ..Query::default()
    };
    let versions = all(query, |query| store.search_versions(query))?;
    let page = ModelPage {
        model: ModelLine::from(&model),
        versions: versions.iter().map(VersionLine::from).collect(),
    };
    output.result(&page, || {
        let row = |version: &VersionLine| {
            vec![
                version.version.to_string(),
                version.aliases.join(", "),
                version.stage.clone(),
                size(version.bytes),
                time(version.created_ms),
                version.source.clone(),
            ]
        };
        let headings = [
            ("version", Align::Right),
            ("aliases", Align::Left),
            ("stage", Align::Left),
            ("size", Align::Right),
            ("registered (UTC)", Align::Left),
            ("source", Align::Left),
        ];
        format!(
            "{}\n\n{}",
            page.model.name,
            table(&headings, &page.versions.iter().map(row).collect::<Vec<_>>())
        )
    })
}
