//! A remote destination as the program opens it, and an empty database again and again.

use std::time::Duration;

use fireferry::destination::libsql::{RemoteOptions, TokenSource};
use secrecy::SecretString;

use super::client::Client;

/// Settings for this server, with its token.
pub fn options(server: &Client) -> RemoteOptions {
    let token = server.token.clone();
    RemoteOptions {
        url: format!("http://{}", server.address),
        token: token.map_or(TokenSource::None, |token| TokenSource::Given(SecretString::from(token))),
        plain_http_to: None,
        request_timeout: Duration::from_secs(30),
        lease_time: Duration::from_secs(60),
        commits_in_flight: 3,
        max_lock_time: Duration::from_secs(5),
        commit_documents: 1_000,
        commit_bytes: 4 << 20,
        max_retries: 8,
        max_retry_time: Duration::from_secs(60),
    }
}

impl Client {
    /// Drops everything that is there.
    pub fn empty(&self) {
        let list = "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') \
                    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\'";
        let drops: String = self
            .query(list)
            .into_iter()
            .map(|row| format!("DROP {} \"{}\";", row[0].clone().text(), row[1].clone().text()))
            .collect();
        self.execute_all(&format!("PRAGMA foreign_keys = OFF; BEGIN; {drops} COMMIT;"));
    }
}
