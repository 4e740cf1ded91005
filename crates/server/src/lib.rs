//! The HTTP server: routes, credentials, uploads, workers, the embedded Studio. It decides nothing: a handler parses, calls a use case of
//! `engine`, converts.

mod auth;
mod clients;
mod convert;
mod convert_lifecycle;
mod convert_pareto;
mod convert_request;
mod devices;
mod error;
mod events;
mod hooks;
mod openapi;
mod pieces;
mod reach;
mod routes;
mod send;
mod state;
mod studio;
mod tls;
mod tokens;
mod unread;
mod upload;

pub use openapi::document;
pub use tls::Certificate;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    middleware,
    routing::get,
};
use edgewright_engine::{EngineError, workspace::Workspace};
use error::ApiError;
use state::App;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tls::Tls;

/// Address and port to listen on.
pub use std::net::SocketAddr as Address;

/// Where the Studio listens unless told otherwise.
pub const LISTEN: Address = Address::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4800);
/// Largest JSON body, in bytes.
pub const JSON_MAX: usize = 2 << 20;
/// Largest uploaded file, in bytes.
pub const UPLOAD_MAX: u64 = 512 << 20;
/// A worker without a job looks for one so often.
const IDLE: Duration = Duration::from_millis(200);
/// How often the system is asked for ports.
const PORT_TRIES: usize = 50;
/// Threads for use cases; each may have a project open.
const BLOCKING: usize = 32;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// A folder of projects, or one project.
    pub dir: PathBuf,
    /// Where to listen.
    pub listen: Address,
    /// With which certificate to speak TLS; `None`: without encryption.
    pub tls: Option<Certificate>,
    /// Workers inside the server; 0 leaves all jobs to `edgewright worker`.
    pub workers: usize,
    /// Threads that one job may use.
    pub jobs: usize,
    /// Folders outside the projects that a project file written over the network may name.
    pub data_roots: Vec<PathBuf>,
}

/// What to tell when the server listens.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where the Studio is.
    pub url: String,
    /// The link that signs in once, as long as the owner has no password.
    pub sign_in: Option<String>,
    /// SHA-256 of the certificate, when TLS is spoken.
    pub fingerprint: Option<String>,
    /// Why there is no Studio in this program.
    pub no_studio: Option<&'static str>,
    /// Where devices and uploaders send samples, or why they cannot.
    pub uploads: Result<String, String>,
    /// Where devices connect, or why they cannot.
    pub devices: Result<String, String>,
}

/// Why the server ended or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A use case failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}\nhint: choose another one with --listen ADDR:PORT")]
    Listen {
        /// The address.
        address: Address,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be had.
    #[error("TLS: {}: {why}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system refused something.
    #[error("the server ended: {0}")]
    System(#[from] std::io::Error),
}

/// Tells the person at the terminal what goes wrong while nobody waits for an answer.
pub type Trouble<'a> = &'a (dyn Fn(&str) + Sync);

/// Serves until it is told to end (SIGINT or SIGTERM). `ready` is called once the server listens.
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    options: &ServeOptions,
    trouble: Trouble<'_>,
    ready: impl FnOnce(&Ready),
) -> Result<(), ServeError> {
    let workspace = Arc::new(Workspace::open(&options.dir)?);
    let _lock = workspace.become_server()?;
    pieces::clean(&workspace)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING).build()?;
    let Ports { studio, ingestion, remote } = runtime.block_on(bind(options.listen))?;
    let address = studio.local_addr()?;
    let tls = match &options.tls {
        Some(choice) => Some(Tls::load(workspace.server_dir(), address.ip(), choice)?),
        None => None,
    };
    let (http, ws) = if tls.is_some() { ("https", "wss") } else { ("http", "ws") };
    let url = format!("{http}://{address}");
    workspace.set_address(&url)?;
    let sign_in = match workspace.has_password()? {
        true => None,
        false => Some(sign_in_link(&url, &workspace.sign_in_token()?)),
    };
    let devices_port = remote.as_ref().ok().and_then(|l| l.local_addr().ok()).map(|a| a.port());
    let app =
        App::new(workspace.clone(), (address, tls.is_some()), devices_port, document(), &options.data_roots);
    let told = |port: &Port, scheme: &str| match port {
        Ok(listener) => listener.local_addr().map(|a| format!("{scheme}://{a}")).map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let (uploads, devices) = (told(&ingestion, http), told(&remote, ws));
    let stop = Arc::new(AtomicBool::new(false));
    hooks::send_all(&workspace, &stop);
    std::thread::scope(|scope| {
        for _ in 0..options.workers {
            scope.spawn(|| work(&workspace, "serve", options.jobs, &stop, trouble));
        }
        let fingerprint = tls.as_ref().map(|t| t.fingerprint.clone());
        ready(&Ready { url, sign_in, fingerprint, no_studio: studio::missing(), uploads, devices });
        let ended = runtime.block_on(async {
            let beside = async |port: Port, router: Router| match port {
                Ok(listener) => on(listener, router, tls.as_ref()).await,
                Err(_) => std::future::pending().await,
            };
            tokio::select! {
                ended = on(studio, router(app.clone()), tls.as_ref()) => ended,
                ended = beside(ingestion, clients::ingestion(app.clone())) => ended,
                ended = beside(remote, clients::remote(app.clone())) => ended,
                () = told_to_end() => Ok(()),
            }
        });
        // Jobs go back into the queue where they stand.
        stop.store(true, Relaxed);
        ended
    })?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}

