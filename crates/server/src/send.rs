//! Answers as bytes.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use kolosal_base::ErrorKind;
use tokio::sync::mpsc;

use crate::answer::{Answer, Failure};

/// The body of an answer.
pub(crate) type Sent = UnsyncBoxBody<Bytes, io::Error>;

fn respond(status: u16, kind: &'static str, number: u64, body: Sent) -> Response<Sent> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-request-id", HeaderValue::from(number));
    response
}

fn whole(bytes: impl Into<Bytes>) -> Sent {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn json_bytes(value: &serde_json::Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

pub(crate) fn good(answer: Answer, number: u64) -> Response<Sent> {
    match answer {
        Answer::Json(value) => respond(200, "application/json", number, whole(json_bytes(&value))),
        Answer::JsonStatus(status, value) => {
            respond(status, "application/json", number, whole(json_bytes(&value)))
        }
        Answer::Text(text) => respond(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            number,
            whole(text),
        ),
        Answer::File(name, file, size) => {
            let mut response = respond(200, "application/octet-stream", number, send_file(file));
            let name: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || "._-".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            let headers = response.headers_mut();
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
                headers.insert(header::CONTENT_DISPOSITION, value);
            }
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
            response
        }
    }
}

/// A failure as its caller may see it: what went wrong inside is named by the request's number alone.
pub(crate) fn fail(failure: &Failure, path: &str, number: u64) -> Response<Sent> {
    let hidden;
    let shown = if failure.status == 500 {
        hidden = Failure {
            message: format!("the server failed at this request (number {number}); its log says why"),
            ..Failure::new(ErrorKind::Internal, "")
        };
        log(number, &failure.message);
        &hidden
    } else {
        failure
    };
    let mut response = respond(
        shown.status_at(path),
        "application/json",
        number,
        whole(json_bytes(&shown.body(path))),
    );
    let headers = response.headers_mut();
    match shown.status {
        401 => drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        429 => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
        // The rest of a body that was not read must not be taken for a request.
        408 | 413 => drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close"))),
        _ => {}
    }
    response
}

/// A line of the log; words are quoted, so that none of them can look like a line of its own.
fn log(number: u64, message: &str) {
    use std::io::Write;
    let _ = writeln!(io::stderr().lock(), "request {number} failed: {message:?}");
}

/// Pieces of a file, as they are wanted.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

fn send_file(mut file: std::fs::File) -> Sent {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut block = vec![0; 1 << 16];
            let piece = file.read(&mut block).map(|count| {
                block.truncate(count);
                Bytes::from(block)
            });
            let is_last = piece.as_ref().map_or(true, Bytes::is_empty);
            if piece.as_ref().is_ok_and(Bytes::is_empty) || sender.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    });
    Pieces(receiver).boxed_unsync()
}
