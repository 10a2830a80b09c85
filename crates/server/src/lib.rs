//! HTTP over the platform: runs, registered models and predictions.
//!
//! One port speaks three languages: the product's own under `/api/v1`, MLflow's tracking and registry under
//! `/api/2.0/mlflow`, so that an unchanged `mlflow` client works, and the Open Inference Protocol under `/v2`.
//!
//! - Every request passes one gate ([`gate`](self)): Host and Origin, a route from the table, a token whose role the route
//!   permits, a body within limits. What is not in the table does not exist.
//! - Handlers are plain functions on threads for blocking work; the asynchronous runtime moves bytes and does nothing else.
//! - Errors are of the seven kinds; what failed inside is told by a request id, never by its words.
//!
//! [`Server::bind`] takes a port, [`Server::run`] serves until its `Cancel` is raised and then lets running requests end.

mod answer;
mod api;
mod args;
mod artifact_routes;
mod figures;
mod gate;
mod inference;
mod limits;
mod mlflow;
mod resident;
mod routes;
mod send;
mod serve;

pub use limits::Limits;
pub use serve::{Server, ServerError, ServerSettings};
