//! Requests that mean no good: each is refused with a code of the caller's fault, and a good request is served after it.

use std::io::Write;
use std::time::Duration;

use kolosal_server::Limits;
use serde_json::{Value, json};

use crate::http::Running;

fn strict() -> Running {
    let limits = Limits {
        body_max: 1 << 20,
        artifact_max: 1 << 20,
        head_time_max: Duration::from_secs(2),
        body_time_max: Duration::from_secs(1),
        ..Limits::default()
    };
    Running::with(limits, |_, _| {})
}

#[track_caller]
fn is_well(server: &Running) {
    assert_eq!(server.send("GET", "/healthz", None, b"").status, 200);
}

#[test]
fn broken_transport_is_refused() {
    let server = strict();
    let host = format!("Host: {}\r\n", server.address);
    let many: String = (0..5000).map(|i| format!("X-{i}: 1\r\n")).collect();
    for (bytes, allowed) in [
        (
            "\x16\x03\x01\x02\x00garbage\r\n\r\n".to_owned(),
            [400, 0].as_slice(),
        ),
        (
            format!(
                "GET /healthz HTTP/1.1\r\n{host}X: {}\r\n\r\n",
                "a".repeat(100_000)
            ),
            &[400, 431, 0],
        ),
        (
            format!("GET /healthz HTTP/1.1\r\n{host}{many}\r\n"),
            &[400, 431, 0],
        ),
        (
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(20_000)),
            &[414, 431, 400],
        ),
        (
            format!("GET /healthz HTTP/1.1\r\n{host}Host: other.example\r\n\r\n"),
            &[400, 403],
        ),
        (
            format!("POST /api/v1/runs HTTP/1.1\r\n{host}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"),
            &[400, 0],
        ),
        (
            format!(
                "POST /api/v1/runs HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"
            ),
            &[400, 401, 0],
        ),
    ] {
        let got = server.raw(bytes.as_bytes());
        assert!(
            allowed.contains(&got.status),
            "{:?}: {}",
            &bytes[..60.min(bytes.len())],
            got.status
        );
        is_well(&server);
    }
}

#[test]
fn other_sites_do_not_speak_to_this_server() {
    let server = strict();
    let ask = |head: &str| {
        let text = format!(
            "{head}Authorization: Bearer {}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}",
            server.token
        );
        server.raw(text.as_bytes()).status
    };
    let host = format!("Host: {}\r\n", server.address);
    assert_eq!(ask("POST /api/v1/runs HTTP/1.1\r\nHost: evil.example\r\n"), 403);
    assert_eq!(
        ask("GET /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n"),
        403
    );
    assert_eq!(
        ask("GET /api/v1/runs HTTP/1.1\r\nHost: models.example:80\r\n"),
        200
    );
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(
            ask(&format!(
                "{method} /api/v1/runs HTTP/1.1\r\n{host}Origin: http://evil.example\r\n"
            )),
            403,
            "{method}"
        );
        assert_eq!(
            ask(&format!(
                "{method} /api/v1/runs HTTP/1.1\r\n{host}Origin: null\r\n"
            )),
            403,
            "{method}"
        );
    }
    assert_eq!(
        ask(&format!(
            "POST /api/v1/runs HTTP/1.1\r\n{host}Origin: http://localhost:3000\r\n"
        )),
        201
    );
}

#[test]
fn bodies_that_mean_no_good_are_refused() {
    let server = strict();
    let path = "/api/2.0/mlflow/runs/create";
    let long = format!(
        "{{\"experiment_id\": \"0\", \"run_name\": \"{}\"}}",
        "x".repeat(100_000)
    );
    for body in [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"{\"experiment_id\": NaN}".to_vec(),
        b"{\"experiment_id\": {}}".to_vec(),
        b"{\"experiment_id\": \"x\"}".to_vec(),
        b"{\"experiment_id\": \"0\", \"start_time\": 1180591620717411303424}".to_vec(),
        b"{\"experiment_id\": \"0\", \"tags\": \"no\"}".to_vec(),
        b"{\"experiment_id\": \"0\", \"run_name\": \"a\\u0000b\"}".to_vec(),
        format!("{{\"a\": {}", "[".repeat(100_000)).into_bytes(),
        format!("{{\"a\": {}}}", "9".repeat(100_000)).into_bytes(),
        long.into_bytes(),
    ] {
        let got = server.send("POST", path, Some(&server.token), &body);
        assert_eq!(
            got.status,
            400,
            "{}",
            String::from_utf8_lossy(&body[..60.min(body.len())])
        );
        assert!(got.json()["error_code"].is_string());
    }
    let got = server.send("POST", path, Some(&server.token), &vec![b' '; 2 << 20]);
    assert!(got.status == 413 || got.status == 0, "{}", got.status);
    is_well(&server);
}

