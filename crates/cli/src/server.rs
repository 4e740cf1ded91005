//! `serve`, `worker`, `login`, `key ...`.

use crate::{
    args::JsonArg,
    commands::{Verdict, threads},
    output::Printer,
};
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use edgewright_engine::{EngineError, access, doctor, workspace::Workspace};
use edgewright_server::{Address, Certificate, LISTEN, ServeOptions, sign_in_link};
use std::path::{Path, PathBuf};

/// `serve`
/// Reads an address with its port; `localhost` is this machine, as everywhere.
fn listen_address(text: &str) -> Result<Address, String> {
    match text.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .map(|port| Address::new(LISTEN.ip(), port))
            .map_err(|e| format!("`{port}` is no port: {e}")),
        None => text.parse().map_err(|e| {
            format!("{e}; write an IP address and a port, such as 127.0.0.1:4800 or [::1]:4800")
        }),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  edgewright serve ~/projects --no-open
  edgewright serve ~/projects --tls --listen 0.0.0.0:4800

The second lets phones and others of the network in, over TLS: phones give a page their sensors, camera and microphone only then. Browsers
warn of the certificate once, as nobody but the server vouches for it; compare the fingerprint that is printed.

On the first start, and as long as the owner has no password, it prints a link that signs in once.")]
pub struct ServeArgs {
    /// A folder of projects, or one project.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to listen. Anything but a loopback address can be reached from the network; without `--tls` nothing is encrypted then.
    #[arg(long, value_name = "ADDR:PORT", default_value_t = LISTEN, value_parser = listen_address)]
    listen: Address,
    /// Speak TLS, on the ports for devices too, with a certificate that is made once and kept in the folder.
    #[arg(long)]
    tls: bool,
    /// Speak TLS with this certificate (PEM, followed by those that vouch for it).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Do not open the browser.
    #[arg(long)]
    no_open: bool,
    /// Jobs worked on at once inside the server; 0 leaves them to `edgewright worker`.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Threads of each job; results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
    /// A folder outside the projects that a project file written over the network may name; may be repeated.
    #[arg(long, value_name = "FOLDER")]
    data_root: Vec<PathBuf>,
}

/// `worker`
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Threads of each job; results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
}

/// `login`
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `key ...`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make an API key and print it, this once.
    Create(KeyCreateArgs),
    /// List the keys, without their secrets.
    List(LoginArgs),
    /// Remove a key.
    Delete {
        /// Id of the key.
        id: String,
        /// A workspace or a project.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}

/// `--scope`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyScope {
    /// Look at everything, change nothing.
    Read,
    /// Add samples, nothing else.
    Ingest,
    /// Everything.
    Full,
}

