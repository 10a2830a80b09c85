//! How far two groupings of the same rows agree. Rows of no group count as a group.

/// Three measures of agreement; one where groupings are the same, about zero where they are unrelated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Share of pairs that both treat alike, against chance (Hubert, Arabie 1985).
    pub adjusted_rand: f64,
    /// Information that each gives of the other, against chance, by the mean of their entropies (Vinh, Epps, Bailey 2010).
    pub adjusted_mutual_information: f64,
    /// Harmonic mean of homogeneity and completeness (Rosenberg, Hirschberg 2007).
    pub v_measure: f64,
}

/// How often labels of two groupings meet.
struct Table {
    cells: Vec<Vec<f64>>,
    rows: Vec<f64>,
    columns: Vec<f64>,
    total: f64,
}

impl Agreement {
    /// Compares two groupings.
    ///
    /// # Panics
    /// If they are not of the same rows.
    pub fn of(a: &[u32], b: &[u32]) -> Self {
        assert_eq!(a.len(), b.len(), "two groupings of the same rows");
        let table = Table::of(a, b);
        let (of_a, of_b) = (
            entropy(&table.rows, table.total),
            entropy(&table.columns, table.total),
        );
        let shared = table.mutual_information();
        let mean = (of_a + of_b) / 2.0;
        let expected = table.expected_information();
        let is_trivial =
            table.rows.len() == table.columns.len() && (table.rows.len() == 1 || table.rows.len() == a.len());
        let adjusted = if is_trivial {
            1.0
        } else {
            (shared - expected) / (mean - expected).max(f64::EPSILON)
        };
        Self {
            adjusted_rand: table.adjusted_rand(),
            adjusted_mutual_information: adjusted,
            v_measure: if mean > 0.0 { shared / mean } else { 1.0 },
        }
    }
}

impl Table {
    fn of(a: &[u32], b: &[u32]) -> Self {
        let names = |labels: &[u32]| {
            let mut names = labels.to_vec();
            names.sort_unstable();
            names.dedup();
            names
        };
        let (of_a, of_b) = (names(a), names(b));
        let mut cells = vec![vec![0.0; of_b.len()]; of_a.len()];
        for (x, y) in a.iter().zip(b) {
            let place = |names: &[u32], label| names.binary_search(label).expect("every label is a name");
            cells[place(&of_a, x)][place(&of_b, y)] += 1.0;
        }
        let rows = cells.iter().map(|line| line.iter().sum()).collect();
        let columns = (0..of_b.len())
            .map(|j| cells.iter().map(|line| line[j]).sum())
            .collect();
        Self {
            cells,
            rows,
            columns,
            total: a.len() as f64,
        }
    }

    fn adjusted_rand(&self) -> f64 {
        let pairs = |n: f64| n * (n - 1.0) / 2.0;
        let together: f64 = self.cells.iter().flatten().map(|n| pairs(*n)).sum();
        let of_a: f64 = self.rows.iter().map(|n| pairs(*n)).sum();
        let of_b: f64 = self.columns.iter().map(|n| pairs(*n)).sum();
        let expected = of_a * of_b / pairs(self.total).max(1.0);
        let most = (of_a + of_b) / 2.0;
        if most == expected {
            1.0
        } else {
            (together - expected) / (most - expected)
        }
    }

    fn mutual_information(&self) -> f64 {
        let mut sum = 0.0;
        for (line, row) in self.cells.iter().zip(&self.rows) {
            for (cell, column) in line.iter().zip(&self.columns).filter(|(cell, _)| **cell > 0.0) {
                sum += cell / self.total * (self.total * cell / (row * column)).ln();
            }
        }
        sum.max(0.0)
    }

    /// The mean over all groupings with groups of these sizes, each cell being hypergeometric.
    fn expected_information(&self) -> f64 {
        let count = self.total as usize;
        let mut factorials = vec![0.0; count + 1];
        (1..=count).for_each(|n| factorials[n] = factorials[n - 1] + (n as f64).ln());
        let f = |n: f64| factorials[n as usize];
        let mut sum = 0.0;
        for &a in &self.rows {
            for &b in &self.columns {
                let first = (a + b - self.total).max(1.0) as usize;
                for n in first..=a.min(b) as usize {
                    let n = n as f64;
                    let log = f(a) + f(b) + f(self.total - a) + f(self.total - b)
                        - f(self.total)
                        - f(n)
                        - f(a - n)
                        - f(b - n)
                        - f(self.total - a - b + n);
                    sum += n / self.total * (self.total * n / (a * b)).ln() * log.exp();
                }
            }
        }
        sum
    }
}

fn entropy(sizes: &[f64], total: f64) -> f64 {
    -sizes.iter().map(|n| n / total * (n / total).ln()).sum::<f64>()
}
