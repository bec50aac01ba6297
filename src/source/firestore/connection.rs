//! Connecting, and with which credentials.

use std::path::PathBuf;

use firestore::errors::FirestoreError;
use firestore::gcloud_sdk::GoogleAuthMiddleware;
use firestore::gcloud_sdk::google::firestore::v1::firestore_client::FirestoreClient;
use firestore::{FirestoreDb, FirestoreDbOptions};

use super::FirestoreOptions;
use crate::error::{Error, ErrorKind, Result};

/// Names the server that is used instead of the real service.
const EMULATOR: &str = "FIRESTORE_EMULATOR_HOST";
/// Names the credentials that are used unless the pipeline does.
const DEFAULT_CREDENTIALS: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// A document may have 1 MiB, and a list many documents.
const LARGEST_MESSAGE: usize = 64 << 20;

/// Which credentials are used. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// None: a server named by `FIRESTORE_EMULATOR_HOST`.
    Emulator(String),
    /// A service account's file.
    File(PathBuf),
    /// What the environment offers: the file of `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's, or the machine's own.
    Default(Option<PathBuf>),
}

impl Credentials {
    /// The server of the environment wins, so that nobody trying something out reaches the real service.
    fn choose(file: Option<&PathBuf>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        match (set(EMULATOR), file) {
            (Some(host), _) => Self::Emulator(host),
            (None, Some(file)) => Self::File(file.clone()),
            (None, None) => Self::Default(set(DEFAULT_CREDENTIALS).map(PathBuf::from)),
        }
    }

    /// For `check`.
    pub fn describe(&self) -> String {
        match self {
            Self::Emulator(host) => format!("no credentials, the server {host} named by {EMULATOR}"),
            Self::File(path) => format!("the service account file {}", path.display()),
            Self::Default(Some(path)) => {
                format!("application default credentials from {} ({DEFAULT_CREDENTIALS})", path.display())
            }
            Self::Default(None) => "application default credentials".to_owned(),
        }
    }
}

/// An open connection to one database.
pub(super) struct Connection {
    db: FirestoreDb,
    /// `projects/P/databases/D/documents`.
    pub documents: String,
    /// What is used.
    pub credentials: Credentials,
}

impl Connection {
    /// Connects; fails with what to do when the server cannot be reached or there are no credentials.
    pub async fn open(options: &FirestoreOptions) -> Result<Self> {
        // The crates below leave the choice of a provider open. One that is installed already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let credentials = credentials_of(options);
        let target = FirestoreDbOptions::new(options.project.clone()).with_database_id(options.database.clone());
        let opened = match &credentials {
            Credentials::File(path) => FirestoreDb::with_options_service_account_key_file(target, path.clone()).await,
            Credentials::Emulator(_) | Credentials::Default(_) => FirestoreDb::with_options(target).await,
        };
        let db = opened.map_err(|error| not_opened(&error, &credentials))?;
        let documents = db.get_documents_path().clone();
        Ok(Self { db, documents, credentials })
    }

    /// A client; cheap, all of them share the connection.
    pub fn client(&self) -> FirestoreClient<GoogleAuthMiddleware> {
        self.db.client().get().max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// `projects/P/databases/D`.
    pub fn database(&self) -> &str {
        self.documents.strip_suffix("/documents").unwrap_or(&self.documents)
    }
}

/// What would be used for these options.
pub(super) fn credentials_of(options: &FirestoreOptions) -> Credentials {
    Credentials::choose(options.credentials.as_ref(), |name| std::env::var(name).ok())
}

fn not_opened(error: &FirestoreError, credentials: &Credentials) -> Error {
    // The library tells a refused connection from missing credentials only in its text.
    if format!("{error:?}").contains("ConnectError") {
        let (server, hint) = match credentials {
            Credentials::Emulator(host) => (
                format!("{host}, named by {EMULATOR}"),
                format!("start the server there, or unset {EMULATOR} for the real service"),
            ),
            other => (
                format!("firestore.googleapis.com, with {}", other.describe()),
                "check the network, the proxy and name resolution".to_owned(),
            ),
        };
        let message = format!("no connection to Firestore at {server}");
        return Error::new(ErrorKind::Source, "source_unreachable", message).hint(hint);
    }
    let refused = Error::new(
        ErrorKind::Source,
        "source_unreachable",
        format!("Firestore cannot be reached with {}: {}", credentials.describe(), innermost(error)),
    );
    match credentials {
        Credentials::Emulator(_) => refused.hint(format!("start the server, or unset {EMULATOR} for the real service")),
        Credentials::File(_) => {
            refused.hint("the file must be the JSON key of a service account; check path and network")
        }
        Credentials::Default(_) => refused.hint(format!(
            "log in with `gcloud auth application-default login`, set {DEFAULT_CREDENTIALS}, or name a service \
             account file with `credentials` in the pipeline"
        )),
    }
}

/// The innermost cause: the outer ones say only that there is one.
fn innermost(error: &FirestoreError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_the_environment_wins_over_a_file_and_a_file_over_the_environment() {
        let file = PathBuf::from("/keys/a.json");
        let emulator = |name: &str| (name == EMULATOR).then(|| "127.0.0.1:8181".to_owned());
        let variable = |name: &str| (name == DEFAULT_CREDENTIALS).then(|| "/keys/b.json".to_owned());
        assert_eq!(Credentials::choose(Some(&file), emulator), Credentials::Emulator("127.0.0.1:8181".to_owned()));
        assert_eq!(Credentials::choose(Some(&file), variable), Credentials::File(file.clone()));
        assert_eq!(Credentials::choose(None, variable), Credentials::Default(Some(PathBuf::from("/keys/b.json"))));
        assert_eq!(Credentials::choose(None, |_| None), Credentials::Default(None));
        assert_eq!(Credentials::choose(None, |_| Some(String::new())), Credentials::Default(None), "empty is not set");
    }
}
