//! What a remote destination is opened with, and which URLs are taken.

use std::time::Duration;

use super::hrana::TokenSource;
use crate::error::{Error, ErrorKind, Result};

/// Settings of a remote destination.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// `libsql://HOST`, `https://HOST` or `http://HOST:PORT`.
    pub url: String,
    /// The token.
    pub token: TokenSource,
    /// The one host besides this machine that may be spoken to without TLS.
    pub plain_http_to: Option<String>,
    /// A request without an answer for so long is given up.
    pub request_timeout: Duration,
    /// The lease ends so long after its holder was last heard of.
    pub lease_time: Duration,
    /// Commits under way at the same time.
    pub commits_in_flight: usize,
    /// A commit should not keep the server's write lock for longer.
    pub max_lock_time: Duration,
    /// Most documents in one commit, below the adapter's own limit.
    pub commit_documents: usize,
    /// Most bytes of documents in one commit, below the adapter's own limit.
    pub commit_bytes: usize,
    /// Retries of one request.
    pub max_retries: usize,
    /// Longest time spent on retries of one request.
    pub max_retry_time: Duration,
}

/// Documents in one commit at most: the server gains nothing by more, and all of them are kept until they are durable.
pub(super) const MOST_DOCUMENTS: usize = 50_000;
/// Bytes of documents in one commit at most: it is one request.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// The address for HTTP: `https://host[:port][/path]`.
///
/// # Errors
/// Kind `Config` for plain HTTP to another machine that is not allowed by name.
pub(super) fn base_of(options: &RemoteOptions) -> Result<String> {
    let (address, query) = options.url.split_once('?').unwrap_or((&options.url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("libsql", address));
    let rest = rest.trim_end_matches('/');
    let encrypted = scheme == "https" || (scheme == "libsql" && query != "tls=0");
    if encrypted {
        return Ok(format!("https://{rest}"));
    }
    let host = host_of(rest);
    let named = options.plain_http_to.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(host));
    if is_this_machine(host) || named {
        return Ok(format!("http://{rest}"));
    }
    Err(Error::new(
        ErrorKind::Config,
        "destination_not_encrypted",
        format!("{host} would get token and documents unencrypted over http://"),
    )
    .hint(format!(
        "use libsql:// or https://; in a network that you trust, say `plain_http_to: {host}` in the destination"
    )))
}

/// Without port and path.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '#']).next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str, plain_http_to: Option<&str>) -> Result<String, &'static str> {
        let options = RemoteOptions {
            url: url.to_owned(),
            token: TokenSource::None,
            plain_http_to: plain_http_to.map(str::to_owned),
            request_timeout: Duration::from_secs(1),
            lease_time: Duration::from_secs(1),
            commits_in_flight: 1,
            max_lock_time: Duration::from_secs(1),
            commit_documents: 1,
            commit_bytes: 1,
            max_retries: 0,
            max_retry_time: Duration::ZERO,
        };
        base_of(&options).map_err(|error| error.code())
    }

    #[test]
    fn encryption_is_the_rule() {
        assert_eq!(base("libsql://db.turso.io", None), Ok("https://db.turso.io".into()));
        assert_eq!(base("https://db.turso.io:8443/", None), Ok("https://db.turso.io:8443".into()));
        assert_eq!(base("http://127.0.0.1:8080", None), Ok("http://127.0.0.1:8080".into()));
        assert_eq!(base("http://[::1]:8080", None), Ok("http://[::1]:8080".into()));
        assert_eq!(base("libsql://localhost:8080?tls=0", None), Ok("http://localhost:8080".into()));
    }

    #[test]
    fn plain_http_to_another_machine_must_be_allowed_by_its_name() {
        let refused = Err("destination_not_encrypted");
        assert_eq!(base("http://db.lan:8080", None), refused);
        assert_eq!(base("http://db.lan:8080", Some("other.lan")), refused);
        assert_eq!(base("http://db.lan:8080", Some("DB.lan")), Ok("http://db.lan:8080".into()));
        // Looks like this machine, but is not.
        assert_eq!(base("http://127.0.0.1.example.com", None), refused);
        assert_eq!(base("http://localhost.example.com", None), refused);
    }
}
