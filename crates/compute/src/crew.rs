//! A crew: worker threads that stay awake between many short pieces of work.
//!
//! Handing work to a sleeping pool costs several microseconds, as much as a small node of a boosted tree. The members of a
//! [`Crew`] wait in a loop for the next piece instead, so that a piece starts within a fraction of a microsecond. Members
//! join when a thread of the pool is free and are never waited for: the caller does what nobody else takes.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::Workers;

/// Looks for work between two offers of the processor to others.
const SPINS: u32 = 1 << 12;

/// As short as timers allow, some fifty microseconds on most systems.
const NAP: Duration = Duration::from_micros(1);

/// Waits in a loop that offers the processor to others now and then.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    fn wait(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(SPINS) {
            std::thread::yield_now();
        }
        std::hint::spin_loop();
    }
}

/// Threads that wait for short pieces of index-parallel work; see [`Workers::crew`].
#[derive(Debug)]
pub struct Crew<'a> {
    shared: Option<&'a Shared>,
    threads: usize,
}

/// What the leader and the members see. The leader writes `job` only while the gate is shut and nobody is inside.
#[derive(Debug, Default)]
struct Shared {
    job: UnsafeCell<Option<Job>>,
    open: AtomicBool,
    inside: AtomicUsize,
    taken: Taken,
    quit: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// How many indices are taken: from the front in the lower half of the bits, from the back in the upper half.
///
/// The leader takes from the front and the members from the back, so that in pieces of work over the same rows each thread
/// mostly finds those that it had before, in its own cache.
#[derive(Debug, Default)]
struct Taken(AtomicU64);

/// Which end a thread takes indices from.
#[derive(Debug, Clone, Copy)]
enum End {
    Front,
    Back,
}

impl Taken {
    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Takes all that is left.
    fn exhaust(&self) {
        self.0.store(1 << 31, Ordering::Relaxed);
    }

    /// The next index of `0 .. count`, if one is left.
    fn take(&self, count: usize, end: End) -> Option<usize> {
        let one = match end {
            End::Front => 1,
            End::Back => 1 << 32,
        };
        let before = self.0.fetch_add(one, Ordering::Relaxed);
        let (front, back) = ((before & u64::from(u32::MAX)) as usize, (before >> 32) as usize);
        (front + back < count).then_some(match end {
            End::Front => front,
            End::Back => count.wrapping_sub(1 + back),
        })
    }
}

/// A closure to be called with `0 .. count`, its type and lifetime hidden.
#[derive(Debug, Clone, Copy)]
struct Job {
    data: *const (),
    call: unsafe fn(*const (), usize),
    count: usize,
}

// SAFETY: `job` is written by the leader alone, while the gate is shut and `inside` is zero, and read by members between
// entering and leaving; the sequentially consistent operations on `open` and `inside` order the two. The closure behind a
// job is `Sync` and outlives the opening of the gate (`Crew::run` returns after everybody left).
unsafe impl Sync for Shared {}

impl Workers {
    /// Runs `work` with a crew of this set's threads.
    ///
    /// The crew's operations give the same results as those of [`Workers`], for pieces of work down to a microsecond.
    /// While `work` runs, free threads of the set keep a processor busy: use it for work that is mostly parallel.
    pub fn crew<R: Send>(&self, work: impl FnOnce(&Crew<'_>) -> R + Send) -> R {
        let Some(pool) = self.pool() else {
            return work(&Crew::alone());
        };
        let shared = Shared::default();
        let threads = self.threads();
        pool.install(|| {
            rayon::scope(|scope| {
                for _ in 1..threads {
                    scope.spawn(|_| shared.serve());
                }
                let crew = Crew {
                    shared: Some(&shared),
                    threads,
                };
                let result = catch_unwind(AssertUnwindSafe(|| work(&crew)));
                shared.quit.store(true, Ordering::SeqCst);
                result.unwrap_or_else(|panic| resume_unwind(panic))
            })
        })
    }
}

impl Crew<'_> {
    /// A crew of the calling thread alone.
    pub const fn alone() -> Self {
        Self {
            shared: None,
            threads: 1,
        }
    }

    /// How many threads may work at once.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `f(0), f(1), .. f(count - 1)`, in parallel where members are free.
    ///
    /// # Panics
    /// If `count` does not fit 31 bits, or a call of `f` panics.
    pub fn run<F: Fn(usize) + Sync>(&self, count: usize, f: F) {
        assert!(
            count <= i32::MAX as usize,
            "a piece of work has at most 2^31 - 1 parts"
        );
        match self.shared {
            Some(shared) if count > 1 => shared.lead(count, &f),
            _ => (0..count).for_each(f),
        }
    }

    /// Runs `f(index, item)` on every item.
    pub fn for_each_mut<T: Send, F: Fn(usize, &mut T) + Sync>(&self, items: &mut [T], f: F) {
        let base = Base(items.as_mut_ptr());
        self.run(items.len(), |at| {
            // SAFETY: `run` calls each index below the length once, so no two references to an item exist.
            f(at, unsafe { &mut *base.at(at) });
        });
    }

