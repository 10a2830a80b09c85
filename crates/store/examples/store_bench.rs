//! How fast a store writes and finds: `cargo run --release -p kolosal-store --example store_bench -- [FOLDER|URL BLOBS]`.
//!
//! Prints one line of JSON a figure. Every write is on the disk before it counts.

use std::time::Duration;

use kolosal_base::{Clock, SystemClock};
use kolosal_store::{Batch, Metric, NewRun, Query, Store, StoreError, StorePlace};

fn metric(key: String, value: f64, step: i64) -> Metric {
    Metric {
        key,
        value,
        at: step,
        step,
    }
}

#[expect(clippy::print_stdout, reason = "figures are what this program is for")]
fn report(what: &str, count: usize, time: Duration) {
    let rate = count as f64 / time.as_secs_f64();
    let each = time.as_secs_f64() * 1e3 / count.max(1) as f64;
    println!("{{\"what\": {what:?}, \"count\": {count}, \"per_s\": {rate:.0}, \"ms_each\": {each:.4}}}");
}

/// Runs the same work on so many threads, so many times each.
fn together(clock: &dyn Clock, threads: usize, times: usize, work: impl Fn(usize, usize) + Sync) -> Duration {
    let started = clock.now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = &work;
            scope.spawn(move || (0..times).for_each(|at| work(thread, at)));
        }
    });
    clock.now() - started
}

fn writes(store: &Store, clock: &dyn Clock) -> Result<(), StoreError> {
    let run = store.create_run(NewRun::default())?;
    for (threads, times) in [(1, 2_000), (8, 1_000), (64, 200)] {
        let time = together(clock, threads, times, |thread, at| {
            let step = (thread * times + at) as i64;
            let metrics = vec![metric(format!("m{threads}"), 0.5, step)];
            store
                .log_batch(
                    &run,
                    Batch {
                        metrics,
                        ..Batch::default()
                    },
                )
                .expect("the bench writes");
        });
        report(
            &format!("log one metric, {threads} threads"),
            threads * times,
            time,
        );
    }
    for (threads, times) in [(1, 50), (8, 20)] {
        let time = together(clock, threads, times, |thread, at| {
            let key = |i: usize| format!("b{threads}.{thread}.{}", i % 10);
            let metrics = (0..1000)
                .map(|i| metric(key(i), i as f64, (at * 1000 + i) as i64))
                .collect();
            store
                .log_batch(
                    &run,
                    Batch {
                        metrics,
                        ..Batch::default()
                    },
                )
                .expect("the bench writes");
        });
        report(
            &format!("metrics in batches of 1000, {threads} threads"),
            threads * times * 1000,
            time,
        );
    }
    Ok(())
}

fn many_runs(store: &Store, clock: &dyn Clock) -> Result<i64, StoreError> {
    let experiment = store.create_experiment("many", Default::default(), "bench")?;
    let time = together(clock, 8, 1_250, |thread, at| {
        let number = thread * 1_250 + at;
        let new = NewRun {
            experiment,
            name: format!("run {number}"),
            started: Some(number as i64),
            ..NewRun::default()
        };
        let run = store.create_run(new).expect("the bench writes");
        let metrics = (0..5)
            .map(|i| metric(format!("m{i}"), ((number * 7 + i) % 1000) as f64, 0))
            .collect();
        let params = (0..5)
            .map(|i| (format!("p{i}"), format!("{}", number % (i + 2))))
            .collect();
        store
            .log_batch(
                &run,
                Batch {
                    metrics,
                    params,
                    tags: Vec::new(),
                },
            )
            .expect("the bench writes");
    });
    report("runs made, each with 5 metrics and 5 parameters", 10_000, time);
    let run = store.create_run(NewRun {
        experiment,
        name: "wide".into(),
        ..NewRun::default()
    })?;
    let metrics = (0..2_000)
        .map(|i| metric(format!("wide{i}"), i as f64, 0))
        .collect();
    store.log_batch(
        &run,
        Batch {
            metrics,
            ..Batch::default()
        },
    )?;
    let started = clock.now();
    assert_eq!(store.run(&run)?.metrics.len(), 2_000);
    report("one run of 2000 metric names read", 1, clock.now() - started);
    Ok(experiment)
}

fn searches(store: &Store, clock: &dyn Clock, experiment: i64) -> Result<(), StoreError> {
    for (filter, order) in [
        ("", ""),
        ("metrics.m0 > 990", ""),
        ("metrics.m0 > 500 AND params.p3 = '2'", "metrics.m1 DESC"),
        ("run_name LIKE 'run 99%'", "start_time ASC"),
        ("params.p0 = '1' AND metrics.m2 < 100", "metrics.m2 ASC"),
    ] {
        let query = Query {
            filter: filter.into(),
            order_by: if order.is_empty() {
                Vec::new()
            } else {
                vec![order.into()]
            },
            count_max: 100,
            ..Query::default()
        };
        let started = clock.now();
        let times = 20;
        for _ in 0..times {
            store.search_runs(&[experiment], &query)?;
        }
        report(
            &format!("search of 10000 runs, page of 100: {filter:?} by {order:?}"),
            times,
            clock.now() - started,
        );
    }
    Ok(())
}

fn main() -> Result<(), StoreError> {
    let clock = SystemClock::start();
    let mut args = std::env::args().skip(1);
    let rows = args.next().unwrap_or_else(|| "store-bench".to_owned());
    let place = StorePlace {
        rows,
        blobs: args.next().map(Into::into),
    };
    let store = Store::open(&place, || 1)?;
    writes(&store, &clock)?;
    let experiment = many_runs(&store, &clock)?;
    searches(&store, &clock, experiment)
}
