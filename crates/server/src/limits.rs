//! What a request may cost, in one place.

use std::time::Duration;

/// Limits of a server; the defaults hold unless told otherwise.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most bytes of a JSON body.
    pub body_max: u64,
    /// Most bytes of an artifact.
    pub artifact_max: u64,
    /// Most bytes of all headers and the address.
    pub head_max: usize,
    /// Most headers.
    pub headers_max: usize,
    /// Most characters of the address.
    pub address_max: usize,
    /// Longest wait for the headers of a request, idle connections included.
    pub head_time_max: Duration,
    /// Longest wait for the next bytes of a body.
    pub body_time_max: Duration,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// Requests whose handlers run at once; more are told to come back.
    pub running_max: usize,
    /// Most rows of a prediction.
    pub rows_max: usize,
    /// Longest wait for running requests when the server ends.
    pub drain_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_max: 16 << 20,
            artifact_max: 1 << 30,
            head_max: 64 << 10,
            headers_max: 100,
            address_max: 8 << 10,
            head_time_max: Duration::from_secs(10),
            body_time_max: Duration::from_secs(10),
            connections_max: 1024,
            running_max: 256,
            rows_max: 100_000,
            drain_max: Duration::from_secs(30),
        }
    }
}
