//! The nearest of a cloud's points, for learners without a target.

use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FitError};

use crate::cluster::Cloud;
use crate::neighbors::{Index, Nearest, Space};

/// With more numbers a point, a tree would search nearly everything.
const TREE_WIDTH_MAX: usize = 24;
/// Fewer points are searched faster one after the other.
const TREE_ROWS_MIN: usize = 500;
/// Points between two looks at the clock.
const BLOCK: usize = 2048;
/// Points that are searched for together.
const BATCH: usize = 16;

/// Points to search in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Near {
    space: Space,
    index: Index,
}

impl Near {
    /// Those of a cloud.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(crate) fn of(cloud: &Cloud, cx: &FitContext<'_>) -> Result<Self, FitError> {
        let index = if cloud.width <= TREE_WIDTH_MAX && cloud.len() > TREE_ROWS_MIN {
            Index::tree(&cloud.numbers, cloud.width, cloud.width, cx)?
        } else {
            Index::blocks(&cloud.numbers, cloud.width, cloud.len())
        };
        Ok(Self {
            space: Space::plain(cloud.width),
            index,
        })
    }

    /// How many points there are.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Numbers of a point.
    pub(crate) fn width(&self) -> usize {
        self.space.axis_count()
    }

    /// The `k` nearest of each query, squared distances and rows, closest first, ties by row.
    pub(crate) fn nearest(&self, queries: &[f64], k: usize) -> Vec<Vec<(f64, u32)>> {
        let mut found = Vec::with_capacity(queries.len() / self.width());
        for batch in queries.chunks(BATCH * self.width()) {
            let mut lists = vec![Nearest::new(k); batch.len() / self.width()];
            if k > 0 {
                self.index.search(&self.space, batch, &mut lists);
            }
            found.extend(lists.iter().map(|list| list.found().to_vec()));
        }
        found
    }

    /// The same for all points of a cloud, on all threads.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(crate) fn all_nearest(
        &self,
        cloud: &Cloud,
        k: usize,
        cx: &FitContext<'_>,
    ) -> Result<Vec<Vec<(f64, u32)>>, FitError> {
        let mut found = Vec::with_capacity(cloud.len());
        for block in cloud.numbers.chunks(BLOCK * cloud.width) {
            cx.checkpoint()?;
            let step = BATCH * cloud.width;
            let parts = cx.workers.map(block.len().div_ceil(step), |at| {
                self.nearest(&block[at * step..block.len().min((at + 1) * step)], k)
            });
            found.extend(parts.into_iter().flatten());
        }
        Ok(found)
    }

    /// Rows within a squared distance of a query, in no order.
    pub(crate) fn within(&self, query: &[f64], squared: f64, found: &mut Vec<u32>) {
        self.index.within(&self.space, query, squared, found);
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.u32(self.width() as u32);
        self.index.save(to);
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let width = from.u32()? as usize;
        if width == 0 || width > from.remaining() {
            return Err(ArtifactError::damaged(format!("points of {width} numbers")));
        }
        let space = Space::plain(width);
        let index = Index::load(from, &space)?;
        Ok(Self { space, index })
    }
}
