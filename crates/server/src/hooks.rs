//! Sends what hooks are to be told. The only thing in the program that calls out by itself, and only to where an owner said.

use edgewright_engine::{
    hooks::{HookUrl, Message},
    workspace::Workspace,
};
use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

/// Senders: one slow receiver does not keep the others waiting.
const SENDERS: usize = 2;
/// A sender without a message looks for one so often.
const IDLE: Duration = Duration::from_millis(300);
/// To connect, and for everything after that.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
/// Longest first line of an answer that is read, in bytes.
const LINE: usize = 1024;
/// Where systems keep the certificates of authorities.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Sends until `stop` is set. Nobody waits for these threads: what they are sending when the server ends is sent again by the next one.
pub fn send_all(workspace: &Arc<Workspace>, stop: &Arc<AtomicBool>) {
    for _ in 0..SENDERS {
        let (workspace, stop) = (workspace.clone(), stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Relaxed) {
                // What the ledger refuses (a full disk) is waited out.
                if !matches!(once(&workspace), Ok(true)) {
                    std::thread::sleep(IDLE);
                }
            }
        });
    }
}

/// Sends one message. `false`: there was none.
fn once(workspace: &Workspace) -> Result<bool, edgewright_engine::EngineError> {
    let Some(message) = workspace.next_message()? else { return Ok(false) };
    let came = post(&message.url, &head(&message), &message.body, authorities);
    workspace.end_message(&message, &came)?;
    Ok(true)
}

/// Addresses that are nobody's to tell: those of a link hold what a cloud tells its machines in confidence, others are no host at all.
fn refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => refused(IpAddr::V4(v4)),
            None => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
        },
    }
}

/// A connection, to the first address of the host that answers.
fn connect(url: &HookUrl) -> Result<TcpStream, String> {
    let found = (url.host.as_str(), url.port).to_socket_addrs();
    let all: Vec<SocketAddr> = found.map_err(|e| format!("`{}` has no address: {e}", url.host))?.collect();
    let mut last = format!("`{}` has no address", url.host);
    for address in all {
        // Of the address that is connected to: what a name stands for may change from one look to the next.
        if refused(address.ip()) {
            last = format!("{} is an address of a link or of no host, which is not told", address.ip());
            continue;
        }
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = format!("no connection to {address}: {e}"),
        }
    }
    Err(last)
}

/// The authorities of this machine, read once.
fn authorities() -> Result<Arc<ClientConfig>, String> {
    static READ: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    READ.get_or_init(|| {
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let usual = || AUTHORITIES.iter().map(PathBuf::from).find(|p| p.is_file());
        let path = named.or_else(usual).ok_or(
            "no certificates of authorities are on this machine to check the receiver by; name a file of them in SSL_CERT_FILE",
        )?;
        trusting(&path).map_err(|why| format!("{}: {why}", path.display()))
    })
    .clone()
}

/// Who trusts the certificates in a file of PEM.
fn trusting(path: &Path) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    // One that cannot be read vouches for nobody.
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())?.flatten() {
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM".into());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Posts a message; the status of the answer. A redirect is an answer like any other: it is not followed.
fn post(
    url: &HookUrl,
    head: &str,
    body: &str,
    trust: impl Fn() -> Result<Arc<ClientConfig>, String>,
) -> Result<u16, String> {
    let stream = connect(url)?;
    let until = Instant::now() + ANSWER;
    let limits = |stream: &TcpStream| -> Result<(), String> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("no answer within {} s", ANSWER.as_secs()));
        }
        let set = stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)));
        set.map_err(|e| e.to_string())
    };
    limits(&stream)?;
    if !url.tls {
        let mut stream = stream;
        return exchange(&mut stream, head, body, |s| limits(s));
    }
    let name = ServerName::try_from(url.host.clone()).map_err(|e| format!("`{}`: {e}", url.host))?;
    let client = ClientConnection::new(trust()?, name).map_err(|e| e.to_string())?;
    let mut stream = StreamOwned::new(client, stream);
    exchange(&mut stream, head, body, |s| limits(&s.sock))
}

