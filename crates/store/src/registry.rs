//! Registered models, as names for versions.

use crate::audit::{Note, note};
use crate::experiments::require_tags;
use crate::ids::{TEXT_MAX, require_model_name, require_text};
use crate::search::Column::{Number, Text};
use crate::search::{Page, Query, Scope, Search, everything};
use crate::sql::{Connection, Row, values};
use crate::store::words_of;
use crate::{RegisteredModel, Store, StoreError, Words};

const COLUMNS: &str = "SELECT name, description, created, updated FROM registered_models";

const SCOPE: Scope = Scope {
    what: "registered models",
    attributes: &[
        ("name", Text("name")),
        ("creation_timestamp", Number("created")),
        ("timestamp", Number("updated")),
        ("last_updated_timestamp", Number("updated")),
    ],
    metrics: None,
    params: None,
    tags: Some((
        "registered_model_tags",
        "registered_model_tags.model = registered_models.name",
    )),
    datasets: None,
    tie: "name",
};

impl Store {
    /// Makes a registered model without versions.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Invalid`].
    pub fn create_model(
        &self,
        name: &str,
        description: &str,
        tags: Words,
        person: &str,
    ) -> Result<(), StoreError> {
        require_model_name(name)?;
        require_text("the description", description, TEXT_MAX)?;
        require_tags(&tags)?;
        let (now, name, person) = ((self.now)(), name.to_owned(), person.to_owned());
        let description = description.to_owned();
        self.engine.write(move |on| {
            let made = on.execute(
                "INSERT INTO registered_models (name, description, next_version, created, updated)
                 VALUES ($1, $2, 1, $3, $3) ON CONFLICT (name) DO NOTHING",
                values![&name, &description, now],
            )?;
            if made == 0 {
                return Err(StoreError::Exists {
                    what: "a registered model named",
                    name,
                    hint: "",
                });
            }
            tags.iter()
                .try_for_each(|(key, value)| set_tag(on, &name, key, value))?;
            let subject = format!("model {name}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "create",
                    subject,
                    detail: String::new(),
                },
            )
        })
    }

    /// A registered model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn model(&self, name: &str) -> Result<RegisteredModel, StoreError> {
        self.engine.read(|on| {
            let row = on.first(&format!("{COLUMNS} WHERE name = $1"), values![name])?;
            let row = row.ok_or_else(|| not_found(name))?;
            model(on, &row)
        })
    }

    /// Registered models that a filter finds.
    ///
    /// # Errors
    /// [`StoreError::Filter`], [`StoreError::Invalid`].
    pub fn search_models(&self, query: &Query) -> Result<Page<RegisteredModel>, StoreError> {
        let search = Search::new(COLUMNS, &SCOPE, (query, "name ASC"), everything)?;
        self.engine.read(|on| search.page(on, model))
    }

    /// Says what a model is for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn describe_model(&self, name: &str, description: &str, person: &str) -> Result<(), StoreError> {
        require_text("the description", description, TEXT_MAX)?;
        let (now, name, person) = ((self.now)(), name.to_owned(), person.to_owned());
        let description = description.to_owned();
        self.engine.write(move |on| {
            require_model(on, &name)?;
            let sql = "UPDATE registered_models SET description = $1, updated = $2 WHERE name = $3";
            on.execute(sql, values![description, now, &name])?;
            let subject = format!("model {name}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "describe",
                    subject,
                    detail: String::new(),
                },
            )
        })
    }

    /// Gives a model another name; versions, aliases and tags come along.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Exists`].
    pub fn rename_model(&self, name: &str, to: &str, person: &str) -> Result<(), StoreError> {
        require_model_name(to)?;
        let (now, name, to, person) = ((self.now)(), name.to_owned(), to.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            require_model(on, &name)?;
            if on
                .first("SELECT 1 FROM registered_models WHERE name = $1", values![&to])?
                .is_some()
            {
                return Err(StoreError::Exists {
                    what: "a registered model named",
                    name: to,
                    hint: "",
                });
            }
            let sql = "UPDATE registered_models SET name = $1, updated = $2 WHERE name = $3";
            on.execute(sql, values![&to, now, &name])?;
            let subject = format!("model {name}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "rename",
                    subject,
                    detail: to,
                },
            )
        })
    }

    /// Deletes a model with all its versions. The bytes stay for others that share them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_model(&self, name: &str, person: &str) -> Result<(), StoreError> {
        let (now, name, person) = ((self.now)(), name.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            require_model(on, &name)?;
            on.execute(
                "DELETE FROM artifacts WHERE owner IN (SELECT 'version/' || uid FROM versions WHERE model = $1)",
                values![&name],
            )?;
            for table in ["aliases", "alias_moves", "version_tags", "versions", "registered_model_tags"] {
                on.execute(&format!("DELETE FROM {table} WHERE model = $1"), values![&name])?;
            }
            on.execute("DELETE FROM registered_models WHERE name = $1", values![&name])?;
            let subject = format!("model {name}");
            note(on, Note { at: now, person: &person, action: "delete", subject, detail: String::new() })
        })
    }

    /// Sets a tag of a model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn set_model_tag(&self, name: &str, key: &str, value: &str) -> Result<(), StoreError> {
        crate::experiments::require_tag(key, value)?;
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.to_owned());
        self.engine.write(move |on| {
            require_model(on, &name)?;
            set_tag(on, &name, &key, &value)
        })
    }

    /// Takes a tag of a model away; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such model.
    pub fn delete_model_tag(&self, name: &str, key: &str) -> Result<(), StoreError> {
        let (name, key) = (name.to_owned(), key.to_owned());
        self.engine.write(move |on| {
            require_model(on, &name)?;
            let sql = "DELETE FROM registered_model_tags WHERE model = $1 AND key = $2";
            on.execute(sql, values![name, key]).map(drop)
        })
    }
}

fn set_tag(on: &mut dyn Connection, name: &str, key: &str, value: &str) -> Result<(), StoreError> {
    on.execute(
        "INSERT INTO registered_model_tags (model, key, value) VALUES ($1, $2, $3)
         ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        values![name, key, value],
    )
    .map(drop)
}

fn not_found(name: &str) -> StoreError {
    StoreError::not_found(
        "registered model named",
        name.chars().take(80).collect::<String>(),
    )
}

pub(crate) fn require_model(on: &mut dyn Connection, name: &str) -> Result<(), StoreError> {
    let found = on.first("SELECT 1 FROM registered_models WHERE name = $1", values![name])?;
    found.map(drop).ok_or_else(|| not_found(name))
}

fn model(on: &mut dyn Connection, row: &Row) -> Result<RegisteredModel, StoreError> {
    let name = row.text(0);
    let aliases = on.query(
        "SELECT alias, version FROM aliases WHERE model = $1",
        values![&name],
    )?;
    Ok(RegisteredModel {
        description: row.text(1),
        created: row.int(2),
        updated: row.int(3),
        tags: words_of(
            on,
            "SELECT key, value FROM registered_model_tags WHERE model = $1",
            &name,
        )?,
        aliases: aliases.iter().map(|row| (row.text(0), row.int(1))).collect(),
        name,
    })
}
