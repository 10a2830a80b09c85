//! A light reader of `Cargo.toml`: sections and their entries, each with its line and block.

/// `key = value` in a section; a value may span lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key without quotes, dotted parts included: `serde.workspace`.
    pub(crate) key: String,
    /// The value as written, without comments.
    pub(crate) value: String,
    pub(crate) line: usize,
    /// Entries without a blank line between them share a block.
    pub(crate) block: usize,
}

impl Entry {
    /// The first part of a dotted key: the name of a dependency.
    pub(crate) fn name(&self) -> &str {
        self.key.split('.').next().unwrap_or(&self.key)
    }

    /// True for `x.workspace = true` and `x = { workspace = true, .. }`.
    pub(crate) fn is_inherited(&self) -> bool {
        let flat = squeezed(&self.value);
        (self.key.ends_with(".workspace") && flat == "true") || has_item(&flat, "workspace=true")
    }

    /// True when the inline table of the value holds `item`, written without spaces: `default-features=false`.
    pub(crate) fn holds(&self, item: &str) -> bool {
        has_item(&squeezed(&self.value), item)
    }

    /// The string behind `field = "..."` in the inline table of the value.
    pub(crate) fn field(&self, field: &str) -> Option<&str> {
        let (_, tail) = self.value.split_once(field)?;
        tail.trim_start().strip_prefix('=')?.split('"').nth(1)
    }
}

fn squeezed(value: &str) -> String {
    value.chars().filter(|c| !c.is_whitespace()).collect()
}

fn has_item(flat: &str, item: &str) -> bool {
    flat.trim_matches(['{', '}'])
        .split(',')
        .any(|found| found == item)
}

/// `[name]` with its entries.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) entries: Vec<Entry>,
}

impl Section {
    /// `dependencies`, `dev-dependencies` or `build-dependencies`, whether of a package, a target or the workspace.
    pub(crate) fn dependency_kind(&self) -> Option<&str> {
        let last = self.name.rsplit('.').next().unwrap_or(&self.name);
        matches!(last, "dependencies" | "dev-dependencies" | "build-dependencies").then_some(last)
    }

    /// The entry with exactly this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Reads a manifest. Text before the first section belongs to a section without a name.
pub(crate) fn read(text: &str) -> Vec<Section> {
    let mut sections = vec![Section {
        name: String::new(),
        line: 1,
        entries: Vec::new(),
    }];
    let mut block = 0;
    let mut open: Option<Entry> = None;
    for (index, line) in text.lines().enumerate() {
        let content = without_comment(line).trim();
        if let Some(entry) = open.as_mut() {
            entry.value.push_str(content);
        } else if line.trim().is_empty() {
            block += 1;
        } else if let Some(name) = content.strip_prefix('[') {
            let name = name
                .trim_start_matches('[')
                .trim_end_matches(']')
                .trim()
                .to_owned();
            sections.push(Section {
                name,
                line: index + 1,
                entries: Vec::new(),
            });
        } else if let Some((key, value)) = content.split_once('=') {
            let key = key.trim().trim_matches('"').to_owned();
            open = Some(Entry {
                key,
                value: value.trim().to_owned(),
                line: index + 1,
                block,
            });
        }
        if let Some(entry) = open.take_if(|entry| is_balanced(&entry.value)) {
            sections
                .last_mut()
                .expect("starts with one section")
                .entries
                .push(entry);
        }
    }
    sections
}

/// The line up to a `#` that stands outside quotes.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

fn is_balanced(value: &str) -> bool {
    let count = |marks: [char; 2]| value.matches(marks).count();
    count(['[', '{']) == count([']', '}'])
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn entries_keep_line_block_and_multi_line_values() {
        let sections = read(
            "[package]\nname = \"a\" # the name\n\n[dependencies]\nb.workspace = true\n\nc = { version = \"1\",\n  features = [\n \"x\", ] }\n",
        );
        assert_eq!(sections[1].entry("name").expect("is there").value, "\"a\"");
        let dependencies = &sections[2];
        assert_eq!(dependencies.dependency_kind(), Some("dependencies"));
        let [b, c] = &dependencies.entries[..] else {
            panic!("two entries: {dependencies:?}")
        };
        assert!(b.is_inherited() && b.name() == "b" && b.line == 5);
        assert!(!c.is_inherited() && c.line == 7 && c.block != b.block);
        assert_eq!(c.field("version"), Some("1"));
    }

    #[test]
    fn inline_tables_answer_for_their_items() {
        let sections = read(
            "[dev-dependencies]\na = { workspace = true, features = [\"y\"] }\nb = { default-features = false }",
        );
        let [a, b] = &sections[1].entries[..] else {
            panic!("two entries")
        };
        assert!(a.is_inherited() && !b.is_inherited());
        assert!(b.holds("default-features=false") && !a.holds("default-features=false"));
    }

    #[test]
    fn target_sections_hold_dependencies_too() {
        let sections = read("[target.'cfg(unix)'.dependencies]\nlibc.workspace = true\n[features]\nx = []");
        assert_eq!(sections[1].dependency_kind(), Some("dependencies"));
        assert_eq!(sections[2].dependency_kind(), None);
    }
}
