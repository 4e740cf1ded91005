//! Asking a program over HTTP, with a limit on time and on what it answers.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

/// Where a program answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    at: SocketAddr,
    /// In front of every path.
    prefix: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address is none that can be asked.
    #[error("{0}")]
    Address(String),
    /// Nobody listens.
    #[error("nothing answers at {at}: {source}")]
    Connect {
        /// The address.
        at: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("{at} gave no answer within {seconds} s")]
    TimedOut {
        /// The address.
        at: String,
        /// The limit.
        seconds: u64,
    },
    /// Whoever asked does not want to know any more.
    #[error("stopped")]
    Stopped,
    /// It is no whole answer.
    #[error("{0}")]
    Answer(String),
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status, such as 200.
    pub status: u16,
    /// What follows the head.
    pub body: Vec<u8>,
}

impl Endpoint {
    /// Reads `http://HOST:PORT`, with a path behind it or none.
    ///
    /// # Errors
    /// [`HttpError::Address`] for another kind of address, for a name that is not known and, unless `remote`, for another machine.
    pub fn parse(url: &str, remote: bool) -> Result<Self, HttpError> {
        let wrong = |why: &str| HttpError::Address(format!("`{url}` {why}"));
        let rest = url.strip_prefix("http://").ok_or_else(|| wrong("must begin with http://"))?;
        let (host, prefix) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        if host.contains('@') || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("must be http://HOST:PORT, with a path behind it or none"));
        }
        let host = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let all: Vec<SocketAddr> =
            host.to_socket_addrs().map_err(|e| wrong(&format!("cannot be found: {e}")))?.collect();
        if !remote && !all.iter().all(|a| a.ip().is_loopback()) {
            return Err(wrong(
                "is another machine; only this one (127.0.0.1) is asked, unless `remote = true`",
            ));
        }
        // What listens on this machine does so on the older address first.
        let at = all.iter().find(|a| a.is_ipv4()).or(all.first()).ok_or_else(|| wrong("cannot be found"))?;
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        Ok(Self { host, at: *at, prefix })
    }

    /// What [`Endpoint::parse`] would refuse, as far as that is known without asking anybody what a name stands for.
    pub fn problem(url: &str, remote: bool) -> Option<HttpError> {
        let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let numeric = host.is_none_or(|h| {
            h.is_empty() || h.parse::<SocketAddr>().is_ok() || h.parse::<std::net::IpAddr>().is_ok()
        });
        if numeric { Self::parse(url, remote).err() } else { None }
    }

    /// Asks for a path: sends `body` as JSON when there is one. `go_on` is asked at least ten times a second.
    ///
    /// # Errors
    /// [`HttpError`], also for an answer of more than `most` bytes.
    pub fn ask(
        &self,
        path: &str,
        body: Option<&[u8]>,
        limit: Duration,
        most: usize,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Reply, HttpError> {
        // A limit beyond what the clock can tell is none.
        let until = Instant::now().checked_add(limit);
        let wait = Duration::from_millis(100);
        let late = || HttpError::TimedOut { at: self.host.clone(), seconds: limit.as_secs() };
        let failed = |source| HttpError::Connect { at: self.host.clone(), source };
        let slow = |e: &std::io::Error| {
            matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
        };
        let check = || match (go_on(), until.is_none_or(|until| Instant::now() < until)) {
            (false, _) => Err(HttpError::Stopped),
            (_, false) => Err(late()),
            _ => Ok(()),
        };
        // Nothing interrupts a connection that is being made, so that it is made beside the watching. Who was stopped leaves it to end by
        // itself.
        let (to, from) = std::sync::mpsc::channel();
        let at = self.at;
        std::thread::spawn(move || {
            to.send(TcpStream::connect_timeout(&at, limit.max(Duration::from_millis(1))))
        });
        let mut stream = loop {
            check()?;
            match from.recv_timeout(wait) {
                Ok(made) => break made.map_err(|e| if slow(&e) { late() } else { failed(e) })?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(late()),
            }
        };
        stream
            .set_read_timeout(Some(wait))
            .and_then(|()| stream.set_write_timeout(Some(wait)))
            .map_err(failed)?;
        // An answer to HTTP/1.0 comes whole and ends with the connection.
        let (verb, sent) = if body.is_some() { ("POST", body.unwrap_or_default()) } else { ("GET", &[][..]) };
        let mut head = format!(
            "{verb} {}{path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\n",
            self.prefix, self.host
        );
        if body.is_some() {
            head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", sent.len()));
        }
        head.push_str("\r\n");
        let broken = |e: &std::io::Error| HttpError::Answer(format!("{} broke off: {e}", self.host));
        for mut part in [head.as_bytes(), sent] {
            while !part.is_empty() {
                check()?;
                match stream.write(part) {
                    Ok(0) => return Err(HttpError::Answer(format!("{} takes nothing", self.host))),
                    Ok(n) => part = &part[n..],
                    Err(e) if slow(&e) => {}
                    // It may have answered and closed without hearing all.
                    Err(_) => break,
                }
            }
        }
        let mut got = Vec::new();
        let mut buffer = vec![0u8; 1 << 16];
        loop {
            check()?;
            match stream.read(&mut buffer) {
                Ok(0) => return reply(&got),
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(e) if slow(&e) => {}
                Err(e) => return Err(broken(&e)),
            }
            if got.len() > most {
                return Err(HttpError::Answer(format!("the answer has more than {most} bytes")));
            }
            if whole(&got) {
                return reply(&got);
            }
        }
    }
}

