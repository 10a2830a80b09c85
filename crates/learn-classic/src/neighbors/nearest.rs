//! The closest rows found so far.

/// Up to `k` rows by rising distance, ties by row.
#[derive(Debug, Clone)]
pub(crate) struct Nearest {
    k: usize,
    found: Vec<(f64, u32)>,
}

impl Nearest {
    pub(crate) fn new(k: usize) -> Self {
        Self {
            k,
            found: Vec::with_capacity(k),
        }
    }

    /// How many rows are kept.
    pub(super) fn most(&self) -> usize {
        self.k
    }

    pub(super) fn clear(&mut self) {
        self.found.clear();
    }

    /// The distance beyond which no row is taken.
    pub(super) fn reach(&self) -> f64 {
        if self.found.len() == self.k {
            self.found[self.k - 1].0
        } else {
            f64::INFINITY
        }
    }

    /// Takes a row if it is among the closest.
    pub(super) fn offer(&mut self, distance: f64, row: u32) {
        if self.found.len() == self.k {
            let last = self.found[self.k - 1];
            if distance > last.0 || (distance == last.0 && row > last.1) {
                return;
            }
            self.found.pop();
        }
        let at = self
            .found
            .partition_point(|found| found.0 < distance || (found.0 == distance && found.1 < row));
        self.found.insert(at, (distance, row));
    }

    /// Distances and rows, closest first.
    pub(crate) fn found(&self) -> &[(f64, u32)] {
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_are_kept_and_ties_go_to_the_earlier_row() {
        let mut nearest = Nearest::new(3);
        for (distance, row) in [
            (2.0, 5),
            (1.0, 7),
            (2.0, 1),
            (f64::INFINITY, 0),
            (2.0, 3),
            (0.5, 9),
        ] {
            nearest.offer(distance, row);
        }
        assert_eq!(nearest.found(), [(0.5, 9), (1.0, 7), (2.0, 1)]);
        assert_eq!(nearest.reach(), 2.0);
    }
}
