//! The list of known exceptions to the size limits: `lines path [function]`, one a line, `#` for the reason.
//!
//! An entry is added by hand, with its reason, in a change that someone reviews. From then on it only shrinks.

use std::collections::BTreeMap;
use std::fmt;

use super::Report;
use super::size::{self, Oversize};
use crate::tree::Tree;

/// Where the list is.
pub(super) const PATH: &str = "crates/xtask/ratchet.txt";

/// A file, or a function in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    pub(super) path: String,
    pub(super) function: Option<String>,
}

impl Item {
    pub(super) fn file(path: &str) -> Item {
        Item {
            path: path.to_owned(),
            function: None,
        }
    }

    pub(super) fn function(path: &str, name: &str) -> Item {
        Item {
            path: path.to_owned(),
            function: Some(name.to_owned()),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some(name) => write!(f, "function {name}"),
            None => f.write_str("the file"),
        }
    }
}

/// Reads `lines path [function]`.
fn parse(entry: &str) -> Option<(Item, usize)> {
    let mut words = entry.split_whitespace();
    let lines = words.next()?.parse().ok()?;
    let path = words.next()?.to_owned();
    let function = words.next().map(str::to_owned);
    words.next().is_none().then_some((Item { path, function }, lines))
}

/// An entry of the list, or nothing for a comment or a blank line.
fn is_entry(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim_start().starts_with('#')
}

fn text(tree: &Tree) -> &str {
    tree.file(PATH).and_then(|file| file.text()).unwrap_or_default()
}

/// Gives what the list allows, and finds entries that are larger than needed, not needed, or no entries at all.
pub(super) fn check(tree: &Tree, oversize: &Oversize, report: &mut Report) -> BTreeMap<Item, usize> {
    let mut allowed = BTreeMap::new();
    for (index, line) in text(tree).lines().enumerate().filter(|(_, line)| is_entry(line)) {
        let Some((item, lines)) = parse(line) else {
            report.find(PATH, index + 1, "cannot be read; write `lines path [function]`");
            continue;
        };
        match oversize.get(&item) {
            None => {
                let message =
                    format!("{item} is within its limit; run `cargo xtask tidy --bless` to drop the entry");
                report.find(PATH, index + 1, message);
            }
            Some(&(now, _)) if now < lines => {
                let message = format!(
                    "{item} has {now} lines, {lines} are allowed; run `cargo xtask tidy --bless` to keep the gain"
                );
                report.find(PATH, index + 1, message);
            }
            Some(_) => {}
        }
        allowed.insert(item, lines);
    }
    allowed
}

/// The list with every entry brought down to what `tree` needs. Comments stay where they are.
pub(super) fn tightened(tree: &Tree) -> String {
    let oversize = size::oversize(tree);
    let mut out = String::new();
    for line in text(tree).lines() {
        match parse(line).filter(|_| is_entry(line)) {
            None => out.push_str(line),
            Some((item, lines)) => {
                let Some(&(now, _)) = oversize.get(&item) else {
                    continue;
                };
                let name = item.function.map(|name| format!(" {name}")).unwrap_or_default();
                out.push_str(&format!("{} {}{name}", now.min(lines), item.path));
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{PATH, tightened};
    use crate::tree::Tree;

    #[test]
    fn blessing_shrinks_and_drops_but_never_grows() {
        let file = "// x\n".repeat(900);
        let function = format!("fn f() {{\n{}}}\n", "x();\n".repeat(98));
        let ratchet = "# sizes\n1000 grown.rs\n850 over.rs\n120 a.rs f\n99 a.rs gone\n";
        let tree = Tree::of(&[
            ("grown.rs", &file),
            ("over.rs", &file),
            ("a.rs", &function),
            (PATH, ratchet),
        ]);
        assert_eq!(
            tightened(&tree),
            "# sizes\n900 grown.rs\n850 over.rs\n100 a.rs f\n"
        );
    }
}
