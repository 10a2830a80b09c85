//! What a growing tree carries for each row, and the sums it makes of them.
//!
//! Counts of rows are whole numbers, so that the order of adding never matters; only weighted rows and regression
//! targets are sums of floating-point numbers, and those are added in a fixed order.

/// A row of the binned matrix with its answer and weight.
pub(crate) trait Sample: Copy + Send + Sync {
    /// The row in the binned matrix.
    fn row(&self) -> usize;

    /// The answer: a number, or the code of a class.
    fn target(&self) -> f64;

    /// How much the row counts.
    fn weight(&self) -> f64;
}

/// A sum over samples: all that a split by gain needs to know of a set of rows.
pub(crate) trait Stat: Copy + Default + Send + Sync {
    type Sample: Sample;

    /// Adds one sample.
    fn add(&mut self, sample: &Self::Sample);

    /// Adds one sample `times` times, zero or one: a condition that the processor cannot guess costs more than sums.
    fn add_times(&mut self, sample: &Self::Sample, times: u32);

    /// Adds another sum.
    fn merge(&mut self, other: &Self);

    /// How many samples there are.
    fn rows(&self) -> usize;

    /// The sum of weights.
    fn weight(&self) -> f64;

    /// The weighted sum of targets.
    fn target(&self) -> f64;
}

/// A row of a two-class problem that counts a whole number of times; eight bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BinarySample {
    row: u32,
    /// The count, and in the lowest bit the class.
    packed: u32,
}

impl BinarySample {
    pub(crate) fn new(row: u32, class: u32, count: u32) -> Self {
        assert!(
            class < 2 && count < 1 << 31,
            "a class bit and a count share one word"
        );
        Self {
            row,
            packed: count << 1 | class,
        }
    }
}

impl Sample for BinarySample {
    #[inline]
    fn row(&self) -> usize {
        self.row as usize
    }

    #[inline]
    fn target(&self) -> f64 {
        f64::from(self.packed & 1)
    }

    #[inline]
    fn weight(&self) -> f64 {
        f64::from(self.packed >> 1)
    }
}

/// Counts of a two-class problem.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Rows in the lower half, their counts in the upper one: a slot is written in whole words only.
    rows_and_weight: u64,
    positive: u64,
}

impl Stat for Counts {
    type Sample = BinarySample;

    #[inline]
    fn add(&mut self, sample: &BinarySample) {
        let count = u64::from(sample.packed >> 1);
        self.rows_and_weight += 1 | count << 32;
        self.positive += count & u64::from(sample.packed & 1).wrapping_neg();
    }

    #[inline]
    fn add_times(&mut self, sample: &BinarySample, times: u32) {
        let count = u64::from(times * (sample.packed >> 1));
        self.rows_and_weight += u64::from(times) | count << 32;
        self.positive += count * u64::from(sample.packed & 1);
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.rows_and_weight += other.rows_and_weight;
        self.positive += other.positive;
    }

    #[inline]
    fn rows(&self) -> usize {
        (self.rows_and_weight & u64::from(u32::MAX)) as usize
    }

    #[inline]
    fn weight(&self) -> f64 {
        (self.rows_and_weight >> 32) as f64
    }

    #[inline]
    fn target(&self) -> f64 {
        self.positive as f64
    }
}

/// A row with a number as answer that counts a whole number of times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CountedSample {
    pub(crate) row: u32,
    pub(crate) count: u32,
    pub(crate) target: f64,
}

impl Sample for CountedSample {
    #[inline]
    fn row(&self) -> usize {
        self.row as usize
    }

    #[inline]
    fn target(&self) -> f64 {
        self.target
    }

    #[inline]
    fn weight(&self) -> f64 {
        f64::from(self.count)
    }
}

/// Counts and a sum of targets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CountedSums {
    /// Rows in the lower half, their counts in the upper one: a slot is written in whole words only.
    rows_and_weight: u64,
    target: f64,
}

impl Stat for CountedSums {
    type Sample = CountedSample;

    #[inline]
    fn add(&mut self, sample: &CountedSample) {
        self.rows_and_weight += 1 | u64::from(sample.count) << 32;
        self.target += f64::from(sample.count) * sample.target;
    }

    #[inline]
    fn add_times(&mut self, sample: &CountedSample, times: u32) {
        let count = sample.count * times;
        self.rows_and_weight += u64::from(times) | u64::from(count) << 32;
        self.target += f64::from(count) * sample.target;
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.rows_and_weight += other.rows_and_weight;
        self.target += other.target;
    }

    #[inline]
    fn rows(&self) -> usize {
        (self.rows_and_weight & u64::from(u32::MAX)) as usize
    }

    #[inline]
    fn weight(&self) -> f64 {
        (self.rows_and_weight >> 32) as f64
    }

    #[inline]
    fn target(&self) -> f64 {
        self.target
    }
}

/// A row with any weight; its target is a number or one of the classes 0 and 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightedSample {
    pub(crate) row: u32,
    pub(crate) weight: f64,
    pub(crate) target: f64,
}

impl Sample for WeightedSample {
    #[inline]
    fn row(&self) -> usize {
        self.row as usize
    }

    #[inline]
    fn target(&self) -> f64 {
        self.target
    }

    #[inline]
    fn weight(&self) -> f64 {
        self.weight
    }
}

/// Sums of weights and weighted targets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WeightedSums {
    rows: u32,
    weight: f64,
    target: f64,
}

impl Stat for WeightedSums {
    type Sample = WeightedSample;

    #[inline]
    fn add(&mut self, sample: &WeightedSample) {
        self.rows += 1;
        self.weight += sample.weight;
        self.target += sample.weight * sample.target;
    }

    #[inline]
    fn add_times(&mut self, sample: &WeightedSample, times: u32) {
        let weight = sample.weight * f64::from(times);
        self.rows += times;
        self.weight += weight;
        self.target += weight * sample.target;
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.target += other.target;
    }

    #[inline]
    fn rows(&self) -> usize {
        self.rows as usize
    }

    #[inline]
    fn weight(&self) -> f64 {
        self.weight
    }

    #[inline]
    fn target(&self) -> f64 {
        self.target
    }
}

/// A row of a problem with several classes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClassSample {
    pub(crate) row: u32,
    pub(crate) class: u32,
    pub(crate) weight: f64,
}

impl Sample for ClassSample {
    #[inline]
    fn row(&self) -> usize {
        self.row as usize
    }

    #[inline]
    fn target(&self) -> f64 {
        f64::from(self.class)
    }

    #[inline]
    fn weight(&self) -> f64 {
        self.weight
    }
}
