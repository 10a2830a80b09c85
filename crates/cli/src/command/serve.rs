//! `kolosal serve`

use kolosal_platform::{Cancel, Platform, SystemClock};
use kolosal_server::{Limits, Server, ServerSettings};

use crate::args::ServeArgs;
use crate::output::Output;
use crate::store::required;

pub(crate) fn run(
    platform: Platform,
    args: &ServeArgs,
    (clock, cancel): (SystemClock, &Cancel),
    output: &Output,
) -> anyhow::Result<u8> {
    let store = required(&args.store, output)?;
    let settings = ServerSettings {
        host: args.host,
        port: args.port,
        allowed_hosts: args.allow_host.clone(),
        is_open: args.no_auth,
        limits: Limits::default(),
    };
    let server = Server::bind(platform, store, settings, clock)?;
    // Whoever must have the token reads it even where remarks are not wanted: it is never shown again.
    if let Some(token) = server.first_token() {
        crate::output::to_stderr(&format!("the administrator's token, shown this once: {token}"));
    }
    output.remark(&format!("serving at http://{}", server.address()?));
    server.run(cancel)?;
    Ok(0)
}