#[test]
fn no_word_of_a_client_becomes_a_path() {
    let server = strict();
    let run = server.must(
        "POST",
        "/api/2.0/mlflow/runs/create",
        &json!({ "experiment_id": "0" }),
    );
    let run = run["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
    let base = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts");
    let secret = server.folder.path().join("secret");
    std::fs::write(&secret, "secret").expect("writable");
    for name in [
        "../secret",
        "..%2fsecret",
        "%2e%2e/secret",
        "%252e%252e%252fsecret",
        "..\\secret",
        "a/../../secret",
        "/etc/passwd",
        "C:secret",
        "a%00b",
        "a%0d%0ab",
        "....//secret",
        "file:%2f%2f%2fetc%2fpasswd",
        "a%23b",
        "a%3fb",
        "%ff",
    ] {
        for (method, body) in [("PUT", b"x".as_slice()), ("GET", b""), ("DELETE", b"")] {
            let got = server.send(method, &format!("{base}/{name}"), Some(&server.token), body);
            assert!(
                (400..500).contains(&got.status),
                "{method} {name}: {} {}",
                got.status,
                got.text()
            );
            assert!(!got.text().contains("secret\n"), "{name}");
        }
    }
    assert_eq!(std::fs::read_to_string(&secret).expect("untouched"), "secret");
    is_well(&server);
}

#[test]
fn no_word_of_a_client_becomes_an_address_or_a_statement() {
    let server = strict();
    let model = json!({ "name": "m" });
    server.must("POST", "/api/2.0/mlflow/registered-models/create", &model);
    for source in [
        "file:///etc",
        "/etc/passwd",
        "http://169.254.169.254/x",
        "s3://b/k",
        "models:/m-0",
        "runs:/0/x",
        "mlflow-artifacts:/../../etc",
    ] {
        let body = json!({ "name": "m", "source": source });
        let got = server.ask("POST", "/api/2.0/mlflow/model-versions/create", &body);
        assert!((400..500).contains(&got.status), "{source}: {}", got.status);
    }
    let body = json!({ "name": "e", "artifact_location": "file:///etc" });
    assert_eq!(
        server
            .ask("POST", "/api/2.0/mlflow/experiments/create", &body)
            .status,
        400
    );
    for filter in [
        "metrics.a > 1; DROP TABLE runs",
        "params.a = '' OR '1'='1'",
        "tags.`a`` = 'b'",
    ] {
        let body = json!({ "experiment_ids": ["0"], "filter": filter });
        let got = server.ask("POST", "/api/2.0/mlflow/runs/search", &body);
        assert!(
            got.status == 400 && !got.text().to_lowercase().contains("sqlite"),
            "{filter}: {}",
            got.text()
        );
    }
    is_well(&server);
}

#[test]
fn artifacts_come_back_as_they_went_in_and_never_as_a_page() {
    let server = strict();
    let run = server.must(
        "POST",
        "/api/2.0/mlflow/runs/create",
        &json!({ "experiment_id": "0" }),
    );
    let run = run["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a%20b/page.html");
    let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i * 7 % 251) as u8).collect();
    assert_eq!(server.send("PUT", &path, Some(&server.token), &bytes).status, 200);
    let got = server.send("GET", &path, Some(&server.token), b"");
    assert!(got.body == bytes, "{} bytes came back", got.body.len());
    let head = got.head.to_ascii_lowercase();
    for word in ["nosniff", "attachment", "sandbox", "application/octet-stream"] {
        assert!(head.contains(word), "{head}");
    }
    let listed = server.must(
        "GET",
        &format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path=a%20b"),
        &Value::Null,
    );
    assert_eq!(listed["files"][0]["file_size"], 200_000);
    let got = server.send("PUT", &path, Some(&server.token), &vec![0; 2 << 20]);
    assert!(got.status == 413 || got.status == 0, "{}", got.status);
    assert!(
        server.send("GET", &path, Some(&server.token), b"").body == bytes,
        "what was there is whole"
    );
}

#[test]
fn slow_clients_lose_their_connection_and_others_are_served() {
    let server = strict();
    let silent: Vec<_> = (0..200).map(|_| server.connect()).collect();
    let mut slow = server.connect();
    let head = format!(
        "POST /api/v1/runs HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
        server.address, server.token
    );
    slow.write_all(head.as_bytes()).expect("sent");
    is_well(&server);
    let mut answer = [0; 64];
    let count = std::io::Read::read(&mut slow, &mut answer).expect("an answer before the client's own limit");
    assert!(
        String::from_utf8_lossy(&answer[..count]).contains("408"),
        "{}",
        String::from_utf8_lossy(&answer[..count])
    );
    for mut stream in silent.into_iter().take(5) {
        assert_eq!(
            std::io::Read::read(&mut stream, &mut answer).unwrap_or(0),
            0,
            "a silent connection is closed"
        );
    }
}
