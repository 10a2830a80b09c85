//! Listening, connections, and the way of a request: origin, route, token, body, handler, answer.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use kolosal_base::{Cancel, Clock, ErrorKind, SystemClock};
use kolosal_platform::Platform;
use kolosal_platform::store::{Blob, Store};
use tokio::sync::{Semaphore, mpsc};

use crate::answer::{Failure, Handled};
use crate::args::{Args, decode};
use crate::figures::Figures;
use crate::gate::{Call, Trusted, admit, admit_at_once, check_origin, first_token};
use crate::limits::Limits;
use crate::resident::Residents;
use crate::routes::{self, Body as Wants, Places, Route};
use crate::send::{Sent, fail, good};

/// How a server is reached, and by whom.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The address to listen at.
    pub host: IpAddr,
    /// The port; zero for any that is free.
    pub port: u16,
    /// Names under which it may be asked for, besides those of this machine itself.
    pub allowed_hosts: Vec<String>,
    /// Whether requests need no token. Only for loopback addresses.
    pub is_open: bool,
    /// What a request may cost.
    pub limits: Limits,
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be had.
    #[error(
        "cannot listen at {address}: {source}; is another server there? choose another by --host and --port"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Open to everyone on an address that others reach.
    #[error("{0} can be reached from other machines: a server there needs tokens; leave --no-auth away")]
    OpenToAll(IpAddr),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] kolosal_platform::store::StoreError),
    /// The system refused.
    #[error("the server cannot start: {0}")]
    Start(io::Error),
}

impl ServerError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OpenToAll(_) => ErrorKind::Invalid,
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => ErrorKind::Conflict,
            Self::Listen { .. } => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
            Self::Start(_) => ErrorKind::Internal,
        }
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) platform: Platform,
    pub(crate) store: Store,
    pub(crate) settings: ServerSettings,
    pub(crate) figures: Figures,
    pub(crate) residents: Residents,
    pub(crate) trusted: Trusted,
    pub(crate) running: Semaphore,
    clock: SystemClock,
    connections: AtomicUsize,
    requests: AtomicU64,
}

impl Shared {
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// A server that listens.
pub struct Server {
    shared: Arc<Shared>,
    listener: std::net::TcpListener,
    first_token: Option<String>,
}

impl Server {
    /// Takes the port; makes a token for an administrator where the store has none.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn bind(
        platform: Platform,
        store: Store,
        settings: ServerSettings,
        clock: SystemClock,
    ) -> Result<Self, ServerError> {
        if settings.is_open && !settings.host.is_loopback() {
            return Err(ServerError::OpenToAll(settings.host));
        }
        let address = SocketAddr::new(settings.host, settings.port);
        let refused = |source| ServerError::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(ServerError::Start)?;
        let first_token = if settings.is_open {
            None
        } else {
            first_token(&store)?
        };
        let shared = Arc::new(Shared {
            platform,
            store,
            figures: Figures::default(),
            residents: Residents::default(),
            trusted: Trusted::default(),
            running: Semaphore::new(settings.limits.running_max),
            clock,
            connections: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            settings,
        });
        Ok(Self {
            shared,
            listener,
            first_token,
        })
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The administrator's token, if it was made just now. It is shown once and stored nowhere.
    pub fn first_token(&self) -> Option<&str> {
        self.first_token.as_deref()
    }

    /// Serves until `cancel` is raised; then takes no more connections and lets running requests end.
    ///
    /// # Errors
    /// [`ServerError::Start`] if the system gives no threads.
    pub fn run(self, cancel: &Cancel) -> Result<(), ServerError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(64)
            .build()
            .map_err(ServerError::Start)?;
        let drain = self.shared.settings.limits.drain_max;
        let served = runtime.block_on(accept_all(self.shared, self.listener, cancel));
        runtime.shutdown_timeout(drain);
        served
    }
}