    /// Splits `items` into chunks of `chunk` and runs `f(chunk_index, chunk)` on each.
    ///
    /// # Panics
    /// If `chunk` is zero.
    pub fn for_each_chunk_mut<T: Send, F: Fn(usize, &mut [T]) + Sync>(
        &self,
        items: &mut [T],
        chunk: usize,
        f: F,
    ) {
        let mut chunks: Vec<&mut [T]> = items.chunks_mut(chunk).collect();
        self.for_each_mut(&mut chunks, |at, part| f(at, part));
    }

    /// Computes `f(0) .. f(count - 1)`; results are in index order.
    pub fn map<T: Send, F: Fn(usize) -> T + Sync>(&self, count: usize, f: F) -> Vec<T> {
        let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
        self.for_each_mut(&mut results, |at, place| *place = Some(f(at)));
        let done = results
            .into_iter()
            .map(|result| result.expect("run calls every index"));
        done.collect()
    }
}

/// A pointer that threads may share; whoever follows it says why that is sound.
struct Base<T>(*mut T);

// SAFETY: the pointer is followed only for distinct items, each of which may be sent to another thread.
unsafe impl<T: Send> Sync for Base<T> {}

impl<T> Base<T> {
    fn at(&self, index: usize) -> *mut T {
        self.0.wrapping_add(index)
    }
}

impl Shared {
    fn lead<F: Fn(usize) + Sync>(&self, count: usize, f: &F) {
        /// # Safety
        /// `data` points to a live `F`.
        unsafe fn call<F: Fn(usize) + Sync>(data: *const (), at: usize) {
            // SAFETY: the caller's promise.
            let f = unsafe { &*data.cast::<F>() };
            f(at);
        }
        let job = Job {
            data: std::ptr::from_ref(f).cast(),
            call: call::<F>,
            count,
        };
        // SAFETY: the gate is shut and nobody is inside (the end of the last call, or the start), so nobody reads.
        unsafe { *self.job.get() = Some(job) };
        self.taken.clear();
        self.open.store(true, Ordering::SeqCst);
        self.work(job, End::Front);
        self.open.store(false, Ordering::SeqCst);
        let mut patience = Patience::default();
        while self.inside.load(Ordering::SeqCst) != 0 {
            patience.wait();
        }
        let panic = self.panic.lock().expect("nobody panics while holding it").take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Takes indices until none is left. A panic is kept for the leader: it may not leave before the members do.
    fn work(&self, job: Job, end: End) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            while let Some(at) = self.taken.take(job.count, end) {
                // SAFETY: the leader keeps the closure alive until everybody has left.
                unsafe { (job.call)(job.data, at) };
            }
        }));
        if let Err(panic) = result {
            self.taken.exhaust();
            *self.panic.lock().expect("nobody panics while holding it") = Some(panic);
        }
    }

    /// The life of a member.
    fn serve(&self) {
        // A thread that wakes from sleep is put on a processor that is free; one that was just started may share the leader's, which
        // never sleeps, for tens of milliseconds.
        std::thread::sleep(NAP);
        let mut patience = Patience::default();
        while !self.quit.load(Ordering::Relaxed) {
            if !self.open.load(Ordering::Relaxed) {
                patience.wait();
                continue;
            }
            self.inside.fetch_add(1, Ordering::SeqCst);
            if self.open.load(Ordering::SeqCst) {
                // SAFETY: the gate is open and this member is inside, so the leader wrote the job before and will not
                // write again until this member has left.
                let job = unsafe { *self.job.get() };
                self.work(job.expect("a job is written before the gate opens"), End::Back);
                patience = Patience::default();
            }
            self.inside.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_called_once_over_many_short_pieces() {
        for threads in [1, 2, 3, 8] {
            let workers = Workers::new(threads);
            let total = workers.crew(|crew| {
                let mut items = vec![0_u64; 37];
                for round in 0..2000_u64 {
                    crew.for_each_mut(&mut items, |at, item| *item += round * at as u64);
                }
                items.iter().sum::<u64>()
            });
            assert_eq!(total, (0..2000).sum::<u64>() * (0..37).sum::<u64>());
        }
    }

    #[test]
    fn results_are_in_index_order_and_chunks_cover_the_slice() {
        let workers = Workers::new(4);
        workers.crew(|crew| {
            assert_eq!(
                crew.map(100, |i| i * 2),
                (0..100).map(|i| i * 2).collect::<Vec<_>>()
            );
            let mut items = vec![0; 1001];
            crew.for_each_chunk_mut(&mut items, 64, |at, part| {
                part.iter_mut().for_each(|v| *v += at + 1);
            });
            assert!(items.iter().enumerate().all(|(i, &v)| v == i / 64 + 1));
        });
    }

    #[test]
    fn crews_nest_in_parallel_work_and_in_each_other() {
        let workers = Workers::new(2);
        let sums = workers.map(4, |i| {
            workers.crew(|crew| {
                let inner = workers.crew(|inner| inner.map(10, |j| i * j).into_iter().sum::<usize>());
                inner + crew.map(10, |j| i * j).into_iter().sum::<usize>()
            })
        });
        assert_eq!(sums, [0, 90, 180, 270]);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_crew_ends() {
        let workers = Workers::new(3);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            workers.crew(|crew| crew.run(100, |at| assert!(at != 50, "fifty")));
        }));
        assert!(caught.is_err());
        assert_eq!(workers.map(3, |i| i), [0, 1, 2]);
    }
}
