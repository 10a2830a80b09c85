//! What a server counts, in the text form of Prometheus. Labels are routes of the table, never words of clients.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper ends of the buckets, in seconds.
const ENDS: [f64; 15] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

#[derive(Default)]
struct Times {
    buckets: [u64; ENDS.len()],
    count: u64,
    seconds: f64,
}

type Key = (&'static str, &'static str, u16);

/// Requests by method, route and status.
#[derive(Default)]
pub(crate) struct Figures(Mutex<BTreeMap<Key, Times>>);

impl Figures {
    pub(crate) fn count(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = all.entry((method, route, status)).or_default();
        let seconds = took.as_secs_f64();
        if let Some(bucket) = ENDS.iter().position(|end| seconds <= *end) {
            times.buckets[bucket] += 1;
        }
        times.count += 1;
        times.seconds += seconds;
    }

    pub(crate) fn text(&self, gauges: &[(&str, &str, f64)]) -> String {
        let mut text = String::new();
        for (name, help, value) in gauges {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
        let name = "http_server_request_duration_seconds";
        let _ = writeln!(
            text,
            "# HELP {name} Time from the headers of a request to its answer.\n# TYPE {name} histogram"
        );
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((method, route, status), times) in all.iter() {
            let labels = format!(
                "http_request_method=\"{method}\",http_route=\"{route}\",http_response_status_code=\"{status}\""
            );
            let mut below = 0;
            for (end, count) in ENDS.iter().zip(times.buckets) {
                below += count;
                let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{end}\"}} {below}");
            }
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", times.count);
            let _ = writeln!(
                text,
                "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {}",
                times.seconds, times.count
            );
        }
        text
    }
}
