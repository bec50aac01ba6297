//! A server whose certificate nobody vouches for gets neither a token nor a document.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::program::{Place, run};
use super::token::Signer;
use crate::support::documents::Load;
use crate::support::{Sandbox, servers};

/// Self-signed for `localhost` and 127.0.0.1, with the key of `Signer::new(1)`, until 2126.
const CERTIFICATE: &str = "MIIBWzCCAQ2gAwIBAgIUQHoKbqvEsK3GcekeELyMsdEbYbswBQYDK2VwMBQxEjAQBgNVBAMMCWxvY2FsaG9z\
dDAgFw0yNjExMjExNTI0MDFaGA8yMTI2MTAyODE1MjQwMVowFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcs\
pnCb8dlBIb83SIAbQPb1yjbzBtMB0GA1UdDgQWBBSa0Z4PFu73FMuQxvGV285m6UWA+TAfBgNVHSMEGDAWgBSa0Z4PFu73FMuQxvGV285m6UWA+TAPBg\
NVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAFBgMrZXADQQDaosCfC5yygl59n5d+oCvVM25jYiSonOHcUVOM9UibkAaiVi\
q85LO/vpiY23sLycFPv2kMgzz7yUpMiMg90nsB";

/// Counts the bytes that clients send to it once a handshake is done.
fn serve() -> (SocketAddr, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap());
    let key = PrivateKeyDer::from(Signer::private_key(1));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = servers::listen();
    let (address, received) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&received);
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut bytes = [0; 1024];
            if let Ok(length) = Stream::new(&mut connection, &mut socket).read(&mut bytes) {
                count.fetch_add(length, Ordering::SeqCst);
            }
        }
    });
    (address, received)
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (address, received) = serve();
    let folder = Sandbox::new();
    let files = Load { documents: 40, seed: 3, commit_documents: 50, later: false }.write(&folder.path(""));
    for host in [format!("https://{address}"), format!("libsql://localhost:{}", address.port())] {
        let remote = Place::new(&host).with_token("a-token-for-nobody").load(&folder.path(""), &files);
        let outcome = run(&remote, remote.run_command(&[])).exits(3);
        assert_eq!(outcome.json()["error"]["code"], "destination_certificate", "{outcome:?}");
    }
    assert_eq!(received.load(Ordering::SeqCst), 0, "the server was told something");
}
