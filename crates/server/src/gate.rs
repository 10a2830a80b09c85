//! The one gate: every request passes it before a handler sees anything.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use kolosal_platform::store::{Blob, Role, Store, TokenInfo};

use crate::answer::Failure;
use crate::args::Args;
use crate::routes::{Need, Route};
use crate::serve::Shared;

/// A request that was let in.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    /// Who asks.
    pub(crate) person: String,
    /// What stands at the places of the route, decoded once.
    pub(crate) places: Vec<(&'static str, String)>,
    pub(crate) args: Args,
    /// The body, where the route takes a blob.
    pub(crate) blob: Mutex<Option<Blob>>,
}

impl Call<'_> {
    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// What stands at a place of the route.
    pub(crate) fn place(&self, name: &str) -> &str {
        let found = self.places.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text)
    }
}

/// How long a token that was found good is taken for good without asking again.
const TRUST: Duration = Duration::from_secs(5);
/// Tokens that are remembered.
const TOKENS_MAX: usize = 1024;

/// Tokens that were found good a moment ago.
#[derive(Default)]
pub(crate) struct Trusted(Mutex<BTreeMap<String, (TokenInfo, Duration)>>);

impl Trusted {
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What is known of a token without asking the store.
    fn known(&self, token: &str, now: Duration) -> Option<TokenInfo> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (info, until) = known.get(token)?;
        (now < *until).then(|| info.clone())
    }

    fn learn(&self, token: &str, info: &TokenInfo, now: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS_MAX {
            known.clear();
        }
        known.insert(token.to_owned(), (info.clone(), now + TRUST));
    }
}

/// Checks Host and Origin: a page of another site that a user has open must not speak to this server.
pub(crate) fn check_origin(shared: &Shared, method: &str, headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &hyper::header::HeaderValue| value.to_str().unwrap_or("\u{fffd}"))
    };
    let refuse = |what: &str| {
        Failure::status(
            403,
            "PERMISSION_DENIED",
            format!("this server does not answer to that {what}; allow it by --allow-host"),
        )
    };
    if headers.get_all(HOST).iter().count() > 1 {
        return Err(Failure::invalid("a request has one Host"));
    }
    if text(HOST).is_some_and(|host| !is_allowed(shared, host)) {
        return Err(refuse("Host"));
    }
    if method != "GET"
        && method != "HEAD"
        && let Some(origin) = text(ORIGIN)
    {
        let host = origin.split_once("://").map(|(_, host)| host);
        if !host.is_some_and(|host| is_allowed(shared, host)) {
            return Err(refuse("Origin"));
        }
    }
    Ok(())
}

fn is_allowed(shared: &Shared, host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split(':').next().unwrap_or(""),
    };
    let is_loopback = ["localhost", "127.0.0.1", "::1"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    is_loopback
        || shared
            .settings
            .allowed_hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
}

/// What can be said of a request without asking the store; `None` if it must be asked.
pub(crate) fn admit_at_once(shared: &Shared, route: &Route, headers: &HeaderMap) -> Option<String> {
    match route.need {
        Need::Nobody => Some(String::new()),
        Need::Token(_) if shared.settings.is_open => Some(LOCAL.to_owned()),
        Need::Token(needed) => {
            let known = shared.trusted.known(&token(headers)?, shared.now())?;
            (known.role >= needed).then_some(known.name)
        }
    }
}

/// Who asks where no token is needed.
const LOCAL: &str = "local";

/// Lets a request in if its token permits the route; gives who asks. May ask the store, so it runs on a blocking thread.
pub(crate) fn admit(shared: &Shared, route: &Route, headers: &HeaderMap) -> Result<String, Failure> {
    let Need::Token(needed) = route.need else {
        return Ok(String::new());
    };
    if shared.settings.is_open {
        return Ok(LOCAL.to_owned());
    }
    let stranger = |message: &str| Failure::status(401, "UNAUTHENTICATED", message);
    let token = token(headers).ok_or_else(|| {
        stranger("send a token: `Authorization: Bearer TOKEN`, or MLFLOW_TRACKING_TOKEN for an mlflow client")
    })?;
    let now = shared.now();
    let info = match shared.trusted.known(&token, now) {
        Some(info) => info,
        None => {
            let found = shared.store.check_token(&token)?;
            let info = found.ok_or_else(|| stranger("this token is unknown, has ended or was revoked"))?;
            shared.trusted.learn(&token, &info, now);
            info
        }
    };
    if info.role < needed {
        let message = format!(
            "this needs the role {}; the token has {}",
            needed.name(),
            info.role.name()
        );
        return Err(Failure::status(403, "PERMISSION_DENIED", message));
    }
    Ok(info.name)
}

/// The token of a request: a bearer's, or the password of basic authentication.
fn token(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(base64(rest.trim())?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

/// Bytes of a base64 text.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

/// The name and role of the token that a first start makes.
pub(crate) fn first_token(store: &Store) -> Result<Option<String>, kolosal_platform::store::StoreError> {
    let is_good = |token: &TokenInfo| token.role == Role::Admin && token.revoked.is_none();
    if store.tokens()?.iter().any(is_good) {
        return Ok(None);
    }
    store
        .create_token("admin", Role::Admin, None, "first start")
        .map(|(secret, _)| Some(secret))
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_read() {
        for (text, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm9v", "foo"),
            ("dXNlcjprb2xvc2FsX2Fi", "user:kolosal_ab"),
        ] {
            assert_eq!(base64(text).expect("base64"), expected.as_bytes());
        }
        assert!(base64("a b").is_none() && base64("é").is_none());
    }
}
