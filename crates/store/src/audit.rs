//! Who changed what, in a chain: each entry holds the digest of the one before it.
//!
//! An entry is written in the transaction of the change itself. What is logged in a run (metrics, parameters, tags) is
//! data and has no entries; experiments, runs, models, versions, aliases, settings and tokens have.

use crate::ids::sha256_hex;
use crate::search::{Page, offset, page};
use crate::sql::{Connection, values};
use crate::{Store, StoreError};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from one.
    pub seq: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub person: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Further facts.
    pub detail: String,
    /// The digest of this entry and the one before it.
    pub hash: String,
}

impl AuditEntry {
    /// The digest that the entry must have. Each part is behind its length, so that no two entries read alike.
    fn expected(&self, before: &str) -> String {
        let seq = self.seq.to_string();
        let at = self.at.to_string();
        let parts = [
            before,
            seq.as_str(),
            at.as_str(),
            self.person.as_str(),
            self.action.as_str(),
            self.subject.as_str(),
            self.detail.as_str(),
        ];
        sha256_hex(&parts.map(|part| format!("{}:{part}", part.len())).concat())
    }
}

/// What a look at the whole chain gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// Entries that were read.
    pub entries: i64,
    /// The first entry that does not fit, and why.
    pub problem: Option<(i64, String)>,
    /// The digest of the last entry: noted elsewhere, it shows whether entries at the end were taken away.
    pub head: String,
}

/// A change about to be noted.
pub(crate) struct Note<'a> {
    pub(crate) at: i64,
    pub(crate) person: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// Adds an entry; called in the transaction of the change.
pub(crate) fn note(on: &mut dyn Connection, note: Note<'_>) -> Result<(), StoreError> {
    let last = on.first("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", &[])?;
    let (seq, before) = last.map_or((0, String::new()), |row| (row.int(0), row.text(1)));
    let mut entry = AuditEntry {
        seq: seq + 1,
        at: note.at,
        person: note.person.to_owned(),
        action: note.action.to_owned(),
        subject: note.subject,
        detail: note.detail,
        hash: String::new(),
    };
    entry.hash = entry.expected(&before);
    on.execute(
        "INSERT INTO audit (seq, at, person, action, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            entry.seq,
            entry.at,
            entry.person,
            entry.action,
            entry.subject,
            entry.detail,
            entry.hash
        ],
    )?;
    Ok(())
}

const COLUMNS: &str = "SELECT seq, at, person, action, subject, detail, hash FROM audit";

/// Entries read at once.
const BLOCK: i64 = 10_000;

impl Store {
    /// Entries of the chain, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit(&self, count_max: usize, from: Option<&str>) -> Result<Page<AuditEntry>, StoreError> {
        let begin = offset(from)?;
        let sql = format!("{COLUMNS} ORDER BY seq DESC LIMIT $1 OFFSET $2");
        let rows = self
            .engine
            .read(|on| on.query(&sql, values![count_max as i64 + 1, begin]))?;
        Ok(page(rows.iter().map(entry).collect(), begin, count_max))
    }

    /// Reads the whole chain and compares every digest.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read; a chain that is broken is no error but an answer.
    pub fn audit_verify(&self) -> Result<AuditCheck, StoreError> {
        let sql = format!("{COLUMNS} WHERE seq > $1 ORDER BY seq LIMIT {BLOCK}");
        let mut check = AuditCheck {
            entries: 0,
            problem: None,
            head: String::new(),
        };
        loop {
            let rows = self.engine.read(|on| on.query(&sql, values![check.entries]))?;
            for found in rows.iter().map(entry) {
                check.entries += 1;
                let problem = if found.seq != check.entries {
                    Some(format!("entry {} is missing", check.entries))
                } else if found.hash != found.expected(&check.head) {
                    Some("its words were changed, or those of the entry before it".to_owned())
                } else {
                    None
                };
                if let Some(problem) = problem {
                    check.problem = Some((found.seq, problem));
                    return Ok(check);
                }
                check.head = found.hash;
            }
            if rows.is_empty() {
                return Ok(check);
            }
        }
    }
}

fn entry(row: &crate::sql::Row) -> AuditEntry {
    AuditEntry {
        seq: row.int(0),
        at: row.int(1),
        person: row.text(2),
        action: row.text(3),
        subject: row.text(4),
        detail: row.text(5),
        hash: row.text(6),
    }
}