/// Serves on a port until that fails.
async fn on(listener: tokio::net::TcpListener, router: Router, tls: Option<&Tls>) -> std::io::Result<()> {
    let router = router.layer(middleware::from_fn(unread::close));
    match tls {
        Some(tls) => axum::serve(tls.listen(listener)?, router).await,
        None => axum::serve(listener, router).await,
    }
}

/// A port beside the Studio's, which may be taken.
type Port = std::io::Result<tokio::net::TcpListener>;

struct Ports {
    studio: tokio::net::TcpListener,
    ingestion: Port,
    remote: Port,
}

/// The ports: the Studio's, and those for uploads and devices at their distance. Where the system chooses, it chooses until all are free.
async fn bind(listen: Address) -> Result<Ports, ServeError> {
    let mut tries = 0;
    loop {
        let failed = |source| ServeError::Listen { address: listen, source };
        let studio = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
        let address = studio.local_addr()?;
        let beside = async |distance: u16| match address.port().checked_add(distance) {
            Some(port) => tokio::net::TcpListener::bind(Address::new(address.ip(), port)).await,
            None => Err(std::io::Error::other("there is no such port")),
        };
        let (ingestion, remote) = (beside(clients::INGESTION).await, beside(clients::REMOTE).await);
        tries += 1;
        if ingestion.is_ok() && remote.is_ok() || listen.port() != 0 || tries == PORT_TRIES {
            return Ok(Ports { studio, ingestion, remote });
        }
    }
}

/// The address that signs in with a token.
pub fn sign_in_link(url: &str, token: &str) -> String {
    format!("{url}/sign-in?token={token}")
}

/// Does something once the process is told to end, and ends it then. For commands that serve nothing.
pub fn when_told_to_end(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        // Without it the process is killed, as ever.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(told_to_end());
            work();
            std::process::exit(130);
        }
    });
}

async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a handler nothing tells us; the process is then killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Takes jobs of a workspace until `stop` is set. Errors of the ledger (a full disk) are told, each once, and waited out.
fn work(workspace: &Workspace, kind: &str, jobs: usize, stop: &AtomicBool, trouble: Trouble<'_>) {
    let name = match workspace.worker_name(kind) {
        Ok(name) => name,
        Err(e) => return trouble(&format!("no jobs are taken: {e}")),
    };
    let mut told = String::new();
    while !stop.load(Relaxed) {
        match workspace.work_once(&name, jobs, stop) {
            Ok(true) => told.clear(),
            Ok(false) => {
                told.clear();
                std::thread::sleep(IDLE);
            }
            Err(e) => {
                let words = e.to_string();
                if words != told {
                    trouble(&format!("jobs wait, the queue cannot be written: {words}; trying again"));
                    told = words;
                }
                std::thread::sleep(IDLE);
            }
        }
    }
}

/// A worker in a process of its own: takes jobs until it is told to end.
///
/// # Errors
/// [`ServeError`].
pub fn worker(dir: &std::path::Path, jobs: usize, trouble: Trouble<'_>) -> Result<(), ServeError> {
    let workspace = Workspace::open(dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| work(&workspace, "worker", jobs, &stop, trouble));
        runtime.block_on(told_to_end());
        stop.store(true, Relaxed);
    });
    Ok(())
}

fn router(app: App) -> Router {
    let (api, _) = routes::all().split_for_parts();
    api.route("/api/openapi.json", get(openapi_json))
        .route("/sign-in", get(studio::sign_in))
        .merge(clients::rest())
        .fallback(fallback)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(JSON_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), auth::guard))
        .layer(middleware::from_fn(clients::callers))
        .layer(middleware::from_fn(studio::protect))
        .with_state(app)
}

async fn openapi_json(State(app): State<App>) -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], app.openapi.to_string())
}

async fn fallback(request: axum::extract::Request) -> axum::response::Response {
    let uri = request.uri().clone();
    if uri.path() == "/api" || uri.path().starts_with("/api/") {
        let error = ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is no such operation");
        return axum::response::IntoResponse::into_response(error);
    }
    studio::serve(uri).await
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path has no such operation")
}