/// Status, where the body begins, and its announced length.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize, Option<usize>)>, HttpError> {
    let wrong = |why: &str| HttpError::Answer(format!("the answer is no HTTP: {why}"));
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(at) = parsed.parse(bytes).map_err(|e| wrong(&e.to_string()))? else {
        return Ok(None);
    };
    let field = |name: &str| parsed.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
    if field("transfer-encoding").is_some() {
        return Err(wrong("it comes in chunks, which HTTP/1.0 has not"));
    }
    let length = match field("content-length") {
        None => None,
        Some(h) => {
            let text = std::str::from_utf8(h.value).ok().and_then(|t| t.trim().parse().ok());
            Some(text.ok_or_else(|| wrong("its length is no number"))?)
        }
    };
    Ok(Some((parsed.code.unwrap_or(0), at, length)))
}

/// Whether all that was announced is there.
fn whole(bytes: &[u8]) -> bool {
    matches!(head(bytes), Ok(Some((_, at, Some(length)))) if bytes.len() - at >= length)
}

/// An answer out of all its bytes.
///
/// # Errors
/// [`HttpError::Answer`] when it is none, or not a whole one.
pub fn reply(bytes: &[u8]) -> Result<Reply, HttpError> {
    let broke = |what: String| HttpError::Answer(format!("the answer broke off: {what}"));
    if bytes.is_empty() {
        return Err(broke("the connection was closed without a word".into()));
    }
    let Some((status, at, length)) = head(bytes)? else {
        return Err(broke(format!("{} bytes and no end of the head", bytes.len())));
    };
    let body = &bytes[at..];
    match length {
        Some(n) if body.len() < n => Err(broke(format!("{} of {n} bytes came", body.len()))),
        n => Ok(Reply { status, body: body[..n.unwrap_or(body.len())].to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_unless_told() {
        for url in ["http://127.0.0.1:4446", "http://127.0.0.1:4446/", "http://[::1]:80/a/b/"] {
            assert!(Endpoint::parse(url, false).is_ok(), "{url}");
        }
        for url in [
            "https://127.0.0.1",
            "ftp://x",
            "127.0.0.1:80",
            "http://a@127.0.0.1:8",
            "http://127.0.0.1:80/a b",
            "http://",
        ] {
            assert!(Endpoint::parse(url, true).is_err(), "{url}");
        }
        for url in ["http://192.0.2.1:80", "http://0.0.0.0:80"] {
            let refused = Endpoint::parse(url, false).expect_err(url).to_string();
            assert!(refused.contains("remote = true"), "{refused}");
            assert!(Endpoint::parse(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_limit_that_no_clock_can_tell_is_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("bound");
        let answers = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("asked");
            stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}").expect("answered");
        });
        let endpoint = Endpoint::parse(&format!("http://{at}"), false).expect("an address");
        let reply = endpoint.ask("/", None, Duration::MAX, 1000, &|| true).expect("answered");
        assert_eq!(reply.body, b"{}");
        answers.join().expect("ended");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_waits_for_a_connection_can_be_stopped() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("bound");
        // Nobody takes them: once the queue is full, connections are neither made nor refused.
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(200)) {
            waiting.push(stream);
        }
        let endpoint = Endpoint::parse(&format!("http://{at}"), false).expect("an address");
        let begun = Instant::now();
        let go_on = || begun.elapsed() < Duration::from_millis(300);
        let told = endpoint.ask("/", None, Duration::from_secs(20), 1000, &go_on).expect_err("stopped");
        assert!(matches!(told, HttpError::Stopped), "{told}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn an_answer_is_whole_or_none() {
        let good = reply(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}").expect("whole");
        assert_eq!((good.status, good.body.as_slice()), (200, &b"{}"[..]));
        assert_eq!(reply(b"HTTP/1.1 404 No\r\n\r\nabc").expect("whole").body, b"abc");
        for (bytes, words) in [
            (&b""[..], "without a word"),
            (b"HTTP/1.0 200 OK\r\nContent-Len", "no end of the head"),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{}", "2 of 9 bytes"),
            (b"hello\r\n\r\n", "no HTTP"),
            (b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", "no number"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunks"),
        ] {
            let told = reply(bytes).expect_err("refused").to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
