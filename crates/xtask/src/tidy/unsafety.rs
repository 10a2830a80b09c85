//! Rule: unsafe code lives in `compute` and nowhere else.

use super::Report;
use crate::outline::Outline;
use crate::tree::Tree;

const HOME: &str = "crates/compute/";

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, text) in tree.texts("rs").filter(|(file, _)| !file.path.starts_with(HOME)) {
        for token in Outline::of(text)
            .code
            .iter()
            .filter(|token| token.is_word("unsafe"))
        {
            report.find(
                &file.path,
                token.line,
                format!("unsafe outside {HOME}; put the kernel there, behind a safe function"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::expect_findings;

    #[test]
    fn unsafe_is_found_outside_its_home() {
        let code = "//! x\nfn a() {\n    unsafe { b() }\n}\n";
        expect_findings(
            check,
            &[("crates/frame/src/a.rs", code)],
            &["crates/frame/src/a.rs:3: unsafe outside"],
        );
        expect_findings(check, &[("crates/compute/src/a.rs", code)], &[]);
    }

    #[test]
    fn the_word_alone_is_harmless() {
        let code = "#![forbid(unsafe_code)]\n// unsafe\nconst A: &str = \"unsafe { }\";\n";
        expect_findings(check, &[("crates/frame/src/a.rs", code)], &[]);
    }
}
