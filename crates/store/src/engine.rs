//! One writer, several readers.
//!
//! All writes of a process pass through one thread. It takes what waits, runs each write behind a savepoint of its own,
//! and ends them with one commit: as many writers as wait share the one wait for the disk, and each hears of success
//! only after it. A write that fails undoes itself alone.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::StoreError;
use crate::postgresql::Postgres;
use crate::sql::Connection;
use crate::sqlite::Sqlite;

/// Where rows are.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file of SQLite.
    File(PathBuf),
    /// A URL of PostgreSQL.
    Url(String),
}

impl Place {
    pub(crate) fn connect(&self, may_write: bool) -> Result<Box<dyn Connection>, StoreError> {
        Ok(match self {
            Self::File(file) => Box::new(Sqlite::open(file, may_write)?),
            Self::Url(url) => Box::new(Postgres::open(url)?),
        })
    }
}

/// Writes that may wait; more are refused.
const QUEUE_MAX: usize = 4096;

/// Writes that share a commit.
const GROUP_MAX: usize = 512;

/// Connections for reading.
const READERS: usize = 4;

type Work = Box<dyn FnOnce(&mut dyn Connection) -> Result<(), StoreError> + Send>;
type Told = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

struct Job {
    work: Work,
    told: Told,
}

pub(crate) struct Engine {
    place: Place,
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    idle: Mutex<Readers>,
    returned: Condvar,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Box<dyn Connection>>,
    open: usize,
}

impl Engine {
    /// Starts the writer on a connection whose schema is up to date.
    pub(crate) fn start(place: Place, connection: Box<dyn Connection>) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let again = place.clone();
        let writer = std::thread::Builder::new()
            .name("store writer".to_owned())
            .spawn(move || write_all(&jobs, &again, connection))
            .map_err(|error| StoreError::Busy(format!("no thread for writing ({error})")))?;
        Ok(Self {
            place,
            queue: Some(queue),
            writer: Some(writer),
            idle: Mutex::default(),
            returned: Condvar::new(),
        })
    }

    /// Runs a write and waits until it is on the disk.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let answer = Arc::new(Mutex::new(None));
        let put = Arc::clone(&answer);
        let (told, heard) = sync_channel(1);
        let job = Job {
            work: Box::new(move |on| {
                *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(work(on)?);
                Ok(())
            }),
            told: Box::new(move |result| {
                let _ = told.send(result);
            }),
        };
        let queue = self
            .queue
            .as_ref()
            .expect("the queue is open while the engine lives");
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy(format!("{QUEUE_MAX} writes are waiting")),
            TrySendError::Disconnected(_) => StoreError::Database("the writer has ended".to_owned()),
        })?;
        let ended = || StoreError::Database("the writer has ended".to_owned());
        heard.recv().map_err(|_| ended())??;
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().ok_or_else(ended)
    }

    /// Runs a read on a connection of its own.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = Lent {
            engine: self,
            connection: Some(self.lend()?),
        };
        work(reader.connection.as_mut().expect("lent until dropped").as_mut())
    }

    fn lend(&self) -> Result<Box<dyn Connection>, StoreError> {
        let mut readers = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = readers.idle.pop() {
                return Ok(connection);
            }
            if readers.open < READERS {
                let connection = self.place.connect(false)?;
                readers.open += 1;
                return Ok(connection);
            }
            readers = self
                .returned
                .wait(readers)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// A connection that goes back when it is dropped, by a panic too.
struct Lent<'a> {
    engine: &'a Engine,
    connection: Option<Box<dyn Connection>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut readers = self.engine.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            Some(connection) if !connection.is_broken() && !std::thread::panicking() => {
                readers.idle.push(connection);
            }
            _ => readers.open -= 1,
        }
        self.engine.returned.notify_one();
    }
}

fn write_all(jobs: &Receiver<Job>, place: &Place, mut connection: Box<dyn Connection>) {
    while let Ok(first) = jobs.recv() {
        if connection.is_broken() {
            match place.connect(true) {
                Ok(fresh) => connection = fresh,
                Err(error) => {
                    (first.told)(Err(error));
                    continue;
                }
            }
        }
        write_group(first, jobs, connection.as_mut());
    }
}

/// Runs the first write and those that wait behind it, and commits them together.
fn write_group(first: Job, jobs: &Receiver<Job>, on: &mut dyn Connection) {
    if let Err(error) = on.begin() {
        (first.told)(Err(error));
        return;
    }
    let mut done = Vec::new();
    let mut next = Some(first);
    while let Some(job) = next {
        match run(job.work, on) {
            Ok(()) => done.push(job.told),
            Err(error) => (job.told)(Err(error)),
        }
        next = if done.len() < GROUP_MAX {
            jobs.try_recv().ok()
        } else {
            None
        };
    }
    match on.batch("COMMIT") {
        Ok(()) => done.into_iter().for_each(|told| told(Ok(()))),
        Err(error) => {
            let _ = on.batch("ROLLBACK");
            let problem = error.to_string();
            done.into_iter()
                .for_each(|told| told(Err(StoreError::Database(problem.clone()))));
        }
    }
}

/// Runs one write; undoes what it did if it fails or panics.
fn run(work: Work, on: &mut dyn Connection) -> Result<(), StoreError> {
    on.batch("SAVEPOINT one")?;
    let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(on)));
    let worked = worked.unwrap_or_else(|_| Err(StoreError::Database("a write met a defect".to_owned())));
    match worked {
        Ok(()) => on.batch("RELEASE one"),
        Err(error) => {
            on.batch("ROLLBACK TO one; RELEASE one")?;
            Err(error)
        }
    }
}
