//! The destination, and what the command line says instead of the file.

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use super::resolve;
use crate::error::{Error, ErrorKind};
use crate::pipeline::decode::Problems;
use crate::pipeline::model::DestinationModel;
use crate::pipeline::resolved::{DestinationSpec, DestinationUrl};

/// Commits under way at the same time. A server with two writers waiting can lock up for good while it empties its log
/// (seen with sqld 0.24), so more than one is the user's choice.
const CONCURRENCY: usize = 1;
/// A commit of a few megabytes over a slow line takes its time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Renewed three times as often. After a crash elsewhere, nobody else can begin for so long.
const LEASE_TIME: Duration = Duration::from_secs(60);

/// What the command line says instead of the file. Relative paths start from the working directory.
#[derive(Clone, Default)]
pub struct Overrides {
    /// `--source`: a path, or `firestore:PROJECT[/DATABASE]`. Keeps the other source settings of the file.
    pub source: Option<String>,
    /// `--destination`: a URL or a path.
    pub destination: Option<String>,
    /// The token of the destination.
    pub auth_token: Option<String>,
    /// `--env`: one of the file's `environments`.
    pub environment: Option<String>,
}

impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.auth_token.as_ref().map(|_| "…");
        f.debug_struct("Overrides").field("source", &self.source).field("auth_token", &token).finish_non_exhaustive()
    }
}

/// The destination of the file, or of the command line.
pub(super) fn destination(
    model: Option<&DestinationModel>,
    overrides: &Overrides,
    folder: &Path,
    warnings: &mut Vec<String>,
    problems: &mut Problems<'_>,
) -> Option<DestinationSpec> {
    let model = model?;
    let given_elsewhere = overrides.destination.is_some() || overrides.auth_token.is_some();
    let token_file = model.auth_token_file.as_ref().filter(|_| !given_elsewhere);
    if let (Some(file), Some(_)) = (token_file, model.auth_token.as_ref().filter(|token| !token.value.is_empty())) {
        let message = "`auth_token` and `auth_token_file` are both given";
        problems.add_with_hint("two_tokens", file.mark, message, "leave one of them out");
    }
    let file_token = model.auth_token.as_ref().map(|token| token.value.clone());
    if model.literal_token {
        warnings.push(
            "the pipeline file holds the token of the destination; write `auth_token: \"${TURSO_AUTH_TOKEN:-}\"` \
             and set the variable instead"
                .to_owned(),
        );
    }
    let (url, token) = if let Some(url) = &overrides.destination {
        let parsed = parse_url(url, &std::env::current_dir().unwrap_or_default());
        let parsed = parsed.map_err(|(message, hint)| {
            let error = Error::new(ErrorKind::Usage, "invalid_destination", format!("`--destination`: {message}"));
            problems.extend(vec![error.hint(hint)]);
        });
        (parsed.ok()?, overrides.auth_token.clone())
    } else {
        let written = model.url_written.as_deref().unwrap_or_default();
        let Some(url) = &model.url else {
            if model.url_written.is_none() {
                problems.add("missing_key", model.mark, "`destination` needs the key `url`");
            }
            return None;
        };
        let parsed = parse_url(&url.value, folder).map_err(|(message, hint)| {
            let message = format!("`{}`: {message}", crate::pipeline::secrets::mask(written));
            problems.add_with_hint("invalid_destination", url.mark, message, hint);
        });
        (parsed.ok()?, overrides.auth_token.clone().or(file_token))
    };
    if let (DestinationUrl::Remote(address), Some(_)) = (&url, &token)
        && address.starts_with("http://")
        && !is_this_machine(address)
    {
        warnings.push("the token travels unencrypted over http://; use libsql:// or https://".to_owned());
    }
    Some(DestinationSpec {
        url,
        auth_token: token.filter(|token| !token.is_empty()).map(SecretString::from),
        auth_token_file: token_file.map(|file| resolve(folder, &file.value)),
        plain_http_to: model.plain_http_to.clone(),
        concurrency: model.concurrency.map_or(CONCURRENCY, |number| number.0),
        request_timeout: model.request_timeout.unwrap_or(REQUEST_TIMEOUT).max(Duration::from_secs(1)),
        lease_time: model.lease_time.unwrap_or(LEASE_TIME).max(Duration::from_secs(1)),
    })
}