async fn accept_all(
    shared: Arc<Shared>,
    listener: std::net::TcpListener,
    cancel: &Cancel,
) -> Result<(), ServerError> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ServerError::Start)?;
    let places = Arc::new(Semaphore::new(shared.settings.limits.connections_max));
    let (ending, ended) = tokio::sync::watch::channel(false);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let socket = loop {
            let wait = tokio::time::timeout(Duration::from_millis(50), listener.accept());
            match wait.await {
                Ok(Ok((socket, _))) => break Some(socket),
                // No file is left to open: others must close theirs first.
                Ok(Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(_) => {}
            }
            if cancel.is_requested() {
                break None;
            }
        };
        let Some(socket) = socket else { break };
        let (shared, mut ended) = (Arc::clone(&shared), ended.clone());
        tokio::spawn(async move {
            shared.connections.fetch_add(1, Ordering::Relaxed);
            serve_one(&shared, socket, &mut ended).await;
            shared.connections.fetch_sub(1, Ordering::Relaxed);
            drop(place);
        });
    }
    drop(listener);
    let _ = ending.send(true);
    let all = shared.settings.limits.connections_max as u32;
    let _ = tokio::time::timeout(shared.settings.limits.drain_max, places.acquire_many(all)).await;
    Ok(())
}

async fn serve_one(
    shared: &Arc<Shared>,
    socket: tokio::net::TcpStream,
    ended: &mut tokio::sync::watch::Receiver<bool>,
) {
    let _ = socket.set_nodelay(true);
    let limits = &shared.settings.limits;
    let service = service_fn(|request| {
        let shared = Arc::clone(shared);
        async move { Ok::<_, Infallible>(answer(&shared, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.head_max)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = std::pin::pin!(connection);
    let mut ended = std::pin::pin!(ended.changed());
    // What a connection ends with is its client's affair.
    let is_over = poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => ended.as_mut().poll(cx).map(|_| false),
    })
    .await;
    if !is_over {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Sent> {
    let started = shared.now();
    let number = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let path = request.uri().path().to_owned();
    // What MLflow's page asks for is what its client asks for.
    let path = path
        .strip_prefix("/ajax-api/")
        .map_or(path.clone(), |rest| format!("/api/{rest}"));
    let method = request.method().as_str().to_owned();
    let found = find(shared, &method, &path, request.headers());
    let (label, handled) = match found {
        Err(failure) => (("other", "none"), Err(failure)),
        Ok((route, places)) => {
            let places = places
                .iter()
                .map(|(name, text)| (*name, (*text).to_owned()))
                .collect();
            (
                (route.method, route.path),
                handle(shared, route, places, request).await,
            )
        }
    };
    let response = handled.map_or_else(
        |failure| fail(&failure, &path, number),
        |answer| good(answer, number),
    );
    let took = shared.now().saturating_sub(started);
    shared
        .figures
        .count(label.0, label.1, response.status().as_u16(), took);
    response
}

fn find<'a>(
    shared: &Shared,
    method: &str,
    path: &'a str,
    headers: &hyper::HeaderMap,
) -> Result<(&'static Route, Places<'a>), Failure> {
    check_origin(shared, method, headers)?;
    if path.len() > shared.settings.limits.address_max {
        return Err(Failure::status(
            414,
            "INVALID_PARAMETER_VALUE",
            "the address is too long",
        ));
    }
    let head: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if head > shared.settings.limits.head_max {
        return Err(Failure::status(
            431,
            "INVALID_PARAMETER_VALUE",
            "the headers are too long",
        ));
    }
    routes::find(method, path).map_err(|exists| match exists {
        true => Failure::status(
            405,
            "ENDPOINT_NOT_FOUND",
            "this address does not take that method",
        ),
        false => Failure::status(404, "ENDPOINT_NOT_FOUND", "there is nothing at this address"),
    })
}

/// Admits a request, reads its body, and runs its handler where blocking is allowed.
async fn handle(
    shared: &Arc<Shared>,
    route: &'static Route,
    places: Vec<(&'static str, String)>,
    request: Request<Incoming>,
) -> Handled {
    let Ok(_running) = shared.running.try_acquire() else {
        return Err(Failure::new(
            ErrorKind::Busy,
            "too many requests run at once; try again",
        ));
    };
    let (head, body) = request.into_parts();
    let person = match admit_at_once(shared, route, &head.headers) {
        Some(person) => person,
        None => {
            let (shared, headers) = (Arc::clone(shared), head.headers.clone());
            blocking(move || admit(&shared, route, &headers)).await?
        }
    };
    let (bytes, blob) = match route.body {
        Wants::Json => (read_body(shared, body).await?, None),
        Wants::Blob => (Bytes::new(), Some(read_blob(shared, body).await?)),
    };
    let shared = Arc::clone(shared);
    let query = head.uri.query().unwrap_or("").to_owned();
    blocking(move || {
        let decoded = places
            .into_iter()
            .map(|(name, text)| Ok((name, decode(&text, false)?)));
        let call = Call {
            shared: &shared,
            person,
            places: decoded.collect::<Result<_, Failure>>()?,
            args: Args::read(&query, &bytes)?,
            blob: Mutex::new(blob),
        };
        (route.handler)(&call)
    })
    .await
}

/// Runs work on a thread that may wait; a panic there is this request's failure alone.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ran = tokio::task::spawn_blocking(work).await;
    ran.unwrap_or_else(|_| Err(Failure::new(ErrorKind::Internal, "a handler met a defect")))
}

async fn next(shared: &Shared, body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    loop {
        let wait = tokio::time::timeout(shared.settings.limits.body_time_max, body.frame());
        match wait.await {
            Err(_) => {
                return Err(Failure::status(
                    408,
                    "INVALID_PARAMETER_VALUE",
                    "the body comes too slowly",
                ));
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Failure::invalid("the body ended before its end")),
            Ok(Some(Ok(frame))) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

fn too_large(most: u64) -> Failure {
    Failure::status(
        413,
        "INVALID_PARAMETER_VALUE",
        format!("the body is larger than the {most} bytes allowed"),
    )
}

async fn read_body(shared: &Shared, mut body: Incoming) -> Result<Bytes, Failure> {
    let most = shared.settings.limits.body_max;
    if body.size_hint().lower() > most {
        return Err(too_large(most));
    }
    let mut held = Vec::new();
    while let Some(bytes) = next(shared, &mut body).await? {
        if (held.len() + bytes.len()) as u64 > most {
            return Err(too_large(most));
        }
        held.extend_from_slice(&bytes);
    }
    Ok(held.into())
}

/// Writes a body to a blob as it comes; the blob has no name yet.
async fn read_blob(shared: &Arc<Shared>, mut body: Incoming) -> Result<Blob, Failure> {
    let most = shared.settings.limits.artifact_max;
    if body.size_hint().lower() > most {
        return Err(too_large(most));
    }
    let (sender, mut receiver) = mpsc::channel::<Bytes>(16);
    let writing = Arc::clone(shared);
    let written = tokio::task::spawn_blocking(move || -> Result<Option<Blob>, Failure> {
        let mut blob = writing.store.begin_blob(most)?;
        while let Some(bytes) = receiver.blocking_recv() {
            // An empty piece is the sign that all came; without it the body broke off.
            if bytes.is_empty() {
                return Ok(Some(blob.finish()?));
            }
            blob.add(&bytes)?;
        }
        Ok(None)
    });
    while let Some(bytes) = next(shared, &mut body).await? {
        if !bytes.is_empty() && sender.send(bytes).await.is_err() {
            break;
        }
    }
    let _ = sender.send(Bytes::new()).await;
    let blob = written
        .await
        .map_err(|_| Failure::new(ErrorKind::Internal, "a writer met a defect"))??;
    blob.ok_or_else(|| Failure::invalid("the body ended before its end"))
}
