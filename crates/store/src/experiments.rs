//! Experiments: the places of runs.

use crate::audit::{Note, note};
use crate::ids::{TAG_MAX, require_key, require_name, require_text};
use crate::search::{Page, Query, Scope, Search, in_experiments};
use crate::sql::{Connection, Row, values};
use crate::store::words_of;
use crate::{Experiment, Stage, Store, StoreError, Words};

const COLUMNS: &str = "SELECT id, name, stage, created, updated FROM experiments";
const TAGS: &str = "SELECT key, value FROM experiment_tags WHERE experiment = $1";

use crate::search::Column::{Number, Text};

const SCOPE: Scope = Scope {
    what: "experiments",
    attributes: &[
        ("name", Text("name")),
        ("experiment_id", Number("id")),
        ("creation_time", Number("created")),
        ("last_update_time", Number("updated")),
        ("lifecycle_stage", Text("stage")),
    ],
    metrics: None,
    params: None,
    tags: Some(("experiment_tags", "experiment_tags.experiment = experiments.id")),
    datasets: None,
    tie: "id",
};

impl Store {
    /// The experiment that runs go to if none is named: number 0, `Default`.
    pub(crate) fn make_default_experiment(&self) -> Result<(), StoreError> {
        let now = (self.now)();
        self.engine.write(move |on| {
            let sql = "INSERT INTO experiments (id, name, stage, created, updated) VALUES (0, 'Default', 'active', $1, $1)
                       ON CONFLICT (id) DO NOTHING";
            on.execute(sql, values![now]).map(drop)
        })
    }

    /// Makes an experiment; gives its number.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the name is taken, by a deleted experiment too.
    pub fn create_experiment(&self, name: &str, tags: Words, person: &str) -> Result<i64, StoreError> {
        require_name("the experiment's name", name)?;
        require_tags(&tags)?;
        let (now, name, person) = ((self.now)(), name.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            let taken = on.first("SELECT stage FROM experiments WHERE name = $1", values![&name])?;
            if let Some(row) = taken {
                let is_deleted = Stage::parse(&row.text(0)) == Stage::Deleted;
                let hint = if is_deleted { " and is deleted: restore it, or take another name" } else { "" };
                return Err(StoreError::Exists {
                    what: "an experiment named",
                    name,
                    hint,
                });
            }
            let last = on.first("SELECT MAX(id) FROM experiments", &[])?;
            let id = last.map_or(0, |row| row.int(0)) + 1;
            on.execute(
                "INSERT INTO experiments (id, name, stage, created, updated) VALUES ($1, $2, 'active', $3, $3)",
                values![id, &name, now],
            )?;
            for (key, value) in &tags {
                set_tag(on, id, key, value)?;
            }
            let subject = format!("experiment {id}");
            note(on, Note { at: now, person: &person, action: "create", subject, detail: name })?;
            Ok(id)
        })
    }

    /// An experiment by its number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn experiment(&self, id: i64) -> Result<Experiment, StoreError> {
        self.engine.read(|on| {
            let row = on.first(&format!("{COLUMNS} WHERE id = $1"), values![id])?;
            let row = row.ok_or_else(|| StoreError::not_found("experiment", id.to_string()))?;
            experiment(on, &row)
        })
    }

    /// An experiment by its name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn experiment_by_name(&self, name: &str) -> Result<Experiment, StoreError> {
        self.engine.read(|on| {
            let row = on.first(&format!("{COLUMNS} WHERE name = $1"), values![name])?;
            let row = row.ok_or_else(|| StoreError::not_found("experiment named", name))?;
            experiment(on, &row)
        })
    }

    /// Experiments that a filter finds.
    ///
    /// # Errors
    /// [`StoreError::Filter`] and [`StoreError::Invalid`].
    pub fn search_experiments(&self, query: &Query) -> Result<Page<Experiment>, StoreError> {
        let condition = in_experiments(query.view, &[]);
        let search = Search::new(COLUMNS, &SCOPE, (query, "created DESC"), condition)?;
        self.engine.read(|on| search.page(on, experiment))
    }

    /// Gives an experiment another name.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if it is taken.
    pub fn rename_experiment(&self, id: i64, name: &str, person: &str) -> Result<(), StoreError> {
        require_name("the experiment's name", name)?;
        let (now, name, person) = ((self.now)(), name.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            require_experiment(on, id)?;
            let taken = on.first("SELECT id FROM experiments WHERE name = $1", values![&name])?;
            if taken.is_some_and(|row| row.int(0) != id) {
                return Err(StoreError::Exists {
                    what: "an experiment named",
                    name,
                    hint: "",
                });
            }
            on.execute(
                "UPDATE experiments SET name = $1, updated = $2 WHERE id = $3",
                values![&name, now, id],
            )?;
            let subject = format!("experiment {id}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "rename",
                    subject,
                    detail: name,
                },
            )
        })
    }

    /// Deletes or restores an experiment with its runs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_experiment_stage(&self, id: i64, stage: Stage, person: &str) -> Result<(), StoreError> {
        let (now, person) = ((self.now)(), person.to_owned());
        self.engine.write(move |on| {
            let found = on.first("SELECT stage FROM experiments WHERE id = $1", values![id])?;
            let found = found.ok_or_else(|| StoreError::not_found("experiment", id.to_string()))?;
            if Stage::parse(&found.text(0)) == stage {
                return Err(StoreError::State {
                    what: "experiment",
                    name: id.to_string(),
                    state: stage.name().to_owned(),
                    need: "nothing is left to do",
                });
            }
            on.execute(
                "UPDATE experiments SET stage = $1, updated = $2 WHERE id = $3",
                values![stage.name(), now, id],
            )?;
            on.execute(
                "UPDATE runs SET stage = $1 WHERE experiment = $2",
                values![stage.name(), id],
            )?;
            let subject = format!("experiment {id}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: stage.action(),
                    subject,
                    detail: String::new(),
                },
            )
        })
    }

    /// Sets a tag of an experiment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Invalid`] for words that are too long.
    pub fn set_experiment_tag(&self, id: i64, key: &str, value: &str) -> Result<(), StoreError> {
        require_tag(key, value)?;
        let (key, value) = (key.to_owned(), value.to_owned());
        self.engine.write(move |on| {
            require_experiment(on, id)?;
            set_tag(on, id, &key, &value)
        })
    }

    /// Takes a tag of an experiment away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_experiment_tag(&self, id: i64, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.engine.write(move |on| {
            let sql = "DELETE FROM experiment_tags WHERE experiment = $1 AND key = $2";
            if on.execute(sql, values![id, &key])? == 0 {
                return Err(StoreError::not_found("tag", key));
            }
            Ok(())
        })
    }
}

