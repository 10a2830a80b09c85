//! A walk through one layer of the graph: the closest points seen so far, and which were seen.

use super::far::Far;

/// Places of the list of points that were seen. It forgets: a point that lost its place is measured again, which changes nothing.
const SEEN: usize = 1 << 12;
/// Stands for no point.
const NOBODY: u32 = u32::MAX;

/// The closest points seen, by rising distance, ties by point.
#[derive(Debug)]
pub(super) struct Beam {
    width: usize,
    found: Vec<Found>,
    seen: Vec<u32>,
    ids: Vec<u32>,
    distances: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    far: f64,
    point: u32,
    is_open: bool,
}

impl Beam {
    pub(super) fn new() -> Self {
        Self {
            width: 1,
            found: Vec::new(),
            seen: vec![NOBODY; SEEN],
            ids: Vec::new(),
            distances: Vec::new(),
        }
    }

    /// Points found, closest first.
    pub(super) fn found(&self) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.found.iter().map(|found| (found.far, found.point))
    }

    /// The closest point found.
    pub(super) fn closest(&self) -> u32 {
        self.found[0].point
    }

    /// Walks from a point along the links until none of the `width` closest points seen has neighbours that were not.
    pub(super) fn walk<'a>(
        &mut self,
        (start, width): (u32, usize),
        query: &Far<'_>,
        links: impl Fn(u32) -> &'a [u32],
    ) {
        self.width = width;
        self.found.clear();
        self.seen.fill(NOBODY);
        self.ids.push(start);
        self.measure(query);
        let mut next = 0;
        while next < self.found.len() {
            if !self.found[next].is_open {
                next += 1;
                continue;
            }
            self.found[next].is_open = false;
            for &other in links(self.found[next].point) {
                let place = &mut self.seen[place_of(other)];
                if *place != other {
                    *place = other;
                    self.ids.push(other);
                }
            }
            next = next.min(self.measure(query));
        }
    }

    /// Takes those of the waiting points that are among the closest; gives the first place that changed.
    fn measure(&mut self, query: &Far<'_>) -> usize {
        query.measure(&self.ids, &mut self.distances);
        let mut first = usize::MAX;
        for (&point, &far) in self.ids.iter().zip(&self.distances) {
            let is_full = self.found.len() == self.width;
            if is_full && self.found[self.width - 1].far <= far {
                continue;
            }
            let at = self
                .found
                .partition_point(|found| found.far < far || (found.far == far && found.point < point));
            if self.found.get(at).is_some_and(|found| found.point == point) {
                continue;
            }
            if is_full {
                self.found.pop();
            }
            let is_open = true;
            self.found.insert(at, Found { far, point, is_open });
            first = first.min(at);
        }
        self.ids.clear();
        first
    }
}

/// Spreads the points over the places (Fibonacci hashing).
fn place_of(point: u32) -> usize {
    (point.wrapping_mul(0x9E37_79B9) >> 20) as usize
}
