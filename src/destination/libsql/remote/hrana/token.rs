//! The token, and where it can be read again when it was rotated.

use std::path::PathBuf;
use std::sync::RwLock;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result};

/// Where the token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// None: a server without authentication.
    None,
    /// Given by the environment or the pipeline.
    Given(SecretString),
    /// A file, read at the start and once more whenever the server refuses the token.
    File(PathBuf),
}

/// The token in use. It shows nothing of itself.
#[derive(Debug)]
pub(super) struct Token {
    source: TokenSource,
    current: RwLock<Option<SecretString>>,
}

impl Token {
    /// Reads the token.
    ///
    /// # Errors
    /// Kind `Config`: the file cannot be read or is empty.
    pub fn new(source: TokenSource) -> Result<Self> {
        let current = match &source {
            TokenSource::None => None,
            TokenSource::Given(token) => Some(token.clone()),
            TokenSource::File(path) => Some(read(path)?),
        };
        Ok(Self { source, current: RwLock::new(current) })
    }

    /// The token as it is now.
    pub fn current(&self) -> Option<SecretString> {
        self.current.read().map_or(None, |token| token.clone())
    }

    /// Reads the file again; whether there is another token than the one that was refused.
    pub fn renewed(&self, refused: Option<&SecretString>) -> bool {
        let TokenSource::File(path) = &self.source else { return false };
        let Ok(token) = read(path) else { return false };
        let other = refused.is_none_or(|refused| refused.expose_secret() != token.expose_secret());
        if other && let Ok(mut current) = self.current.write() {
            *current = Some(token);
        }
        other
    }
}

fn read(path: &PathBuf) -> Result<SecretString> {
    let text = fs_err::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Config, "token_file", "the file of the token cannot be read")
            .file(path)
            .hint("`auth_token_file` names a file that holds nothing but the token")
            .caused_by(error)
    })?;
    match text.trim() {
        "" => Err(Error::new(ErrorKind::Config, "token_file", "the file of the token is empty").file(path)),
        token => Ok(SecretString::from(token.to_owned())),
    }
}