fn set_tag(on: &mut dyn Connection, id: i64, key: &str, value: &str) -> Result<(), StoreError> {
    on.execute(
        "INSERT INTO experiment_tags (experiment, key, value) VALUES ($1, $2, $3)
         ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
        values![id, key, value],
    )
    .map(drop)
}

fn experiment(on: &mut dyn Connection, row: &Row) -> Result<Experiment, StoreError> {
    Ok(Experiment {
        id: row.int(0),
        name: row.text(1),
        stage: Stage::parse(&row.text(2)),
        created: row.int(3),
        updated: row.int(4),
        tags: words_of(on, TAGS, row.int(0))?,
    })
}

/// An experiment that is there and not deleted.
pub(crate) fn require_experiment(on: &mut dyn Connection, id: i64) -> Result<(), StoreError> {
    let found = on.first("SELECT stage FROM experiments WHERE id = $1", values![id])?;
    match found.map(|row| Stage::parse(&row.text(0))) {
        None => Err(StoreError::not_found("experiment", id.to_string())),
        Some(Stage::Active) => Ok(()),
        Some(Stage::Deleted) => Err(StoreError::State {
            what: "experiment",
            name: id.to_string(),
            state: "deleted".to_owned(),
            need: "restore it first",
        }),
    }
}

pub(crate) fn require_tag(key: &str, value: &str) -> Result<(), StoreError> {
    require_key("the tag's key", key)?;
    require_text(&format!("the value of tag {key}"), value, TAG_MAX)
}

pub(crate) fn require_tags(tags: &Words) -> Result<(), StoreError> {
    tags.iter().try_for_each(|(key, value)| require_tag(key, value))
}
