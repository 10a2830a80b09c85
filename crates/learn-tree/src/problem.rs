//! What is being learned, as growing sees it: how rows become samples, and how a node looks at a column.

use kolosal_base::Rng;
use kolosal_frame::BinnedColumn;

use crate::class_split::{ClassBench, ClassView};
use crate::sample::{
    BinarySample, ClassSample, CountedSample, CountedSums, Counts, Sample, Stat, WeightedSample, WeightedSums,
};
use crate::split::{Bench, Criterion, Cutting, Found, Limits, NodeView};

/// A kind of target with its criterion; growing is written once over it.
pub(crate) trait Problem: Sync {
    type Sample: Sample;
    /// Room for looking at columns.
    type Bench: Send;

    fn bench(&self, bins: usize) -> Self::Bench;

    /// Numbers a leaf answers with.
    fn width(&self) -> usize;

    /// The sample of the training row `index`, which is the matrix's row `row` and was drawn `count` times.
    fn sample(&self, index: usize, row: u32, count: u32) -> Self::Sample;

    /// Prepares looking at the columns of one node.
    fn enter(&self, samples: &[Self::Sample], limits: &Limits, bench: &mut Self::Bench);

    /// Looks at one column of the node that was entered last.
    fn look(
        &self,
        node: Node<'_, Self>,
        column: &BinnedColumn,
        bench: &mut Self::Bench,
        rng: &mut Rng,
    ) -> Found;

    /// Writes the answer of a leaf.
    fn answer(&self, samples: &[Self::Sample], out: &mut [f64]);
}

/// The rows of a node and what its sides must keep.
pub(crate) struct Node<'a, P: Problem + ?Sized> {
    pub(crate) samples: &'a [P::Sample],
    pub(crate) limits: &'a Limits,
}

/// A number to predict, or the probability of the second of two classes.
pub(crate) struct Scalar<F> {
    pub(crate) criterion: Criterion,
    pub(crate) cutting: Cutting,
    /// Makes the samples.
    pub(crate) source: F,
}

/// Makes samples from the training rows.
pub(crate) trait Source: Sync {
    type Stat: Stat;

    fn sample(&self, index: usize, row: u32, count: u32) -> <Self::Stat as Stat>::Sample;
}

/// Classes 0 and 1, rows counted.
pub(crate) struct BinarySource<'a>(pub(crate) &'a [u32]);

impl Source for BinarySource<'_> {
    type Stat = Counts;

    fn sample(&self, index: usize, row: u32, count: u32) -> BinarySample {
        BinarySample::new(row, self.0[index], count)
    }
}

/// Numbers, rows counted.
pub(crate) struct NumberSource<'a>(pub(crate) &'a [f64]);

impl Source for NumberSource<'_> {
    type Stat = CountedSums;

    fn sample(&self, index: usize, row: u32, count: u32) -> CountedSample {
        CountedSample {
            row,
            count,
            target: self.0[index],
        }
    }
}

/// Numbers or classes 0 and 1, rows weighted.
pub(crate) struct WeightedSource<'a> {
    pub(crate) targets: &'a [f64],
    pub(crate) weights: &'a [f64],
}

impl Source for WeightedSource<'_> {
    type Stat = WeightedSums;

    fn sample(&self, index: usize, row: u32, count: u32) -> WeightedSample {
        WeightedSample {
            row,
            weight: self.weights[index] * f64::from(count),
            target: self.targets[index],
        }
    }
}

fn sum_up<S: Stat>(samples: &[S::Sample]) -> S {
    let mut total = S::default();
    samples.iter().for_each(|sample| total.add(sample));
    total
}

impl<F: Source> Problem for Scalar<F> {
    type Sample = <F::Stat as Stat>::Sample;
    type Bench = (F::Stat, Bench<F::Stat>);

    fn bench(&self, bins: usize) -> Self::Bench {
        (F::Stat::default(), Bench::new(bins))
    }

    fn width(&self) -> usize {
        1
    }

    fn sample(&self, index: usize, row: u32, count: u32) -> Self::Sample {
        self.source.sample(index, row, count)
    }

    fn enter(&self, samples: &[Self::Sample], _: &Limits, bench: &mut Self::Bench) {
        bench.0 = sum_up(samples);
    }

    fn look(
        &self,
        node: Node<'_, Self>,
        column: &BinnedColumn,
        bench: &mut Self::Bench,
        rng: &mut Rng,
    ) -> Found {
        let view = NodeView {
            samples: node.samples,
            total: bench.0,
            criterion: self.criterion,
            limits: node.limits,
        };
        match self.cutting {
            Cutting::Best => view.best_cut(column, &mut bench.1),
            Cutting::Random => view.random_cut(column, &mut bench.1, rng),
        }
    }

    fn answer(&self, samples: &[Self::Sample], out: &mut [f64]) {
        // Equal targets are answered as they are: their weighted mean may be off by a rounding.
        let first = samples[0].target();
        out[0] = if samples.iter().all(|sample| sample.target() == first) {
            first
        } else {
            let total: F::Stat = sum_up(samples);
            total.target() / total.weight()
        };
    }
}

/// Several classes.
pub(crate) struct Classes<'a> {
    pub(crate) criterion: Criterion,
    pub(crate) cutting: Cutting,
    pub(crate) codes: &'a [u32],
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) count: usize,
}

impl Problem for Classes<'_> {
    type Sample = ClassSample;
    type Bench = ClassBench;

    fn bench(&self, bins: usize) -> ClassBench {
        ClassBench::new(bins)
    }

    fn width(&self) -> usize {
        self.count
    }

    fn sample(&self, index: usize, row: u32, count: u32) -> ClassSample {
        ClassSample {
            row,
            class: self.codes[index],
            weight: f64::from(count) * self.weights.map_or(1.0, |weights| weights[index]),
        }
    }

    fn enter(&self, samples: &[ClassSample], limits: &Limits, bench: &mut ClassBench) {
        self.view(samples, limits).enter(self.count, bench);
    }

    fn look(
        &self,
        node: Node<'_, Self>,
        column: &BinnedColumn,
        bench: &mut ClassBench,
        rng: &mut Rng,
    ) -> Found {
        let view = self.view(node.samples, node.limits);
        match self.cutting {
            Cutting::Best => view.best_cut(column, bench),
            Cutting::Random => view.random_cut(column, bench, rng),
        }
    }

    fn answer(&self, samples: &[ClassSample], out: &mut [f64]) {
        out.fill(0.0);
        samples
            .iter()
            .for_each(|sample| out[sample.class as usize] += sample.weight);
        let weight: f64 = out.iter().sum();
        out.iter_mut().for_each(|share| *share /= weight);
    }
}

impl Classes<'_> {
    fn view<'a>(&self, samples: &'a [ClassSample], limits: &'a Limits) -> ClassView<'a> {
        ClassView {
            samples,
            criterion: self.criterion,
            limits,
        }
    }
}
