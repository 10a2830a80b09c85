//! Kernels as sums of products, read from text.

use kolosal_learner::ParamError;

/// One kernel of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rbf,
    Matern12,
    Matern32,
    Matern52,
    RationalQuadratic,
    Linear,
}

/// The names of all kernels.
const KINDS: [(&str, Kind); 6] = [
    ("rbf", Kind::Rbf),
    ("matern12", Kind::Matern12),
    ("matern32", Kind::Matern32),
    ("matern52", Kind::Matern52),
    ("rational_quadratic", Kind::RationalQuadratic),
    ("linear", Kind::Linear),
];

/// Most kernels in all.
const KERNELS_MAX: usize = 8;

/// A sum of products; each term has a variance, each kernel lengths of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) terms: Vec<Vec<Kind>>,
}

impl Expression {
    /// Reads kernels joined by `*`, and products joined by `+`.
    ///
    /// # Errors
    /// If a name is no kernel, or there are too many.
    pub(super) fn parse(text: &str) -> Result<Self, ParamError> {
        let unreadable = |problem: String| ParamError::Unreadable {
            name: "kernel",
            value: text.to_owned(),
            problem,
        };
        let kind = |name: &str| {
            let found = KINDS.iter().find(|(known, _)| *known == name.trim());
            found.map(|(_, kind)| *kind).ok_or_else(|| {
                let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                unreadable(format!(
                    "'{}' is no kernel; the kernels are {}, joined by * and +",
                    name.trim(),
                    names.join(", ")
                ))
            })
        };
        let terms: Vec<Vec<Kind>> = text
            .split('+')
            .map(|term| term.split('*').map(kind).collect())
            .collect::<Result<_, _>>()?;
        let kernels: usize = terms.iter().map(Vec::len).sum();
        if kernels > KERNELS_MAX {
            return Err(unreadable(format!(
                "{kernels} kernels are too many; at most {KERNELS_MAX} can be"
            )));
        }
        Ok(Self { terms })
    }

    /// The text it is read from.
    pub(super) fn text(&self) -> String {
        let name = |kind: &Kind| {
            KINDS
                .iter()
                .find(|(_, known)| known == kind)
                .expect("all are listed")
                .0
        };
        let term = |kinds: &Vec<Kind>| kinds.iter().map(name).collect::<Vec<_>>().join("*");
        self.terms.iter().map(term).collect::<Vec<_>>().join("+")
    }

    /// How many logarithms of parameters there are with so many lengths a kernel.
    pub(super) fn parameter_count(&self, lengths: usize) -> usize {
        let of_kind = |kind: &Kind| lengths + usize::from(*kind == Kind::RationalQuadratic);
        self.terms
            .iter()
            .map(|kinds| 1 + kinds.iter().map(of_kind).sum::<usize>())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_products_are_read_and_others_refused() {
        let read = Expression::parse("rbf * linear + matern52").unwrap();
        assert_eq!(read.terms, [vec![Kind::Rbf, Kind::Linear], vec![Kind::Matern52]]);
        assert_eq!(read.text(), "rbf*linear+matern52");
        assert_eq!(read.parameter_count(3), 1 + 3 + 3 + 1 + 3);
        let refused = Expression::parse("rbf+periodic").unwrap_err().to_string();
        assert!(
            refused.contains("'periodic' is no kernel; the kernels are rbf, matern12"),
            "{refused}"
        );
        assert!(Expression::parse("").is_err());
    }
}
