//! Tokens that open a server. Only their digests are stored.
//!
//! A token is 32 random bytes, so a plain SHA-256 hides it: there is nothing to guess that a slow hash would protect.

use crate::audit::{Note, note};
use crate::ids::{random_hex, require_name, sha256_hex};
use crate::sql::{Row, values};
use crate::{Store, StoreError};

/// What a token permits; each one permits what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything but tokens and the audit chain.
    Viewer,
    /// Log runs, register models.
    Editor,
    /// Move aliases and stages, delete, change settings.
    Operator,
    /// Tokens and the audit chain.
    Admin,
}

impl Role {
    /// Every role with its name.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Viewer, "viewer"),
        (Self::Editor, "editor"),
        (Self::Operator, "operator"),
        (Self::Admin, "admin"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(role, _)| *role == self)
            .expect("every role is in ALL")
            .1
    }

    /// Takes a role from words.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is none.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| *role).ok_or_else(|| {
            StoreError::invalid(
                format!("the role {text:?}"),
                "is none of viewer, editor, operator, admin",
            )
        })
    }
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its identifier; it does not open anything.
    pub id: String,
    /// Who or what it is for.
    pub name: String,
    /// What it permits.
    pub role: Role,
    /// When it was made.
    pub created: i64,
    /// When it ends by itself.
    pub expires: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

const COLUMNS: &str = "SELECT id, name, role, created, expires, revoked FROM tokens";

impl Store {
    /// Makes a token; gives the token itself, which is shown once and never stored, and what is known of it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`].
    pub fn create_token(
        &self,
        name: &str,
        role: Role,
        expires: Option<i64>,
        person: &str,
    ) -> Result<(String, TokenInfo), StoreError> {
        require_name("the token's name", name)?;
        let secret = format!("kolosal_{}", random_hex(32)?);
        let info = TokenInfo {
            id: random_hex(8)?,
            name: name.to_owned(),
            role,
            created: (self.now)(),
            expires,
            revoked: None,
        };
        let (hash, row, person) = (sha256_hex(&secret), info.clone(), person.to_owned());
        self.engine.write(move |on| {
            on.execute(
                "INSERT INTO tokens (id, hash, name, role, created, expires, revoked)
                 VALUES ($1, $2, $3, $4, $5, $6, NULL)",
                values![
                    &row.id,
                    hash,
                    &row.name,
                    row.role.name(),
                    row.created,
                    row.expires
                ],
            )?;
            let subject = format!("token {}", row.id);
            let detail = format!("{} for {}", row.role.name(), row.name);
            note(
                on,
                Note {
                    at: row.created,
                    person: &person,
                    action: "create",
                    subject,
                    detail,
                },
            )
        })?;
        Ok((secret, info))
    }

    /// What a token permits; `None` if it is unknown, has ended or was revoked.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be asked.
    pub fn check_token(&self, secret: &str) -> Result<Option<TokenInfo>, StoreError> {
        // Looked up by digest: how long that takes says nothing about the token.
        let hash = sha256_hex(secret);
        let found = self
            .engine
            .read(|on| on.first(&format!("{COLUMNS} WHERE hash = $1"), values![hash]))?;
        let now = (self.now)();
        let is_good =
            |token: &TokenInfo| token.revoked.is_none() && token.expires.is_none_or(|end| now < end);
        Ok(found.map(|row| token(&row)).transpose()?.filter(is_good))
    }

    /// All tokens, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, StoreError> {
        let rows = self
            .engine
            .read(|on| on.query(&format!("{COLUMNS} ORDER BY created, id"), &[]))?;
        rows.iter().map(token).collect()
    }

    /// Makes a token useless.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn revoke_token(&self, id: &str, person: &str) -> Result<(), StoreError> {
        let (now, id, person) = ((self.now)(), id.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            let sql = "UPDATE tokens SET revoked = $1 WHERE id = $2 AND revoked IS NULL";
            if on.execute(sql, values![now, &id])? == 0 {
                return Err(StoreError::not_found("valid token", id));
            }
            let subject = format!("token {id}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "revoke",
                    subject,
                    detail: String::new(),
                },
            )
        })
    }
}

fn token(row: &Row) -> Result<TokenInfo, StoreError> {
    Ok(TokenInfo {
        id: row.text(0),
        name: row.text(1),
        role: Role::parse(&row.text(2))?,
        created: row.int(3),
        expires: row.maybe_int(4),
        revoked: row.maybe_int(5),
    })
}
