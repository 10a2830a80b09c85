//! How far the points of a graph are from a query, many at a time.

use kolosal_compute::kernels::{Loop, widest};

use super::super::index::gower;
use super::super::params::Metric;
use super::super::space::Space;

/// Partial sums; their number is part of the result.
const LANES: usize = 8;

/// Points, row after row, as the walk measures them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) space: &'a Space,
    pub(super) points: &'a [f64],
    pub(super) has_gaps: bool,
}

/// A query, from which points are measured.
///
/// Sums run in lanes, so that the last bits are not those of the exact search: what a walk has found is measured again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Far<'a> {
    ground: Ground<'a>,
    query: &'a [f64],
    is_gappy: bool,
}

impl<'a> Ground<'a> {
    pub(super) fn far(self, query: &'a [f64]) -> Far<'a> {
        Far {
            ground: self,
            query,
            is_gappy: self.has_gaps || query.iter().any(|x| x.is_nan()),
        }
    }

    pub(super) fn far_from(self, point: u32) -> Far<'a> {
        Far {
            ground: self,
            query: self.point(point),
            is_gappy: self.has_gaps,
        }
    }

    pub(super) fn point(self, point: u32) -> &'a [f64] {
        let width = self.space.width();
        &self.points[point as usize * width..][..width]
    }
}

impl Far<'_> {
    /// Fills `out` with the distance of each point, powers or sums as the metric makes them before the last step.
    pub(super) fn measure(&self, ids: &[u32], out: &mut Vec<f64>) {
        out.clear();
        let axes = self.ground.space.axis_count();
        if self.is_gappy {
            out.extend(ids.iter().map(|&id| {
                let mut far = [0.0];
                gower(self.query, axes, self.ground.point(id), &mut far);
                far[0]
            }));
            return;
        }
        let query = self.query;
        if self.ground.space.metric == Metric::Euclidean {
            let ground = self.ground;
            widest(Sums {
                query,
                axes,
                ground,
                ids,
                term: |off: f64| off * off,
                out,
            });
        } else {
            let ground = self.ground;
            widest(Sums {
                query,
                axes,
                ground,
                ids,
                term: f64::abs,
                out,
            });
        }
    }

    /// The distance of one point.
    pub(super) fn measure_one(&self, id: u32, room: &mut Vec<f64>) -> f64 {
        self.measure(&[id], room);
        room[0]
    }
}

/// Sums of terms of the differences of numbers, and of levels that differ.
struct Sums<'a, F> {
    query: &'a [f64],
    axes: usize,
    ground: Ground<'a>,
    ids: &'a [u32],
    term: F,
    out: &'a mut Vec<f64>,
}

impl<F: Fn(f64) -> f64> Loop for Sums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (numbers, codes) = self.query.split_at(self.axes);
        let mismatch = self.ground.space.mismatch();
        let present = self.ground.space.width() as f64;
        let is_mean = self.ground.space.metric == Metric::Gower;
        for &id in self.ids {
            let (others, levels) = self.ground.point(id).split_at(self.axes);
            let mut sum = lanes(numbers, others, &self.term);
            for (code, level) in codes.iter().zip(levels) {
                sum += if code == level { 0.0 } else { mismatch };
            }
            self.out.push(if is_mean { sum / present } else { sum });
        }
    }
}

#[inline(always)]
fn lanes(a: &[f64], b: &[f64], term: &impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane] - b[lane]);
        }
    }
    for (lane, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
        sums[lane] += term(a - b);
    }
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}
