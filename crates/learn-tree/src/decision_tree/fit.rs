//! Fitting a single tree: a plan for the shared tree growth.

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use super::params::Splitter;
use super::{DecisionTree, DecisionTreeParams};
use crate::ensemble::{Features, OutOfBag, Plan, Size, TreeEnsemble};
use crate::split::Cutting;

impl Learn for DecisionTree {
    type Params = DecisionTreeParams;
    type Model = TreeEnsemble;

    const CARD: LearnerCard = LearnerCard {
        name: "decision_tree",
        aliases: &["tree", "decisiontree", "cart"],
        title: "Decision tree",
        doc: "One tree of yes-or-no questions, readable from root to leaf. Fast, takes any data as it is, and shows how it \
              decides; less accurate than ensembles, and small changes of the data can change the whole tree. Limit its \
              depth or leaves, or prune it by ccp_alpha.",
        family: Family::Tree,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: true,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<DecisionTreeParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<TreeEnsemble, FitError> {
        let task = train.task().kind();
        let plan = Plan {
            trees: 1,
            criterion: params.criterion.for_task(task),
            cutting: match params.splitter {
                Splitter::Best => Cutting::Best,
                Splitter::Random => Cutting::Random,
            },
            draws: None,
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
                .resolve(params.max_features_fraction, Features::Fraction(1.0)),
            balance: params.class_weight.balance(),
            bins_max: params.max_bins as usize,
            pruning: params.ccp_alpha,
            out_of_bag: OutOfBag::Skip,
        };
        TreeEnsemble::fit(&plan, train, cx)
    }

    fn bins(params: &Checked<DecisionTreeParams>) -> Option<usize> {
        Some(params.max_bins as usize)
    }

    fn load(from: &mut Decoder<'_>) -> Result<TreeEnsemble, ArtifactError> {
        TreeEnsemble::load(from)
    }
}
