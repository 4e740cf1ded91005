//! Links for others: under which name they reach us, and what stands in their way.

use crate::{Address, state::App, tls};
use axum::http::{HeaderMap, header};
use std::net::IpAddr;

/// A link for others.
pub struct Link {
    /// The whole of it.
    pub url: String,
    /// What stands in the way of those who open it.
    pub hint: Option<String>,
}

/// A link to a page of ours. `page`: path and what follows; `headers`: of the request that asks for it.
pub fn link(app: &App, headers: &HeaderMap, page: &str) -> Link {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let (host, hint) = reached((app.address, app.secure), host, tls::lan);
    let scheme = if app.secure { "https" } else { "http" };
    Link { url: format!("{scheme}://{host}{page}"), hint }
}

/// Name and port under which others reach us, and what stands in its way. `host`: what the caller's browser used; `lan`: our address
/// in the network.
fn reached(
    (listen, secure): (Address, bool),
    host: &str,
    lan: impl Fn() -> Option<IpAddr>,
) -> (String, Option<String>) {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let alone = name == "localhost" || name == "[::1]" || name.starts_with("127.") || name.is_empty();
    if listen.ip().is_loopback() {
        let host = if alone { listen.to_string() } else { host.to_owned() };
        let hint = format!(
            "this server can be reached from this machine alone; others reach it when it was started with `--tls --listen 0.0.0.0:{}`",
            listen.port()
        );
        return (host, Some(hint));
    }
    let host = match alone.then(lan).flatten() {
        Some(ip) => Address::new(ip, listen.port()).to_string(),
        None => host.to_owned(),
    };
    let hint = "browsers let a page read sensors, camera and microphone only over TLS; start the server with `--tls`";
    (host, (!secure).then(|| hint.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_what_others_can_reach() {
        let lan = || Some(IpAddr::from([10, 0, 0, 7]));
        let at = |listen: &str, host: &str| {
            let listen = listen.parse().expect("an address");
            let (host, hint) = reached((listen, true), host, lan);
            assert_eq!(hint.is_none(), !listen.ip().is_loopback());
            assert!(reached((listen, false), &host, lan).1.is_some());
            (host, hint)
        };
        let (host, hint) = at("127.0.0.1:4800", "localhost:4800");
        assert_eq!(host, "127.0.0.1:4800");
        assert!(hint.expect("told").contains("--tls --listen 0.0.0.0:4800"));
        for (host, expected) in [
            ("localhost:4800", "10.0.0.7:4800"),
            ("127.0.0.1:4800", "10.0.0.7:4800"),
            ("[::1]:4800", "10.0.0.7:4800"),
            ("bench.example:4800", "bench.example:4800"),
        ] {
            assert_eq!(at("0.0.0.0:4800", host).0, expected);
        }
    }
}
