//! The last line of defence of promise 10: what is printed or logged passes through here.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

/// Shorter secrets would blank out ordinary text.
const SHORTEST: usize = 6;

/// Texts that must never be shown.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<Vec<String>>>);

impl Secrets {
    /// From now on this text is never shown.
    pub fn hide(&self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.0.write().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
        }
    }

    /// From now on neither the password nor any value of the query of this URL is shown.
    pub fn hide_url(&self, url: &str) {
        let (plain, query) = url.split_once('?').unwrap_or((url, ""));
        if let Some((_, rest)) = plain.split_once("://")
            && let Some((user, _)) = rest.rsplit_once('@')
        {
            self.hide(user.split_once(':').map_or(user, |(_, password)| password));
        }
        query.split('&').filter_map(|pair| pair.split_once('=')).for_each(|(_, value)| self.hide(value));
    }

    /// The text with `***` in place of every secret.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut shown = Cow::Borrowed(text);
        for secret in secrets.iter() {
            if shown.contains(secret.as_str()) {
                shown = Cow::Owned(shown.replace(secret.as_str(), "***"));
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secrets = Secrets::default();
        secrets.hide("s3cr3t-token");
        secrets.hide("");
        secrets.hide("a");
        assert_eq!(secrets.redact("http 401 for s3cr3t-token and s3cr3t-token"), "http 401 for *** and ***");
        assert_eq!(secrets.redact("a cat"), "a cat");
    }

    #[test]
    fn secrets_of_a_url_are_never_shown() {
        let secrets = Secrets::default();
        secrets.hide_url("libsql://me:passw0rd@host/db?authToken=t0kent0ken&tls=1");
        secrets.hide_url("file:classroom.db");
        assert_eq!(secrets.redact("passw0rd t0kent0ken classroom.db"), "*** *** classroom.db");
    }
}
