//! Neural networks for tables: [`Mlp`].
//!
//! Networks are hand-written on the kernels of `kolosal-compute`: weights stand in tiles, forward and backward passes run over
//! blocks of rows, and every sum has an order that the number of threads cannot change. `table` turns columns into numbers,
//! `net` holds the parts of networks, and each learner has a folder.
//!
//! Called by the list of learners; it knows of no table format and no search.
//!
//! ```
//! use kolosal_base::{Cancel, Seed, SystemClock};
//! use kolosal_compute::{Ledger, Workers};
//! use kolosal_frame::{Column, Field, Frame, Kind};
//! use kolosal_learn_neural::{Mlp, MlpParams};
//! use kolosal_learner::{FitContext, FittedModel, Learn, ParamSet, Silent, Target, Task, TrainView};
//!
//! let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
//! let y: Vec<f64> = x.iter().map(|x| (3.0 * x).sin()).collect();
//! let frame = Frame::new(vec![(Field::new("x", Kind::Numeric, "numbers"), Column::numbers(x))])?;
//! let train = TrainView::new(frame.view(), Target::Numbers(&y), None, Task::Regression)?;
//! let (workers, memory, clock, cancel) = (Workers::new(1), Ledger::unlimited(), SystemClock::start(), Cancel::new());
//! let cx = FitContext {
//!     seed: Seed::new(0), workers: &workers, memory: &memory, clock: &clock, deadline: None,
//!     cancel: &cancel, progress: &Silent, valid: None,
//! };
//! let params = MlpParams { n_epochs: 300, hidden_width: 64, ..MlpParams::default() };
//! let model = Mlp::fit(&params.check()?, &train, &cx)?;
//! let mut answers = vec![0.0; 200];
//! model.predict_into(frame.view(), &mut answers);
//! let worst = answers.iter().zip(&y).map(|(answer, y)| (answer - y).abs()).fold(0.0, f64::max);
//! assert!(worst < 0.2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod mlp;
mod net;
mod table;

pub use mlp::{Activation, Embedding, Mlp, MlpModel, MlpParams};
