//! Settings that are changed while a server runs: every value they had, with who set it and when.

use crate::audit::{Note, note};
use crate::ids::{TEXT_MAX, require_name, require_text};
use crate::sql::{Row, values};
use crate::{Store, StoreError};

/// A value that a setting has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingVersion {
    /// The setting.
    pub name: String,
    /// Its number among the values of this setting, from one.
    pub version: i64,
    /// The value; `None` where it was taken away.
    pub value: Option<String>,
    /// When it was set.
    pub at: i64,
    /// By whom.
    pub person: String,
}

impl Store {
    /// Sets a setting or takes it away. With `expected`, only if that is its present version (zero: never set).
    ///
    /// # Errors
    /// [`StoreError::State`] if someone else was faster.
    pub fn set_setting(
        &self,
        name: &str,
        value: Option<&str>,
        expected: Option<i64>,
        person: &str,
    ) -> Result<i64, StoreError> {
        require_name("the setting's name", name)?;
        require_text("the setting's value", value.unwrap_or(""), TEXT_MAX)?;
        let (now, name, person) = ((self.now)(), name.to_owned(), person.to_owned());
        let value = value.map(str::to_owned);
        self.engine.write(move |on| {
            let last = on.first(
                "SELECT MAX(version) FROM settings WHERE name = $1",
                values![&name],
            )?;
            let last = last.map_or(0, |row| row.int(0));
            if expected.is_some_and(|expected| expected != last) {
                return Err(StoreError::State {
                    what: "setting",
                    name,
                    state: format!("at version {last}"),
                    need: "it changed meanwhile; look again",
                });
            }
            on.execute(
                "INSERT INTO settings (name, version, value, at, person) VALUES ($1, $2, $3, $4, $5)",
                values![&name, last + 1, value, now, &person],
            )?;
            let subject = format!("setting {name}");
            let detail = format!("version {}", last + 1);
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "set",
                    subject,
                    detail,
                },
            )?;
            Ok(last + 1)
        })
    }

    /// The present value of every setting that has one, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn settings(&self) -> Result<Vec<SettingVersion>, StoreError> {
        self.engine.read(|on| {
            let sql = "SELECT name, version, value, at, person FROM settings AS s WHERE value IS NOT NULL AND version =
                       (SELECT MAX(version) FROM settings AS t WHERE t.name = s.name) ORDER BY name";
            Ok(on.query(sql, &[])?.iter().map(setting).collect())
        })
    }

    /// All values that a setting had, the first one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn setting_history(&self, name: &str) -> Result<Vec<SettingVersion>, StoreError> {
        self.engine.read(|on| {
            let sql =
                "SELECT name, version, value, at, person FROM settings WHERE name = $1 ORDER BY version";
            Ok(on.query(sql, values![name])?.iter().map(setting).collect())
        })
    }
}

fn setting(row: &Row) -> SettingVersion {
    SettingVersion {
        name: row.text(0),
        version: row.int(1),
        value: row.maybe_text(2),
        at: row.int(3),
        person: row.text(4),
    }
}
