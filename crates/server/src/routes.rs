//! Every address there is, with what it needs. What is not here does not exist.

use kolosal_platform::store::Role;

use crate::answer::Handled;
use crate::gate::Call;
use crate::{api, artifact_routes, inference, mlflow};

pub(crate) type Handler = fn(&Call<'_>) -> Handled;

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anyone: answers hold nothing but that the server is there.
    Nobody,
    /// A token of this role or a higher one.
    Token(Role),
}

/// What is done with the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Read as JSON.
    Json,
    /// Written to a blob as it comes.
    Blob,
}

pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Parts between slashes; `{name}` takes one, `{name*}` all that are left.
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    pub(crate) body: Body,
    pub(crate) handler: Handler,
}

const fn route(method: &'static str, path: &'static str, role: Role, handler: Handler) -> Route {
    Route {
        method,
        path,
        need: Need::Token(role),
        body: Body::Json,
        handler,
    }
}

const fn open(path: &'static str, handler: Handler) -> Route {
    Route {
        method: "GET",
        path,
        need: Need::Nobody,
        body: Body::Json,
        handler,
    }
}

use Role::{Admin, Editor, Operator, Viewer};

/// Routes that answer in our own words, in those of the inference protocol, and those that say how the server is.
const OWN: &[Route] = &[
    open("/healthz", api::healthz),
    open("/readyz", api::readyz),
    open("/health", api::health),
    open("/version", api::version),
    route("GET", "/metrics", Viewer, api::metrics),
    route("GET", "/api/v1/experiments", Viewer, api::experiments),
    route("POST", "/api/v1/experiments", Editor, api::create_experiment),
    route("GET", "/api/v1/runs", Viewer, api::runs),
    route("POST", "/api/v1/runs", Editor, api::create_run),
    route("GET", "/api/v1/runs/{run}", Viewer, api::run),
    route("POST", "/api/v1/runs/{run}/log", Editor, api::log),
    route("GET", "/api/v1/runs/{run}/metrics/{key}", Viewer, api::history),
    route("GET", "/api/v1/models", Viewer, api::models),
    route("GET", "/api/v1/models/{name}", Viewer, api::model),
    route("GET", "/api/v1/models/{name}/versions", Viewer, api::versions),
    route(
        "GET",
        "/api/v1/models/{name}/versions/{version}",
        Viewer,
        api::version_of,
    ),
    route(
        "PUT",
        "/api/v1/models/{name}/aliases/{alias}",
        Operator,
        api::set_alias,
    ),
    route(
        "DELETE",
        "/api/v1/models/{name}/aliases/{alias}",
        Operator,
        api::delete_alias,
    ),
    route(
        "POST",
        "/api/v1/models/{name}/aliases/{alias}/rollback",
        Operator,
        api::roll_back,
    ),
    route(
        "POST",
        "/api/v1/models/{name}/predict",
        Viewer,
        inference::predict,
    ),
    route("GET", "/api/v1/tokens", Admin, api::tokens),
    route("POST", "/api/v1/tokens", Admin, api::create_token),
    route("DELETE", "/api/v1/tokens/{id}", Admin, api::revoke_token),
    route("GET", "/api/v1/audit", Admin, api::audit),
    open("/v2/health/live", inference::live),
    open("/v2/health/ready", inference::ready),
    route("GET", "/v2", Viewer, inference::server),
    route("GET", "/v2/models/{name}", Viewer, inference::metadata),
    route("GET", "/v2/models/{name}/ready", Viewer, inference::model_ready),
    route("POST", "/v2/models/{name}/infer", Viewer, inference::infer),
    route(
        "GET",
        "/v2/models/{name}/versions/{version}",
        Viewer,
        inference::metadata,
    ),
    route(
        "GET",
        "/v2/models/{name}/versions/{version}/ready",
        Viewer,
        inference::model_ready,
    ),
    route(
        "POST",
        "/v2/models/{name}/versions/{version}/infer",
        Viewer,
        inference::infer,
    ),
    route("GET", "/api/3.0/mlflow/server-info", Viewer, mlflow::server_info),
    route(
        "GET",
        "/api/2.0/mlflow-artifacts/artifacts",
        Viewer,
        artifact_routes::list,
    ),
    route(
        "GET",
        "/api/2.0/mlflow-artifacts/artifacts/{path*}",
        Viewer,
        artifact_routes::get,
    ),
    Route {
        method: "PUT",
        path: "/api/2.0/mlflow-artifacts/artifacts/{path*}",
        need: Need::Token(Editor),
        body: Body::Blob,
        handler: artifact_routes::put,
    },
    route(
        "DELETE",
        "/api/2.0/mlflow-artifacts/artifacts/{path*}",
        Operator,
        artifact_routes::delete,
    ),
];

