//! A multilayer perceptron that is trained well by default.
//!
//! Layers of units, each a function of a weighted sum of the layer before. What sets it apart is how it is fed and trained, the
//! recipe of RealMLP (Holzmüller, Grinsztajn, Steinwart 2024, arXiv 2407.04491), whose constants were chosen over many tables:
//!
//! - numbers are scaled by their quartiles and clipped smoothly ([`crate`] tells how columns are taken), then embedded: each
//!   becomes itself and three sums of waves `cos(2 pi w x + b)` whose frequencies, phases and weights are learnt;
//! - each input has a scale of its own that learns six times as fast as the weights: the network chooses its columns;
//! - weights of variance one with products divided by the root of the inputs' number (neural tangent form), started so that
//!   every unit's score has variance one over the rows, with bends put where the rows are;
//! - a unit answers `x + s (f(x) - x)` with a learnt slope `s`; `f` is SELU for classes, Mish for numbers;
//! - Adam (memory 0.9 and 0.95) with decoupled weight decay; the rate goes through four waves of doubling length, dropout and
//!   decay fall to zero along a cosine in the second half;
//! - the weights of the best epoch by held-out rows are kept: by mean square, or by log-loss after the temperature that makes
//!   it lowest (Berta, Holzmüller, Jordan, Bach 2025, arXiv 2501.19195), which then divides the scores;
//! - the target of a regression is standardised, and answers never leave the range of training.
//!
//! **Minimises** cross entropy, or the mean square, of weighted rows. **Costs** for each row and epoch about six operations a
//! weight, on products that run near the peak of the processor: the matrices are kept in tiles of 32 by 32, so that nothing is
//! packed ([`kolosal_compute::kernels::tiles`]). The rows of a mini-batch are taken by blocks of 32 by any number of threads;
//! sums over rows run in the order of blocks, so threads do not change a bit.
//!
//! **Wins** on smooth targets, on many informative columns, in ensembles with trees, whose errors differ; **loses** to boosted
//! trees where little can be learned from few rows, on columns of rough or irrelevant numbers, and in time.
//!
//! A rate at which losses leave the range of numbers is caught, reported and lowered to a quarter.

mod block;
mod fit;
mod front;
mod judge;
mod loss;
mod model;
mod network;
mod params;
mod scale;
mod start;
#[cfg(test)]
mod tests;
mod train;

pub use model::MlpModel;
pub use params::{Activation, Embedding, MlpParams};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The learner `mlp`.
#[derive(Debug, Clone, Copy)]
pub struct Mlp;

impl Learn for Mlp {
    type Params = MlpParams;
    type Model = MlpModel;
    const CARD: LearnerCard = LearnerCard {
        name: "mlp",
        aliases: &["realmlp", "neural_network", "neural_net", "multilayer_perceptron"],
        title: "Multilayer perceptron",
        doc: "Layers of units trained by gradients, with embedded numbers, learnt scales of columns, scheduled dropout and \
              the best epoch by held-out rows (the RealMLP recipe). Strong on smooth targets and beside trees in an ensemble; \
              costs some minutes on large tables.",
        family: Family::Neural,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<MlpParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<MlpModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<MlpModel, ArtifactError> {
        MlpModel::load(from)
    }
}