fn head(message: &Message) -> String {
    let url = &message.url;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: edgewright/{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
        url.path,
        url.authority(),
        env!("CARGO_PKG_VERSION"),
        message.body.len()
    );
    for (name, value) in &message.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

/// Writes a request and reads the first line of the answer.
fn exchange<S: Read + Write>(
    stream: &mut S,
    head: &str,
    body: &str,
    limits: impl Fn(&S) -> Result<(), String>,
) -> Result<u16, String> {
    let said = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            format!("no answer within {} s", ANSWER.as_secs())
        }
        _ => e.to_string(),
    };
    stream.write_all(head.as_bytes()).map_err(said)?;
    stream.write_all(body.as_bytes()).map_err(said)?;
    stream.flush().map_err(said)?;
    let mut line = Vec::new();
    let mut piece = [0u8; 256];
    while !line.contains(&b'\n') {
        limits(stream)?;
        match stream.read(&mut piece).map_err(said)? {
            0 => break,
            n => line.extend_from_slice(&piece[..n]),
        }
        if line.len() > LINE {
            break;
        }
    }
    status(&line).ok_or_else(|| "what it answered is no HTTP".into())
}

/// The status in the first line of an answer.
fn status(line: &[u8]) -> Option<u16> {
    let line = line.split(|b| *b == b'\n').next()?;
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    words.next().filter(|w| w.starts_with("HTTP/1."))?;
    let code = words.next().filter(|w| w.len() == 3)?;
    code.parse().ok().filter(|s| (100..600).contains(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whatever_they_are() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 301\r\nlocation: x"), Some(301));
        for wrong in [
            &b""[..],
            b"\n",
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 2000 x\n",
            b"HTTP/1.1 +20\n",
            b"SSH-2.0-x\r\n",
            b"\xff\xfe",
        ] {
            assert_eq!(status(wrong), None, "{wrong:?}");
        }
    }

    /// A receiver with a certificate of its own, which it writes to a file: it answers one request with 204.
    fn receiver(dir: &Path, name: &str) -> (HookUrl, PathBuf) {
        use tokio_rustls::rustls::{ServerConfig, ServerConnection, pki_types::PrivateKeyDer};
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let path = dir.join(name);
        std::fs::write(&path, made.cert.pem()).expect("written");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            let server = ServerConnection::new(Arc::new(config)).expect("a connection");
            let mut stream = StreamOwned::new(server, stream);
            // Whoever does not trust it goes away before anything is read.
            if stream.read(&mut [0; 512]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            }
        });
        (HookUrl::parse(&format!("https://localhost:{port}/x")).expect("a URL"), path)
    }

    #[test]
    fn a_receiver_is_told_over_tls_when_its_certificate_is_vouched_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let head = "POST /x HTTP/1.1\r\ncontent-length: 2\r\n\r\n";
        let (url, own) = receiver(dir.path(), "own.pem");
        assert_eq!(post(&url, head, "{}", || trusting(&own)), Ok(204));
        let (url, _) = receiver(dir.path(), "third.pem");
        let refused = post(&url, head, "{}", || trusting(&own)).expect_err("somebody else's");
        assert!(refused.contains("certificate"), "{refused}");
        std::fs::write(dir.path().join("none.pem"), "x").expect("written");
        assert!(trusting(&dir.path().join("none.pem")).is_err());
    }

    #[test]
    fn addresses_of_a_link_are_not_told() {
        for no in ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "::", "::ffff:169.254.169.254"] {
            assert!(refused(no.parse().expect("an address")), "{no}");
        }
        for yes in ["127.0.0.1", "192.168.1.2", "8.8.8.8", "::1", "2001:db8::1"] {
            assert!(!refused(yes.parse().expect("an address")), "{yes}");
        }
    }
}
