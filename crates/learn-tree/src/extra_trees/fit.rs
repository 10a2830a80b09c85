//! Fitting extra trees: a plan for the shared tree growth.

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use super::{ExtraTrees, ExtraTreesParams};
use crate::ensemble::{OutOfBag, Plan, Size, TreeEnsemble};
use crate::options::forest_features;
use crate::split::Cutting;

impl Learn for ExtraTrees {
    type Params = ExtraTreesParams;
    type Model = TreeEnsemble;

    const CARD: LearnerCard = LearnerCard {
        name: "extra_trees",
        aliases: &["et", "extratrees"],
        title: "Extra trees",
        doc: "The mean of many deep trees that cut columns at random places and keep the best of a few such cuts. Often \
              smoother than a random forest and a good member of ensembles; out-of-bag estimates with bootstrap. \
              Models are large, and few useful columns among many are found less well.",
        family: Family::Tree,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<ExtraTreesParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<TreeEnsemble, FitError> {
        let task = train.task().kind();
        let plan = Plan {
            trees: params.n_estimators as usize,
            criterion: params.criterion.for_task(task),
            cutting: Cutting::Random,
            draws: params.bootstrap.then_some(params.max_samples),
            size: Size {
                max_depth: params.max_depth,
                min_samples_split: params.min_samples_split,
                min_samples_leaf: params.min_samples_leaf,
                min_weight_fraction_leaf: params.min_weight_fraction_leaf,
                max_leaf_nodes: params.max_leaf_nodes,
                min_impurity_decrease: params.min_impurity_decrease,
            },
            features: params
                .max_features
                .resolve(params.max_features_fraction, forest_features(task)),
            balance: params.class_weight.balance(),
            bins_max: params.max_bins as usize,
            pruning: 0.0,
            out_of_bag: if params.oob_score {
                OutOfBag::Compute
            } else {
                OutOfBag::Skip
            },
        };
        TreeEnsemble::fit(&plan, train, cx)
    }

    fn bins(params: &Checked<ExtraTreesParams>) -> Option<usize> {
        Some(params.max_bins as usize)
    }

    fn load(from: &mut Decoder<'_>) -> Result<TreeEnsemble, ArtifactError> {
        TreeEnsemble::load(from)
    }
}
