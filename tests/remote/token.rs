//! Tokens as a libSQL server takes them: signed with Ed25519.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_eddsa_type;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::SigningKey;
use serde_json::json;

/// What the holder of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// Who signs.
#[derive(Debug)]
pub struct Signer(std::sync::Arc<dyn SigningKey>);

impl Signer {
    /// The same number, the same key: nothing here is secret.
    pub fn new(number: u8) -> Self {
        Self(any_eddsa_type(&Self::private_key(number)).unwrap())
    }

    /// RFC 8410: PKCS #8 with the identifier of Ed25519, then the 32 bytes of the key.
    pub fn private_key(number: u8) -> PrivatePkcs8KeyDer<'static> {
        let start = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        PrivatePkcs8KeyDer::from([&start[..], &[number; 32]].concat())
    }

    /// What the server must know, as PEM.
    pub fn public_key(&self) -> String {
        let key = STANDARD.encode(self.0.public_key().unwrap());
        format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
    }

    /// A token that ends in so many seconds, which may be over.
    pub fn token(&self, access: Access, seconds: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let end = i64::try_from(now).unwrap() + seconds;
        let access = if access == Access::Write { "rw" } else { "ro" };
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": "EdDSA", "typ": "JWT" }));
        let signed = format!("{header}.{}", part(json!({ "a": access, "exp": end })));
        let signer = self.0.choose_scheme(&[SignatureScheme::ED25519]).unwrap();
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap());
        format!("{signed}.{signature}")
    }
}