/// Every route.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    OWN.iter().chain(mlflow::ROUTES.iter())
}

/// What stands at the places of a route.
pub(crate) type Places<'a> = Vec<(&'static str, &'a str)>;

/// The route of an address, with what stands at its places; or whether the address exists for other methods.
pub(crate) fn find<'a>(method: &str, path: &'a str) -> Result<(&'static Route, Places<'a>), bool> {
    let mut exists = false;
    for route in all() {
        if let Some(places) = matches(route.path, path) {
            if route.method == method {
                return Ok((route, places));
            }
            exists = true;
        }
    }
    Err(exists)
}

fn matches<'a>(pattern: &'static str, path: &'a str) -> Option<Places<'a>> {
    let mut places = Vec::new();
    let mut rest = Some(path.strip_prefix('/')?);
    for part in pattern[1..].split('/') {
        let text = rest?;
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix("*}")) {
            places.push((name, text));
            return (!text.is_empty()).then_some(places);
        }
        let (first, after) = match text.split_once('/') {
            Some((first, after)) => (first, Some(after)),
            None => (text, None),
        };
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) if !first.is_empty() => places.push((name, first)),
            None if part == first => {}
            _ => return None,
        }
        rest = after;
    }
    rest.is_none().then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_nothing_is_open_to_nobody() {
        let open: Vec<&str> = all()
            .filter(|route| route.need == Need::Nobody)
            .map(|route| route.path)
            .collect();
        assert_eq!(
            open,
            [
                "/healthz",
                "/readyz",
                "/health",
                "/version",
                "/v2/health/live",
                "/v2/health/ready"
            ]
        );
    }

    #[test]
    fn whatever_changes_something_needs_more_than_a_look() {
        // Asking by POST changes nothing.
        let asks =
            |path: &str| path.ends_with("/search") || path.ends_with("/predict") || path.ends_with("/infer");
        for route in all().filter(|route| route.method != "GET" && !asks(route.path)) {
            let is_ask = route.path.ends_with("get-latest-versions");
            assert!(
                is_ask || matches!(route.need, Need::Token(role) if role >= Editor),
                "{} {}",
                route.method,
                route.path
            );
        }
        for route in all().filter(|route| route.method == "DELETE") {
            assert!(
                matches!(route.need, Need::Token(role) if role >= Editor),
                "{}",
                route.path
            );
        }
    }

    #[test]
    fn addresses_are_found_once() {
        let mut seen = std::collections::BTreeSet::new();
        for route in all() {
            assert!(
                seen.insert((route.method, route.path)),
                "{} {} is there twice",
                route.method,
                route.path
            );
        }
        let found = find("GET", "/api/v1/runs/abc/metrics/loss").expect("a route");
        assert_eq!(found.1, [("run", "abc"), ("key", "loss")]);
        assert_eq!(
            find("GET", "/api/2.0/mlflow-artifacts/artifacts/1/x/artifacts/a")
                .expect("a route")
                .1[0]
                .1,
            "1/x/artifacts/a"
        );
        assert!(find("GET", "/api/v1/runs/").is_err() && find("GET", "/api/v1/runs/a/b").is_err());
        assert_eq!(find("DELETE", "/api/v1/runs").err(), Some(true));
        assert_eq!(find("GET", "/nothing").err(), Some(false));
    }
}