fn is_this_machine(address: &str) -> bool {
    let host = host_of(address);
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

/// What stands between `://` and the next `/` or `?`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Message and hint of a URL that cannot be used; neither shows the URL, which may hold a secret.
type UrlProblem = (&'static str, &'static str);

/// Parses a destination; local paths start from `folder`.
fn parse_url(url: &str, folder: &Path) -> Result<DestinationUrl, UrlProblem> {
    const HINT: &str = "write `file:classroom.db`, `libsql://HOST`, `https://HOST` or `http://HOST:PORT`";
    if url.is_empty() {
        return Err(("the destination is empty", HINT));
    }
    if url.contains(":memory:") {
        return Err(("a database in memory would be lost at the end of the run", HINT));
    }
    if let Some(path) = url.strip_prefix("file:") {
        return file_url(path, folder);
    }
    match url.split_once("://") {
        Some(("libsql" | "https" | "http", _)) => remote_url(url),
        Some(_) => Err(("this kind of URL is not a destination", HINT)),
        None => Ok(DestinationUrl::File(resolve(folder, url))),
    }
}

/// `file:a.db`, `file:///tmp/a.db`; `%20` stands for a space as in every URL.
fn file_url(rest: &str, folder: &Path) -> Result<DestinationUrl, UrlProblem> {
    const HINT: &str = "write `file:classroom.db` or `file:///absolute/path.db`";
    if rest.contains('?') {
        return Err(("options after `?` are not supported", HINT));
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => match rest.strip_prefix("localhost").unwrap_or(rest) {
            path if path.starts_with('/') => path,
            _ => return Err(("a `file://` URL names a host before its path", HINT)),
        },
        None => rest,
    };
    let path = percent_decoded(path).ok_or(("`%` must be followed by two hexadecimal digits (`%25` is `%`)", HINT))?;
    if path.is_empty() {
        return Err(("the path is empty", HINT));
    }
    Ok(DestinationUrl::File(resolve(folder, &path)))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn remote_url(url: &str) -> Result<DestinationUrl, UrlProblem> {
    let host = host_of(url);
    if host.is_empty() {
        return Err(("the URL names no host", "write `libsql://HOST`"));
    }
    if host.contains('@') || url.contains("authToken=") {
        return Err(("the URL holds a secret", "put the token into `auth_token`"));
    }
    Ok(DestinationUrl::Remote(url.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn file(path: &str) -> Result<DestinationUrl, UrlProblem> {
        Ok(DestinationUrl::File(PathBuf::from(path)))
    }

    #[test]
    fn local_destinations_are_resolved_from_the_folder() {
        let folder = Path::new("/data/pipelines");
        for (url, path) in [
            ("file:a.db", "/data/pipelines/a.db"),
            ("file:../a.db", "/data/a.db"),
            ("file:/tmp/a.db", "/tmp/a.db"),
            ("file:///tmp/my%20a.db", "/tmp/my a.db"),
            ("file://localhost/tmp/a.db", "/tmp/a.db"),
            ("a.db", "/data/pipelines/a.db"),
            ("./x/a.db", "/data/pipelines/x/a.db"),
        ] {
            assert_eq!(parse_url(url, folder), file(path), "{url}");
        }
    }

    #[test]
    fn remote_destinations_are_kept_as_written() {
        for url in ["libsql://db.turso.io", "https://db.turso.io", "http://127.0.0.1:8080"] {
            assert_eq!(parse_url(url, Path::new("/")), Ok(DestinationUrl::Remote(url.to_owned())));
        }
    }

    #[test]
    fn destinations_that_cannot_work_are_refused() {
        for url in [
            "",
            "file:",
            ":memory:",
            "file::memory:",
            "file:a.db?mode=ro",
            "file://host/a.db",
            "file:a%2",
            "postgres://x",
            "libsql://",
            "https://user:secret@host",
            "libsql://host?authToken=abc",
        ] {
            assert!(parse_url(url, Path::new("/")).is_err(), "{url}");
        }
    }
}
