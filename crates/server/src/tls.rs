//! TLS: a certificate of our own making that the workspace keeps, or one that was given.

use crate::ServeError;
use axum::serve::Listener;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

/// Our certificate ends after two years, and a new one is made a month before.
const LIFE: Duration = Duration::from_secs(730 * 24 * 3600);
const RENEWED: Duration = Duration::from_secs(30 * 24 * 3600);
/// Connections that are being agreed upon at once, and how long each may take.
const HANDSHAKES: usize = 128;
const PATIENCE: Duration = Duration::from_secs(10);
/// First byte of every TLS connection.
const HELLO: u8 = 0x16;
/// In front of our certificate, where readers of PEM look over it: until when it holds, in seconds since 1970.
const UNTIL: &str = "until ";

/// With which certificate to serve.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// Our own, signed by nobody but itself.
    Own,
    /// Files in PEM: the certificate with those that vouch for it, and its key.
    Given {
        /// The certificates.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

/// A certificate that is ready to serve.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    /// SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
}

impl Tls {
    /// Reads the certificate, or makes it; `dir` is the server's folder, `listen` where it listens.
    ///
    /// # Errors
    /// [`ServeError::Tls`] names the file.
    pub fn load(dir: &Path, listen: IpAddr, certificate: &Certificate) -> Result<Self, ServeError> {
        let (certificate, key) = match certificate {
            Certificate::Given { certificate, key } => (certificate.clone(), key.clone()),
            Certificate::Own => {
                let paths = (dir.join("tls-certificate.pem"), dir.join("tls-key.pem"));
                if !holds(&paths.0, SystemTime::now()) || !paths.1.exists() {
                    make(&paths.0, &paths.1, listen)?;
                }
                paths
            }
        };
        let at = |path: &Path, why: String| ServeError::Tls { path: path.into(), why };
        let chain = CertificateDer::pem_file_iter(&certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| at(&certificate, e.to_string()))?;
        let Some(first) = chain.first() else {
            return Err(at(&certificate, "there is no certificate in it; PEM is read".into()));
        };
        let fingerprint = fingerprint(first);
        let secret = PrivateKeyDer::from_pem_file(&key).map_err(|e| at(&key, e.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|b| b.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|e| at(&key, e.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint })
    }

    /// Connections of a port, each once both sides have agreed. One that is slow holds up no other.
    pub fn listen(&self, listener: TcpListener) -> std::io::Result<Agreed> {
        let address = listener.local_addr()?;
        let (send, agreed) = mpsc::channel(HANDSHAKES);
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            let places = Arc::new(Semaphore::new(HANDSHAKES));
            let mut listener = listener;
            while let Ok(place) = places.clone().acquire_owned().await {
                // Of axum: waits when there are no more files to open.
                let (stream, from) = Listener::accept(&mut listener).await;
                let (acceptor, send) = (acceptor.clone(), send.clone());
                tokio::spawn(async move {
                    let _place = place;
                    if let Ok(Some(stream)) = tokio::time::timeout(PATIENCE, agree(acceptor, stream)).await {
                        // Nobody waits for it any more when the server ends.
                        let _ = send.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Agreed { agreed, address })
    }
}

async fn agree(acceptor: TlsAcceptor, mut stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    let mut first = [0];
    stream.peek(&mut first).await.ok()?;
    if first[0] != HELLO {
        let text = "This server speaks TLS alone; open it with https://\n";
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await.ok()?;
        // What it asked for is read first: closing before would take the answer away again.
        let mut asked = [0; 4096];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut asked).await;
        stream.shutdown().await.ok()?;
        return None;
    }
    acceptor.accept(stream).await.ok()
}

/// Connections on which both sides have agreed.
pub struct Agreed {
    agreed: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for Agreed {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.agreed.recv().await {
            Some(there) => there,
            // The port is closed only with the server.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Whether our certificate is there and not about to end.
fn holds(path: &Path, now: SystemTime) -> bool {
    let until = std::fs::read_to_string(path)
        .ok()
        .and_then(|text| text.lines().next()?.strip_prefix(UNTIL)?.parse::<u64>().ok());
    until.is_some_and(|u| now + RENEWED < UNIX_EPOCH + Duration::from_secs(u))
}

fn make(certificate: &Path, key: &Path, listen: IpAddr) -> Result<(), ServeError> {
    let failed = |why: String| ServeError::Tls { path: certificate.into(), why };
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
    let also = if listen.is_unspecified() { lan() } else { Some(listen) };
    names.extend(also.map(|ip| ip.to_string()).filter(|ip| !names.contains(ip)));
    let mut params = CertificateParams::new(names).map_err(|e| failed(e.to_string()))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Edgewright");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    // Clocks of phones differ.
    params.not_before = (now - Duration::from_secs(24 * 3600)).into();
    params.not_after = (now + LIFE).into();
    let pair = KeyPair::generate().map_err(|e| failed(e.to_string()))?;
    let made = params.self_signed(&pair).map_err(|e| failed(e.to_string()))?;
    let until = (now + LIFE).duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    write(key, &pair.serialize_pem(), true)?;
    write(certificate, &format!("{UNTIL}{until}\n{}", made.pem()), false)
}

/// Writes a file whole or not at all; a secret one is read by nobody else from the start.
fn write(path: &Path, text: &str, secret: bool) -> Result<(), ServeError> {
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        #[cfg(unix)]
        if !secret {
            use std::os::unix::fs::PermissionsExt;
            // Files for a moment belong to their maker alone.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|e| ServeError::Tls { path: path.into(), why: e.to_string() })
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let mut out = String::new();
    for (n, byte) in Sha256::digest(certificate.as_ref()).iter().enumerate() {
        let _ = write!(out, "{}{byte:02X}", if n > 0 { ":" } else { "" });
    }
    out
}

/// Our address in the network. Nothing is sent: the system only says which one it would send from.
pub fn lan() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address that documents use and nobody has.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|a| a.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
    };

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_certificate_is_made_once_and_again_when_it_ends() {
        let dir = tempfile::tempdir().expect("a folder");
        let load = || Tls::load(dir.path(), HERE, &Certificate::Own).expect("loads").fingerprint;
        let first = load();
        assert_eq!(first.len(), 95);
        assert_eq!(load(), first);
        let path = dir.path().join("tls-certificate.pem");
        assert!(holds(&path, SystemTime::now() + Duration::from_secs(699 * 24 * 3600)));
        assert!(!holds(&path, SystemTime::now() + Duration::from_secs(701 * 24 * 3600)));
        std::fs::remove_file(dir.path().join("tls-key.pem")).expect("there");
        assert_ne!(load(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join("tls-key.pem")).expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }

    #[test]
    fn files_that_were_given_are_named_when_they_are_wrong() {
        let dir = tempfile::tempdir().expect("a folder");
        Tls::load(dir.path(), HERE, &Certificate::Own).expect("made");
        let (certificate, key) = (dir.path().join("tls-certificate.pem"), dir.path().join("tls-key.pem"));
        let load = |certificate: &Path, key: &Path| {
            let given = Certificate::Given { certificate: certificate.into(), key: key.into() };
            Tls::load(Path::new("/nowhere"), HERE, &given).map(|t| t.fingerprint).map_err(|e| e.to_string())
        };
        assert!(load(&certificate, &key).is_ok());
        let other = tempfile::tempdir().expect("a folder");
        Tls::load(other.path(), HERE, &Certificate::Own).expect("made");
        let foreign = other.path().join("tls-key.pem");
        for (certificate, key, named) in [
            (&key, &key, &key),
            (&certificate, &certificate, &certificate),
            (&certificate, &foreign, &foreign),
            (&dir.path().join("none.pem"), &key, &dir.path().join("none.pem")),
        ] {
            let error = load(certificate, key).expect_err("refused");
            assert!(error.contains(&named.display().to_string()), "{error}");
        }
    }

    #[tokio::test]
    async fn both_sides_agree_and_nobody_waits_for_who_says_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let tls = Tls::load(dir.path(), HERE, &Certificate::Own).expect("loads");
        let listener = TcpListener::bind((HERE, 0)).await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let mut agreed = tls.listen(listener).expect("listens");
        let silent = TcpStream::connect(address).await.expect("connects");
        let mut plain = TcpStream::connect(address).await.expect("connects");
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
        let mut told = String::new();
        plain.read_to_string(&mut told).await.expect("read");
        assert!(told.contains("https://"), "{told}");
        let mut roots = RootCertStore::empty();
        let certificate =
            CertificateDer::from_pem_file(dir.path().join("tls-certificate.pem")).expect("read");
        roots.add(certificate).expect("added");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TcpStream::connect(address).await.expect("connects");
        let client = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let (mut client, (mut server, _)) =
            tokio::join!(async { client.await.expect("agrees") }, agreed.accept());
        client.write_all(b"hello").await.expect("sent");
        client.flush().await.expect("sent");
        let mut heard = [0; 5];
        server.read_exact(&mut heard).await.expect("heard");
        assert_eq!(&heard, b"hello");
        drop(silent);
    }
}
