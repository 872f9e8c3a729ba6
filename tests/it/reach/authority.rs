//! A certificate authority of one's own, and servers it vouches for.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Signs a certificate for whatever host is asked for.
pub struct Authority {
    folder: tempfile::TempDir,
    known: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Authority {
    pub fn new() -> Arc<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let of_its_own = ["-x509", "-days", "30", "-subj", "/CN=Acme", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(folder.path(), &[["req"].as_slice(), &KEY, &of_its_own].concat());
        Arc::new(Self { folder, known: Mutex::default() })
    }

    /// The file to trust.
    pub fn pem(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The same as a variable's value.
    pub fn path(&self) -> String {
        self.pem().to_str().expect("a plain path").to_owned()
    }

    /// A server's side of TLS under a host's name or address.
    fn server(&self, host: &str) -> Arc<ServerConfig> {
        let mut known = self.known.lock().expect("nobody panics holding it");
        known.entry(host.to_owned()).or_insert_with(|| self.signed(host)).clone()
    }

    fn signed(&self, host: &str) -> Arc<ServerConfig> {
        let folder = self.folder.path();
        let kind = if host.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        let name = format!("subjectAltName={kind}:{host}");
        let request = ["-subj", "/CN=server", "-addext", &name, "-keyout", "leaf.key", "-out", "leaf.csr"];
        openssl(folder, &[["req"].as_slice(), &KEY, &request].concat());
        let serial = rand::random::<u32>().to_string();
        openssl(
            folder,
            &[
                "x509",
                "-req",
                "-in",
                "leaf.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-set_serial",
                &serial,
                "-days",
                "30",
                "-copy_extensions",
                "copy",
                "-out",
                "leaf.pem",
            ],
        );
        let chain = CertificateDer::from_pem_file(folder.join("leaf.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![chain], key);
        Arc::new(config.expect("a certificate and its key"))
    }

    /// Takes TLS off a connection and hands what is inside to the backend.
    pub async fn unwrap(&self, stream: TcpStream, host: &str, backend: SocketAddr) {
        // A client that trusts nobody here goes away in the handshake: that is what it is asked to do.
        let Ok(mut inside) = TlsAcceptor::from(self.server(host)).accept(stream).await else { return };
        let mut behind = TcpStream::connect(backend).await.expect("the backend listens");
        tokio::io::copy_bidirectional(&mut inside, &mut behind).await.ok();
    }

    /// A port on loopback that serves the backend over TLS, as this host.
    pub async fn door(self: &Arc<Self>, host: &'static str, backend: SocketAddr) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("an address").port();
        let authority = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let authority = Arc::clone(&authority);
                tokio::spawn(async move { authority.unwrap(stream, host, backend).await });
            }
        });
        port
    }
}
