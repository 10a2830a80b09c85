//! What the three languages answer.

use kolosal_platform::store::{Role, Store};
use kolosal_platform::{Platform, Preset, RegisterJob, TrainJob, Unheard};
use kolosal_server::Limits;
use serde_json::{Value, json};

use crate::http::Running;

/// A server with a model of species that knows a number and a category.
fn with_model() -> Running {
    Running::with(Limits::default(), |platform, store| {
        for seed in [1, 2] {
            register(platform, store, seed);
        }
        store.set_alias("birds", "champion", 1, "test").expect("there");
    })
}

fn register(platform: &Platform, store: &Store, seed: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, output) = (folder.path().join("t.csv"), folder.path().join("m.kolosal"));
    let rows: String = (0..120)
        .map(|i| {
            format!(
                "{},{},{}\n",
                f64::from(i % 40) + 0.5,
                ["sea", "land"][(i % 2) as usize],
                if i % 40 < 20 { "gull" } else { "owl" }
            )
        })
        .collect();
    std::fs::write(&data, format!("size,place,species\n{rows}")).expect("writable");
    let job = TrainJob {
        preset: Preset::Fast,
        learners: vec!["logistic".into()],
        seed,
        ..TrainJob::new(data, "species", output.clone())
    };
    platform.train(&job, &Unheard).expect("a model");
    let job = RegisterJob {
        name: "birds".into(),
        file: Some(output),
        person: "test".into(),
        ..RegisterJob::default()
    };
    platform.register(store, &job).expect("registered");
}

#[test]
fn rows_are_answered_and_a_bad_one_touches_no_other() {
    let server = with_model();
    let rows = json!({ "rows": [
        { "size": 2.5, "place": "sea" }, { "size": "high", "place": "sea" }, { "size": 35, "place": null, "more": 1 },
    ]});
    let got = server.must("POST", "/api/v1/models/birds/predict", &rows);
    assert_eq!(
        (&got["version"], &got["predictions"][0]["prediction"]),
        (&json!(1), &json!("gull")),
        "{got}"
    );
    assert_eq!(got["predictions"][2]["prediction"], "owl");
    assert!(got["predictions"][1].is_null());
    assert_eq!(
        (&got["errors"][0]["row"], &got["errors"][0]["column"]),
        (&json!(1), &json!("size"))
    );
    let shares = got["predictions"][0]["probabilities"].as_array().expect("a list");
    assert_eq!(shares.len(), 2);

    for (body, status, word) in [
        (json!({ "rows": [] }), 400, "rows"),
        (json!({ "rows": [{ "place": "sea" }] }), 422, "size"),
        (
            json!({ "rows": [{ "size": [1], "place": "sea" }] }),
            400,
            "column 'size'",
        ),
        (json!({ "rows": [{ "size": "x", "place": "sea" }] }), 422, "size"),
        (json!({ "rows": [{ "size": 1 }], "version": "9" }), 404, "version"),
    ] {
        let got = server.ask("POST", "/api/v1/models/birds/predict", &body);
        assert_eq!(got.status, status, "{body}: {}", got.text());
        assert!(got.text().contains(word), "{}", got.text());
    }
    assert_eq!(
        server.ask("POST", "/api/v1/models/none/predict", &rows).status,
        404
    );
}

#[test]
fn an_alias_moves_under_running_requests_without_a_failed_one() {
    let server = with_model();
    let rows = json!({ "rows": [{ "size": 2.5, "place": "sea" }] });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let got = server.must("POST", "/api/v1/models/birds/predict", &rows);
                    assert_eq!(got["predictions"][0]["prediction"], "gull");
                }
            });
        }
        for at in 0..20 {
            let version = 1 + at % 2;
            server.must(
                "PUT",
                "/api/v1/models/birds/aliases/champion",
                &json!({ "version": version }),
            );
            // What was moved here is seen here at once.
            let got = server.must("POST", "/api/v1/models/birds/predict", &rows);
            assert_eq!(got["version"], version);
        }
    });
    let back = server.must(
        "POST",
        "/api/v1/models/birds/aliases/champion/rollback",
        &Value::Null,
    );
    assert_eq!(back["version"], 1);
}

#[test]
fn tensors_go_in_and_come_out() {
    let server = with_model();
    let got = server.must("GET", "/v2/models/birds", &Value::Null);
    assert_eq!(
        got["inputs"],
        json!([
            { "name": "size", "datatype": "FP64", "shape": [-1] }, { "name": "place", "datatype": "BYTES", "shape": [-1] },
        ])
    );
    let inputs = |size: Value, shape: Value| {
        json!({ "id": "7", "inputs": [
            { "name": "size", "shape": shape, "datatype": "FP64", "data": size },
            { "name": "place", "shape": [2], "datatype": "BYTES", "data": ["sea", "land"] },
        ]})
    };
    for nested in [json!([2.5, 35.0]), json!([[2.5], [35.0]])] {
        let got = server.must("POST", "/v2/models/birds/infer", &inputs(nested, json!([2, 1])));
        assert_eq!((&got["id"], &got["model_version"]), (&json!("7"), &json!("1")));
        assert_eq!(got["outputs"][0]["data"], json!(["gull", "owl"]));
        assert_eq!(got["outputs"][1]["shape"], json!([2, 2]));
    }
    for (size, shape) in [
        (json!([1.0, 2.0]), json!([3])),
        (json!([1.0, 2.0]), json!([-2])),
        (json!([1.0, 2.0]), json!([0])),
        (json!([1.0, 2.0]), json!([4_611_686_018_427_387_904_u64, 8])),
        (json!([1.0, 2.0]), json!([1, 1, 1, 1, 1, 1, 1, 1, 2])),
        (json!(["1", "2"]), json!([2])),
        (json!([1.0]), json!([1])),
        (json!([[[[[[[[[[1.0, 2.0]]]]]]]]]]), json!([2])),
        (Value::Null, json!([2])),
    ] {
        let got = server.ask(
            "POST",
            "/v2/models/birds/infer",
            &inputs(size.clone(), shape.clone()),
        );
        assert!(
            got.status == 400 && got.json()["error"].is_string(),
            "{size} {shape}: {} {}",
            got.status,
            got.text()
        );
    }
    assert_eq!(
        server
            .ask("GET", "/v2/models/birds/versions/2/ready", &Value::Null)
            .status,
        200
    );
    assert_eq!(
        server.ask("GET", "/v2/models/none/ready", &Value::Null).status,
        404
    );
    assert_eq!(
        server.send("GET", "/v2/health/live", None, b"").json(),
        json!({ "live": true })
    );
}

