//! Aliases: names that point at a version and can go back to where they pointed.

use crate::audit::{Note, note};
use crate::ids::require_alias;
use crate::registry::require_model;
use crate::sql::{Connection, Row, values};
use crate::{AliasMove, Store, StoreError};

impl Store {
    /// Lets an alias point at a version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`] for an alias that may not be.
    pub fn set_alias(&self, model: &str, alias: &str, version: i64, person: &str) -> Result<(), StoreError> {
        require_alias(alias)?;
        let alias = alias.to_owned();
        let who = person.to_owned();
        self.change_version(model, version, (person, "alias"), move |on, model, now| {
            move_alias(on, (model, &alias), Some(version), (now, &who))?;
            Ok(alias)
        })
    }

    /// Takes an alias away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such model; an alias that is not there is no error.
    pub fn delete_alias(&self, model: &str, alias: &str, person: &str) -> Result<(), StoreError> {
        let (now, model, alias, person) = (
            (self.now)(),
            model.to_owned(),
            alias.to_owned(),
            person.to_owned(),
        );
        self.engine.write(move |on| {
            require_model(on, &model)?;
            let sql = "SELECT 1 FROM aliases WHERE model = $1 AND alias = $2";
            if on.first(sql, values![&model, &alias])?.is_none() {
                return Ok(());
            }
            move_alias(on, (&model, &alias), None, (now, &person))?;
            let subject = format!("model {model}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "unalias",
                    subject,
                    detail: alias,
                },
            )
        })
    }

    /// Lets an alias point at where it pointed before; gives that version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is nothing before, or it was deleted.
    pub fn roll_back_alias(&self, model: &str, alias: &str, person: &str) -> Result<i64, StoreError> {
        let (now, model, alias, person) = (
            (self.now)(),
            model.to_owned(),
            alias.to_owned(),
            person.to_owned(),
        );
        self.engine.write(move |on| {
            require_model(on, &model)?;
            let sql = "SELECT version FROM aliases WHERE model = $1 AND alias = $2";
            let present = on.first(sql, values![&model, &alias])?.map(|row| row.int(0));
            let sql = "SELECT alias_moves.version FROM alias_moves JOIN versions
                       ON versions.model = alias_moves.model AND versions.version = alias_moves.version
                       WHERE alias_moves.model = $1 AND alias = $2 AND alias_moves.version != $3
                       ORDER BY seq DESC LIMIT 1";
            let before = on.first(sql, values![&model, &alias, present.unwrap_or(-1)])?;
            let Some(version) = before.map(|row| row.int(0)) else {
                let name = format!("where {alias} of model {model} pointed before");
                return Err(StoreError::not_found("version", name));
            };
            move_alias(on, (&model, &alias), Some(version), (now, &person))?;
            let subject = format!("model {model} version {version}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "roll back",
                    subject,
                    detail: alias,
                },
            )?;
            Ok(version)
        })
    }

    /// All moves of an alias, the first one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn alias_history(&self, model: &str, alias: &str) -> Result<Vec<AliasMove>, StoreError> {
        self.engine.read(|on| {
            let sql = "SELECT seq, version, at, person FROM alias_moves WHERE model = $1 AND alias = $2 ORDER BY seq";
            let moved = |row: &Row| AliasMove {
                seq: row.int(0),
                version: row.maybe_int(1),
                at: row.int(2),
                person: row.text(3),
            };
            Ok(on.query(sql, values![model, alias])?.iter().map(moved).collect())
        })
    }
}

/// Moves an alias, or takes it away, and keeps the move.
fn move_alias(
    on: &mut dyn Connection,
    (model, alias): (&str, &str),
    version: Option<i64>,
    (now, person): (i64, &str),
) -> Result<(), StoreError> {
    match version {
        Some(version) => on.execute(
            "INSERT INTO aliases (model, alias, version) VALUES ($1, $2, $3)
             ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
            values![model, alias, version],
        )?,
        None => on.execute(
            "DELETE FROM aliases WHERE model = $1 AND alias = $2",
            values![model, alias],
        )?,
    };
    let sql = "SELECT MAX(seq) FROM alias_moves WHERE model = $1 AND alias = $2";
    let seq = on.first(sql, values![model, alias])?.map_or(0, |row| row.int(0)) + 1;
    on.execute(
        "INSERT INTO alias_moves (model, alias, seq, version, at, person) VALUES ($1, $2, $3, $4, $5, $6)",
        values![model, alias, seq, version, now, person],
    )
    .map(drop)
}
