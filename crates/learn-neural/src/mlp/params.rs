//! Parameters of the multilayer perceptron.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// What a unit makes of its score.
    pub enum Activation {
        /// mish for numbers, selu for classes.
        Auto = "auto",
        /// Scaled exponential linear.
        Selu = "selu",
        /// x tanh(ln(1 + e^x)).
        Mish = "mish",
        /// The positive part.
        Relu = "relu",
    }
}

choices! {
    /// What a number becomes before the first layer.
    pub enum Embedding {
        /// Itself and three sums of waves whose frequencies are learnt.
        Periodic = "periodic",
        /// Itself.
        None = "none",
    }
}

params! {
    /// Parameters of [`crate::Mlp`].
    pub struct MlpParams {
        /// Passes over the rows. The learning rate and all else follow a schedule of this length.
        n_epochs: i64 = 256, legal: Domain::log_int(1, 100_000), aliases: ["epochs", "max_epochs", "max_iter"];
        /// Rows of a step.
        batch_size: i64 = 256, legal: Domain::log_int(1, 65_536), aliases: ["batch"];
        /// Most rows that are passed over in all epochs together, which shortens the schedule of large tables; 0 for no limit.
        row_passes: i64 = 0, legal: Domain::int(0, 1_000_000_000_000);
        /// Highest learning rate of the schedule; 0 for 0.04 with classes and 0.2 with numbers.
        learning_rate: f64 = 0.0, legal: Domain::float(0.0, 10.0), search: Domain::log_float(0.02, 0.3), aliases: ["lr"];
        /// Hidden layers.
        n_hidden_layers: i64 = 3, legal: Domain::int(0, 16), search: Domain::int(2, 4);
        /// Units of a hidden layer.
        hidden_width: i64 = 256, legal: Domain::log_int(1, 2_048), search: Domain::log_int(128, 512),
            aliases: ["hidden_size"];
        /// What a unit makes of its score.
        activation: Activation = Activation::Auto, legal: Domain::Choice(Activation::WORDS),
            search: Domain::Choice(&["selu", "mish"]);
        /// Whether each unit learns how much of its function it mixes with the identity.
        parametric_activation: bool = true, legal: Domain::Bool;
        /// Share of units that are dropped in the first half of the schedule; falls to zero in the second.
        dropout: f64 = 0.15, legal: Domain::float(0.0, 0.95), search: Domain::float(0.0, 0.5), aliases: ["p_drop"];
        /// How fast weights shrink, times the learning rate; falls to zero in the second half of the schedule.
        weight_decay: f64 = 0.02, legal: Domain::float(0.0, 10.0), search: Domain::log_float(1e-3, 0.05),
            aliases: ["wd"];
        /// Share of each row's probability that is spread over all classes; good for accuracy, bad for log-loss.
        label_smoothing: f64 = 0.0, legal: Domain::float(0.0, 0.99);
        /// What a number becomes before the first layer.
        num_embedding: Embedding = Embedding::Periodic, legal: Domain::Choice(Embedding::WORDS);
        /// Standard deviation of the waves' frequencies at the start, in waves over the distance of the quartiles.
        embedding_sigma: f64 = 0.1, legal: Domain::log_float(1e-4, 1e3), search: Domain::log_float(0.02, 10.0),
            aliases: ["plr_sigma"], only_if: ("num_embedding", ["periodic"]);
        /// Most levels of a category that get an input each; larger ones get a learnt vector of eight numbers a level.
        max_one_hot: i64 = 9, legal: Domain::int(0, 255), aliases: ["max_one_hot_cat_size"];
        /// Networks that learn from other starts, whose answers are averaged.
        n_ens: i64 = 1, legal: Domain::log_int(1, 256), aliases: ["members"];
        /// Networks that share all layers but the scales of inputs and the last weights, each with a loss of its own, their answers
        /// averaged (TabM, in its small form); each costs as much as the network again. 1 for none.
        tabm_k: i64 = 1, legal: Domain::log_int(1, 32), aliases: ["k"];
        /// Whether training ends early when held-out rows have been answered no better for long: after twice the best epoch
        /// and twenty more.
        early_stopping: bool = false, legal: Domain::Bool;
        /// Share of the rows that chooses the best epoch where no rows are held out by the caller; 0 for the last epoch.
        validation_fraction: f64 = 0.1, legal: Domain::float(0.0, 0.9);
    }
}