#[test]
fn roles_permit_what_they_say_on_every_route() {
    let server = Running::new();
    let token = |role: Role| {
        let body = json!({ "name": role.name(), "role": role.name() });
        server.must("POST", "/api/v1/tokens", &body)["token"]
            .as_str()
            .expect("shown once")
            .to_owned()
    };
    let (viewer, editor, operator) = (token(Role::Viewer), token(Role::Editor), token(Role::Operator));
    let status =
        |method: &str, path: &str, token: Option<&str>| server.send(method, path, token, b"{}").status;
    for (method, path, lowest) in [
        ("GET", "/api/v1/runs", Role::Viewer),
        ("POST", "/api/v1/runs", Role::Editor),
        ("POST", "/api/2.0/mlflow/runs/log-batch", Role::Editor),
        ("PUT", "/api/v1/models/x/aliases/y", Role::Operator),
        (
            "DELETE",
            "/api/2.0/mlflow/registered-models/delete",
            Role::Operator,
        ),
        ("POST", "/api/v1/tokens", Role::Admin),
        ("GET", "/api/v1/audit", Role::Admin),
    ] {
        assert_eq!(status(method, path, None), 401, "{path}");
        assert_eq!(status(method, path, Some("kolosal_wrong")), 401, "{path}");
        for (role, token) in [
            (Role::Viewer, &viewer),
            (Role::Editor, &editor),
            (Role::Operator, &operator),
        ] {
            let is_refused = status(method, path, Some(token)) == 403;
            assert_eq!(is_refused, role < lowest, "{method} {path} as {}", role.name());
        }
    }
    let id = server.must("GET", "/api/v1/tokens", &Value::Null)["tokens"][1]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(status("GET", "/api/v1/runs", Some(&viewer)), 200);
    server.must("DELETE", &format!("/api/v1/tokens/{id}"), &Value::Null);
    assert_eq!(
        status("GET", "/api/v1/runs", Some(&viewer)),
        401,
        "a revoked token is useless at once"
    );
    // The password of basic authentication is a token too: "x:TOKEN" in base64 is what an mlflow client sends.
    let entries = server.must("GET", "/api/v1/audit", &Value::Null);
    assert_eq!(entries["entries"][0]["action"], "revoke");
}

#[test]
fn runs_are_logged_and_read_in_our_own_words() {
    let server = Running::new();
    let run = server.must("POST", "/api/v1/runs", &json!({ "name": "one" }))["run"]
        .as_str()
        .expect("an id")
        .to_owned();
    let body = json!({
        "metrics": [{ "key": "loss", "value": 1.5, "step": 1, "at_ms": 5 }, { "key": "loss", "value": "NaN", "step": 2, "at_ms": 6 }],
        "params": [{ "key": "depth", "value": "3" }], "status": "FINISHED",
    });
    for _ in 0..2 {
        server.must("POST", &format!("/api/v1/runs/{run}/log"), &body);
    }
    let got = server.must("GET", &format!("/api/v1/runs/{run}"), &Value::Null);
    assert_eq!(
        (&got["metrics"]["loss"], &got["status"]),
        (&json!("NaN"), &json!("FINISHED"))
    );
    let found = server.must(
        "GET",
        "/api/v1/runs?filter=params.depth%20%3D%20%273%27&count=5",
        &Value::Null,
    );
    assert_eq!(found["runs"][0]["run"], run.as_str());
    let history = server.must("GET", &format!("/api/v1/runs/{run}/metrics/loss"), &Value::Null);
    assert_eq!(history["values"].as_array().expect("a list").len(), 2);
    let refused = server.ask("GET", "/api/v1/runs?filter=nothing%20here", &Value::Null);
    assert_eq!(
        (refused.status, &refused.json()["error"]["kind"]),
        (400, &json!("invalid"))
    );
    let text = server.ask("GET", "/metrics", &Value::Null).text();
    assert!(
        text.contains("http_route=\"/api/v1/runs/{run}/log\"") && !text.contains(&run),
        "{text}"
    );
    assert_eq!(server.send("GET", "/healthz", None, b"").text(), "ok\n");
    assert_eq!(server.send("GET", "/readyz", None, b"").text(), "ready\n");
}