/// `key create`
#[derive(Debug, Args)]
pub struct KeyCreateArgs {
    /// A workspace, or a project: then the key holds for that project alone.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// What the key may do.
    #[arg(long, value_enum, default_value = "full")]
    scope: KeyScope,
    /// For people.
    #[arg(long, default_value = "key")]
    name: String,
    /// Days until it ends; never when left out.
    #[arg(long)]
    days: Option<u32>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// Serves until it is told to end.
pub fn serve(args: &ServeArgs, printer: &Printer) -> Result<Verdict> {
    let options = ServeOptions {
        dir: args.dir.clone(),
        listen: args.listen,
        tls: certificate(args),
        workers: args.workers,
        jobs: threads(args.jobs),
        data_roots: args.data_root.clone(),
    };
    let trouble = |what: &str| printer.note(&format!("warning: {what}"));
    edgewright_server::serve(&options, &trouble, |ready| {
        // A closed pipe is no reason not to serve.
        let _ = printer.data(&format!("Studio: {}", ready.url));
        if let Some(fingerprint) = &ready.fingerprint {
            let _ = printer.data(&format!("Certificate: SHA-256 {fingerprint}"));
        }
        if let Some(link) = &ready.sign_in {
            let _ = printer.data(&format!("Sign in: {link}"));
        }
        match &ready.uploads {
            Ok(url) => printer.note(&format!("uploads from devices: {url}")),
            Err(why) => printer
                .note(&format!("warning: no uploads from devices, the port for them cannot be had: {why}")),
        }
        match &ready.devices {
            Ok(url) => printer.note(&format!("devices connect to: {url}")),
            Err(why) => printer.note(&format!("warning: no devices, the port for them cannot be had: {why}")),
        }
        if let Some(why) = ready.no_studio {
            printer.note(&format!("this program was built without the Studio: {why}"));
        }
        if !args.listen.ip().is_loopback() && ready.fingerprint.is_none() {
            printer.note("warning: this address can be reached from the network, and nothing is encrypted");
        }
        if !args.no_open && ready.no_studio.is_none() {
            let url = ready.sign_in.as_ref().unwrap_or(&ready.url);
            if doctor::open_in_browser(Path::new(url)).is_err() {
                printer.note("the browser could not be opened; open the address above");
            }
        }
    })?;
    Ok(Verdict::Done)
}

/// With which certificate to speak TLS.
fn certificate(args: &ServeArgs) -> Option<Certificate> {
    match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(Certificate::Given { certificate: certificate.clone(), key: key.clone() })
        }
        _ => args.tls.then_some(Certificate::Own),
    }
}

/// Takes jobs until it is told to end.
pub fn worker(args: &WorkerArgs, printer: &Printer) -> Result<Verdict> {
    printer.note(&format!("taking jobs of {}", args.dir.display()));
    let trouble = |what: &str| printer.note(&format!("warning: {what}"));
    edgewright_server::worker(&args.dir, threads(args.jobs), &trouble)?;
    Ok(Verdict::Done)
}

/// Under which address a server was last reached.
pub fn address(workspace: &Workspace, dir: &Path) -> Result<String> {
    let never = || {
        let dir = dir.display();
        EngineError::Usage(format!("no server was ever started on {dir}\nhint: edgewright serve {dir}"))
    };
    Ok(workspace.address()?.ok_or_else(never)?)
}

/// Prints a new link that signs in once.
pub fn login(args: &LoginArgs, printer: &Printer) -> Result<Verdict> {
    let workspace = Workspace::open(&args.dir)?;
    let link = sign_in_link(&address(&workspace, &args.dir)?, &workspace.sign_in_token()?);
    if args.json.json {
        printer.json(&serde_json::json!({ "url": link }))?;
    } else {
        printer.data(&format!("Sign in: {link}"))?;
    }
    Ok(Verdict::Done)
}

/// Makes, lists and removes keys.
pub fn key(command: &KeyCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        KeyCommand::Create(args) => {
            let scope = match args.scope {
                KeyScope::Read => access::Scope::Read,
                KeyScope::Ingest => access::Scope::Ingest,
                KeyScope::Full => access::Scope::Full,
            };
            let (key, entry) = Workspace::open(&args.dir)?.create_key(&args.name, scope, args.days)?;
            if args.json.json {
                printer.json(&serde_json::json!({"key": key, "id": entry.id, "scope": entry.scope, "expires": entry.expires}))?;
            } else {
                printer.data(&key)?;
                printer.note("it is shown this once; send it as `x-api-key` or `Authorization: Bearer`");
            }
        }
        KeyCommand::List(args) => {
            let keys = Workspace::open(&args.dir)?.list_keys()?;
            if args.json.json {
                let list: Vec<_> = keys
                    .iter()
                    .map(|k| serde_json::json!({"id": k.id, "name": k.name, "scope": k.scope, "expires": k.expires}))
                    .collect();
                printer.json(&serde_json::json!({ "keys": list }))?;
            } else {
                for k in keys {
                    printer.data(&format!("{}  {:<7} {}", k.id, k.scope, k.name))?;
                }
            }
        }
        KeyCommand::Delete { id, dir } => Workspace::open(dir)?.delete_key(id)?,
    }
    Ok(Verdict::Done)
}
