//! Worker threads whose results never depend on how many there are.

use kolosal_base::limits::THREADS_MAX;
use rayon::prelude::*;

/// A fixed set of threads that run index-parallel work.
///
/// Only operations with a fixed result order are offered, so that the thread count cannot change a result. Calls may
/// nest: inner work is stolen by idle threads of the same set, and never more than [`Workers::threads`] run at once.
#[derive(Debug)]
pub struct Workers {
    threads: usize,
    pool: Option<rayon::ThreadPool>,
}

impl Workers {
    /// Starts `threads` workers (at least one, at most [`THREADS_MAX`]); one worker means the caller's own thread.
    ///
    /// # Panics
    /// If the operating system refuses to start a thread.
    pub fn new(threads: usize) -> Self {
        let threads = threads.clamp(1, THREADS_MAX);
        let pool = (threads > 1).then(|| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|i| format!("kolosal-worker-{i}"))
                .build()
                .expect("the operating system can start worker threads")
        });
        Self { threads, pool }
    }

    pub(crate) fn pool(&self) -> Option<&rayon::ThreadPool> {
        self.pool.as_ref()
    }

    /// How many threads run at once.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Computes `f(0), f(1), .. f(count - 1)` in parallel and returns the results in that order.
    pub fn map<T, F>(&self, count: usize, f: F) -> Vec<T>
    where
        T: Send,
        F: Fn(usize) -> T + Sync + Send,
    {
        match &self.pool {
            Some(pool) if count > 1 => {
                pool.install(|| (0..count).into_par_iter().with_max_len(1).map(f).collect())
            }
            _ => (0..count).map(f).collect(),
        }
    }

    /// Runs `f(index, item)` on every item in parallel.
    pub fn for_each_mut<T, F>(&self, items: &mut [T], f: F)
    where
        T: Send,
        F: Fn(usize, &mut T) + Sync + Send,
    {
        match &self.pool {
            Some(pool) if items.len() > 1 => {
                pool.install(|| {
                    items
                        .par_iter_mut()
                        .enumerate()
                        .with_max_len(1)
                        .for_each(|(i, item)| f(i, item));
                });
            }
            _ => items.iter_mut().enumerate().for_each(|(i, item)| f(i, item)),
        }
    }

    /// Splits `items` into chunks of `chunk` and runs `f(chunk_index, chunk)` on each in parallel.
    ///
    /// Chunk borders depend on `chunk` alone, never on the number of threads.
    ///
    /// # Panics
    /// If `chunk` is zero.
    pub fn for_each_chunk_mut<T, F>(&self, items: &mut [T], chunk: usize, f: F)
    where
        T: Send,
        F: Fn(usize, &mut [T]) + Sync + Send,
    {
        match &self.pool {
            Some(pool) if items.len() > chunk => {
                pool.install(|| {
                    items
                        .par_chunks_mut(chunk)
                        .enumerate()
                        .with_max_len(1)
                        .for_each(|(i, part)| f(i, part));
                });
            }
            _ => items
                .chunks_mut(chunk)
                .enumerate()
                .for_each(|(i, part)| f(i, part)),
        }
    }

    /// Runs two pieces of work, in parallel where a thread is free.
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        match &self.pool {
            Some(pool) => pool.join(a, b),
            None => (a(), b()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_index_order_at_any_thread_count() {
        let expected: Vec<usize> = (0..1000).map(|i| i * 3).collect();
        for threads in [1, 2, 5] {
            assert_eq!(Workers::new(threads).map(1000, |i| i * 3), expected);
        }
    }

    #[test]
    fn nested_calls_finish() {
        let workers = Workers::new(2);
        let sums = workers.map(8, |i| workers.map(8, |j| i * j).into_iter().sum::<usize>());
        assert_eq!(sums, (0..8).map(|i| i * 28).collect::<Vec<_>>());
    }

    #[test]
    fn chunks_cover_the_slice_once() {
        let mut items = vec![0_u32; 1001];
        Workers::new(3).for_each_chunk_mut(&mut items, 64, |index, part| {
            part.iter_mut().for_each(|v| *v += index as u32 + 1);
        });
        assert!(items.iter().enumerate().all(|(i, &v)| v == (i / 64) as u32 + 1));
    }
}
