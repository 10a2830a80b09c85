//! Room for histograms, kept between trees, so that growing a tree allocates nothing.

/// Histograms of equal length, handed out by number.
#[derive(Debug)]
pub(crate) struct Pool<S> {
    made: Vec<Vec<S>>,
    free: Vec<usize>,
    slots: usize,
    most: usize,
}

/// Bytes that kept histograms may take; nodes beyond that are added up again when they are split.
const BYTES_MAX: usize = 256 << 20;

/// Fewest histograms that are kept: a node and its children.
const FEWEST: usize = 4;

impl<S: Copy + Default> Pool<S> {
    /// Room for at most `wanted` histograms of `slots` slots.
    pub(crate) fn new(slots: usize, wanted: usize) -> Self {
        Self {
            made: Vec::new(),
            free: Vec::new(),
            slots,
            most: Self::most(slots, wanted),
        }
    }

    fn most(slots: usize, wanted: usize) -> usize {
        let fitting = BYTES_MAX / (slots * size_of::<S>()).max(1);
        fitting.min(wanted).max(FEWEST)
    }

    /// Bytes that a pool of these dimensions may come to hold.
    pub(crate) fn bytes(slots: usize, wanted: usize) -> u64 {
        (Self::most(slots, wanted) * slots * size_of::<S>()) as u64
    }

    /// A histogram of unknown content, unless all are taken.
    pub(crate) fn take(&mut self) -> Option<usize> {
        let reserve = self.reserve();
        if let Some(at) = self.free.pop() {
            return Some(at);
        }
        if self.made.len() == self.most {
            return None;
        }
        self.made.push(vec![S::default(); self.slots]);
        assert!(self.made.len() - 1 != reserve, "the reserve is never handed out");
        Some(self.made.len() - 1)
    }

    /// A histogram that is never handed out by [`Pool::take`], for what is needed for a moment only.
    pub(crate) fn reserve(&mut self) -> usize {
        if self.made.is_empty() {
            self.made.push(vec![S::default(); self.slots]);
        }
        0
    }

    /// Gives a histogram back.
    pub(crate) fn give(&mut self, at: usize) {
        self.free.push(at);
    }

    /// Gives all back.
    pub(crate) fn give_all(&mut self) {
        self.free.clear();
        self.free.extend((1..self.made.len()).rev());
    }

    /// One histogram.
    pub(crate) fn one(&mut self, at: usize) -> &mut [S] {
        &mut self.made[at]
    }

    /// Two different histograms.
    pub(crate) fn two(&mut self, first: usize, second: usize) -> (&mut [S], &mut [S]) {
        let [first, second] = self
            .made
            .get_disjoint_mut([first, second])
            .expect("two different histograms that were taken");
        (first, second)
    }
}
