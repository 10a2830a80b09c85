//! MLflow's tracking and registry, in the words of its protocol, so that an unchanged client works.

mod experiments;
mod logged;
mod models;
mod runs;
mod write;

pub(crate) use write::number;

use kolosal_platform::store::{Query, Role, View};
use serde_json::json;

use crate::answer::{Answer, Failure, Handled};
use crate::args::Args;
use crate::gate::Call;
use crate::routes::{Body, Handler, Need, Route};

use Role::{Editor, Operator, Viewer};

const fn at(method: &'static str, path: &'static str, role: Role, handler: Handler) -> Route {
    Route {
        method,
        path,
        need: Need::Token(role),
        body: Body::Json,
        handler,
    }
}

/// Puts the version of the protocol before a path.
macro_rules! m {
    ($path:literal) => {
        concat!("/api/2.0/mlflow/", $path)
    };
}

/// The routes of the protocol that tracking and registry need.
pub(crate) const ROUTES: &[Route] = &[
    at("POST", m!("experiments/create"), Editor, experiments::create),
    at("GET", m!("experiments/get"), Viewer, experiments::get),
    at(
        "GET",
        m!("experiments/get-by-name"),
        Viewer,
        experiments::get_by_name,
    ),
    at("POST", m!("experiments/search"), Viewer, experiments::search),
    at("GET", m!("experiments/search"), Viewer, experiments::search),
    at("POST", m!("experiments/update"), Editor, experiments::update),
    at("POST", m!("experiments/delete"), Operator, experiments::delete),
    at("POST", m!("experiments/restore"), Operator, experiments::restore),
    at(
        "POST",
        m!("experiments/set-experiment-tag"),
        Editor,
        experiments::set_tag,
    ),
    at(
        "POST",
        m!("experiments/delete-experiment-tag"),
        Editor,
        experiments::delete_tag,
    ),
    at("POST", m!("runs/create"), Editor, runs::create),
    at("POST", m!("runs/update"), Editor, runs::update),
    at("GET", m!("runs/get"), Viewer, runs::get),
    at("POST", m!("runs/search"), Viewer, runs::search),
    at("POST", m!("runs/delete"), Operator, runs::delete),
    at("POST", m!("runs/restore"), Operator, runs::restore),
    at("POST", m!("runs/log-metric"), Editor, runs::log_metric),
    at("POST", m!("runs/log-batch"), Editor, runs::log_batch),
    at("POST", m!("runs/log-parameter"), Editor, runs::log_parameter),
    at("POST", m!("runs/set-tag"), Editor, runs::set_tag),
    at("POST", m!("runs/delete-tag"), Editor, runs::delete_tag),
    at("POST", m!("runs/log-inputs"), Editor, runs::log_inputs),
    at("POST", m!("runs/outputs"), Editor, runs::outputs),
    at("POST", m!("runs/log-model"), Editor, runs::log_model),
    at("GET", m!("metrics/get-history"), Viewer, runs::history),
    at(
        "GET",
        m!("metrics/get-history-bulk-interval"),
        Viewer,
        runs::history_bulk,
    ),
    at("GET", m!("artifacts/list"), Viewer, runs::list_artifacts),
    at("POST", m!("logged-models"), Editor, logged::create),
    at("POST", m!("logged-models/search"), Viewer, logged::search),
    at("GET", m!("logged-models/{id}"), Viewer, logged::get),
    at("PATCH", m!("logged-models/{id}"), Editor, logged::finish),
    at("DELETE", m!("logged-models/{id}"), Operator, logged::delete),
    at("PATCH", m!("logged-models/{id}/tags"), Editor, logged::set_tags),
    at(
        "DELETE",
        m!("logged-models/{id}/tags/{key}"),
        Editor,
        logged::delete_tag,
    ),
    at(
        "POST",
        m!("logged-models/{id}/params"),
        Editor,
        logged::log_params,
    ),
    at(
        "GET",
        m!("logged-models/{id}/artifacts/directories"),
        Viewer,
        logged::list_artifacts,
    ),
    at("POST", m!("registered-models/create"), Editor, models::create),
    at("POST", m!("registered-models/rename"), Operator, models::rename),
    at("PATCH", m!("registered-models/update"), Editor, models::update),
    at("DELETE", m!("registered-models/delete"), Operator, models::delete),
    at("GET", m!("registered-models/get"), Viewer, models::get),
    at("GET", m!("registered-models/search"), Viewer, models::search),
    at(
        "GET",
        m!("registered-models/get-latest-versions"),
        Viewer,
        models::latest,
    ),
    at(
        "POST",
        m!("registered-models/get-latest-versions"),
        Viewer,
        models::latest,
    ),
    at("POST", m!("registered-models/set-tag"), Editor, models::set_tag),
    at(
        "DELETE",
        m!("registered-models/delete-tag"),
        Editor,
        models::delete_tag,
    ),
    at("POST", m!("registered-models/alias"), Operator, models::set_alias),
    at("GET", m!("registered-models/alias"), Viewer, models::by_alias),
    at(
        "DELETE",
        m!("registered-models/alias"),
        Operator,
        models::delete_alias,
    ),
    at(
        "POST",
        m!("model-versions/create"),
        Editor,
        models::create_version,
    ),
    at(
        "POST",
        m!("model-versions/transition-stage"),
        Operator,
        models::transition,
    ),
    at(
        "PATCH",
        m!("model-versions/update"),
        Editor,
        models::update_version,
    ),
    at(
        "DELETE",
        m!("model-versions/delete"),
        Operator,
        models::delete_version,
    ),
    at("GET", m!("model-versions/get"), Viewer, models::get_version),
    at(
        "GET",
        m!("model-versions/search"),
        Viewer,
        models::search_versions,
    ),
    at(
        "GET",
        m!("model-versions/get-download-uri"),
        Viewer,
        models::download_uri,
    ),
    at(
        "POST",
        m!("model-versions/set-tag"),
        Editor,
        models::set_version_tag,
    ),
    at(
        "DELETE",
        m!("model-versions/delete-tag"),
        Editor,
        models::delete_version_tag,
    ),
];

pub(crate) fn server_info(_: &Call<'_>) -> Handled {
    Ok(Answer::Json(json!({
        "store_type": "SqlStore",
        "features_enabled": [],
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
    })))
}

/// A search as the protocol puts it.
fn query(args: &Args, view: &str, (otherwise, most): (usize, usize)) -> Result<Query, Failure> {
    let view = match args.text(view)?.as_str() {
        "" | "ACTIVE_ONLY" => View::Active,
        "DELETED_ONLY" => View::Deleted,
        "ALL" => View::All,
        other => {
            return Err(Failure::invalid(format!(
                "the view {other:?} is none of ACTIVE_ONLY, DELETED_ONLY, ALL"
            )));
        }
    };
    Ok(Query {
        filter: args.text("filter")?,
        order_by: args.texts("order_by").unwrap_or_default(),
        count_max: args.count("max_results", otherwise, most)?,
        page: Some(args.text("page_token")?).filter(|page| !page.is_empty()),
        view,
    })
}

/// The number of an experiment, which the protocol gives as a text.
fn experiment_id(text: &str) -> Result<i64, Failure> {
    text.parse::<i64>().ok().filter(|id| *id >= 0).ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        Failure::invalid(format!("the experiment id {shown:?} is no whole number"))
    })
}
