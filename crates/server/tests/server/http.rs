//! A server of its own, and a client that sends exactly the bytes it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use kolosal_platform::store::{Store, StorePlace};
use kolosal_platform::{Cancel, Platform, Settings, SystemClock, unix_ms};
use kolosal_server::{Limits, Server, ServerSettings};
use serde_json::Value;
use tempfile::TempDir;

/// A running server; it ends with the value.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// The administrator's token.
    pub(crate) token: String,
    pub(crate) folder: TempDir,
    cancel: Cancel,
    thread: Option<JoinHandle<()>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Running {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), |_, _| {})
    }

    /// Starts a server on a store that was made ready.
    pub(crate) fn with(limits: Limits, prepare: impl FnOnce(&Platform, &Store)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = SystemClock::start();
        let settings = Settings {
            threads: Some(2),
            memory_bytes: None,
        };
        let platform = Platform::new(&settings, clock.clone(), Cancel::new()).expect("two threads");
        let place = StorePlace::new(folder.path().join("store").display().to_string());
        let store = Store::open(&place, unix_ms).expect("a new store");
        prepare(&platform, &store);
        let settings = ServerSettings {
            host: [127, 0, 0, 1].into(),
            port: 0,
            allowed_hosts: vec!["models.example".to_owned()],
            is_open: false,
            limits,
        };
        let server = Server::bind(platform, store, settings, clock).expect("a free port");
        let address = server.address().expect("it listens");
        let token = server.first_token().expect("a new store has no token").to_owned();
        let cancel = Cancel::new();
        let held = cancel.clone();
        let thread = std::thread::Builder::new()
            .spawn(move || server.run(&held).expect("it serves"))
            .expect("a thread");
        Self {
            address,
            token,
            folder,
            cancel,
            thread: Some(thread),
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a socket");
        stream
    }

    /// Sends bytes as they are and reads until the other side closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Got {
        let mut stream = self.connect();
        // A server that has had enough may close before all is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut block) {
            answer.extend_from_slice(&block[..count]);
        }
        parse(&answer)
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Got {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        if let Some(token) = token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// A request of the administrator.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Got {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, path, Some(&self.token), body.as_bytes())
    }

    /// A request that must be answered well.
    #[track_caller]
    pub(crate) fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        let got = self.ask(method, path, body);
        assert!(got.status < 300, "{method} {path}: {} {}", got.status, got.text());
        got.json()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.request();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the server ended badly"
            );
        }
    }
}

fn parse(answer: &[u8]) -> Got {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Got {
            status: 0,
            head: String::from_utf8_lossy(answer).into_owned(),
            body: Vec::new(),
        };
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        join_chunks(&answer[end + 4..])
    } else {
        answer[end + 4..].to_vec()
    };
    Got { status, head, body }
}

fn join_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line])
            .ok()
            .and_then(|size| usize::from_str_radix(size, 16).ok());
        match size {
            Some(size @ 1..) if rest.len() >= line + 2 + size => {
                body.extend_from_slice(&rest[line + 2..line + 2 + size]);
                rest = rest.get(line + 4 + size..).unwrap_or(&[]);
            }
            _ => break,
        }
    }
    body
}
