//! Group `server`: a project with 100,000 samples over HTTP, and small uploads that are on disk when they are acknowledged.

use super::{Claim, Figure, data::wav, process::high_water};
use crate::{
    process::{captured, command},
    workspace::{Workspace, write},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    time::Instant,
};

/// Files of so many rows each.
const FILES: usize = 200;
const ROWS: usize = 500;
/// Requests of each kind; the median counts.
const ASKED: usize = 11;
/// Small uploads, by so many clients at once.
const UPLOADS: usize = 2000;
const CLIENTS: usize = 4;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    key: String,
}

impl Server {
    pub(crate) fn start(binary: &Path, dir: &Path, key: &str) -> Result<Self> {
        let mut serve =
            command(dir, binary, ["serve", ".", "--no-open", "--listen", "127.0.0.1:0", "--workers", "0"]);
        let mut child = serve
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the server does not start")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("Studio: http://").context("no address")?.to_owned();
        Ok(Self { child, address, key: key.into() })
    }

    /// `kill -9`, so that nothing is written in parting.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(crate) fn peak_bytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(high_water(&status).context("no high-water mark")? * 1024.0)
    }

    fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// One request on a connection that stays open.
    fn ask(&self, stream: &mut TcpStream, method: &str, path: &str, body: &[u8]) -> Result<Value> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut reader = BufReader::new(stream);
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes)?;
        if !first.contains(" 200 ") {
            bail!("{method} {path}: {first}{}", String::from_utf8_lossy(&bytes));
        }
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn total(&self, query: &str) -> Result<(f64, u64)> {
        let mut stream = self.connect()?;
        let started = Instant::now();
        let page =
            self.ask(&mut stream, "GET", &format!("/api/v1/projects/large/samples?limit=50{query}"), b"")?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok((ms, page["total"].as_u64().context("no total")?))
    }
}

/// Rows of four numbers and a label, other ones in every file.
pub(crate) fn table(n: usize) -> String {
    let mut out = String::from("a,b,c,d,label\n");
    for row in 0..ROWS {
        let i = n * ROWS + row;
        out.push_str(&format!("{i},{},{},{},kind{}\n", i * 7 % 1013, i * 13 % 997, i % 31, i % 10));
    }
    out
}

/// 50 ms of a ramp, another one each time.
fn ramp(n: usize) -> Vec<u8> {
    wav(8000, (0..400u32).map(|i| (i.wrapping_mul(n as u32 + 3) % 8000) as i16))
}

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, _pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let binary = workspace.release_binary()?;
    let dir = workspace.scratch("bench-server")?;
    let projects = dir.join("projects");
    for n in 0..FILES {
        write(&dir.join(format!("tables/part{n:03}.csv")), table(n).as_bytes())?;
    }
    let run = |args: &[&str]| captured(&mut command(&dir, &binary, args.iter().copied()));
    run(&["new", "projects/large", "--template", "tabular"])?;
    run(&["new", "projects/small", "--template", "keywords"])?;
    let started = Instant::now();
    run(&["data", "import", "tables", "--project", "projects/large", "--label-from", "column:label"])?;
    let import_seconds = started.elapsed().as_secs_f64();
    let key: Value = serde_json::from_str(&run(&["key", "create", "projects", "--json"])?)?;
    let key = key["key"].as_str().context("no key")?;

    let server = Server::start(&binary, &projects, key)?;
    let samples = (FILES * ROWS) as u64;
    for (name, query, expected, most) in [
        ("first_page_time", "", samples, 200.0),
        ("filter_by_label_time", "&label=kind3", samples / 10, 500.0),
        ("filter_by_name_time", "&name=RT007", ROWS as u64, 500.0),
        ("last_page_time", "&offset=99950", samples, 500.0),
    ] {
        let mut runs = Vec::new();
        for _ in 0..ASKED {
            let (ms, total) = server.total(query)?;
            if total != expected {
                bail!("{name}: {total} samples, not {expected}");
            }
            runs.push((ms, None));
        }
        let notes = json!({"samples": samples, "query": query, "import_seconds": import_seconds});
        tell(figure(name, "ms", runs, Claim::Best(most), notes));
    }
    let sent = uploads(&binary, &projects, key, server, tell)?;
    tell(sent);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Small files from several clients; then `kill -9`, and every one that was acknowledged must be there.
fn uploads(
    binary: &Path,
    projects: &Path,
    key: &str,
    server: Server,
    tell: &mut dyn FnMut(Figure),
) -> Result<Figure> {
    let started = Instant::now();
    let acknowledged = std::thread::scope(|scope| -> Result<Vec<String>> {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let server = &server;
                scope.spawn(move || -> Result<Vec<String>> {
                    let mut stream = server.connect()?;
                    let mut ids = Vec::new();
                    for n in (client..UPLOADS).step_by(CLIENTS) {
                        let path = format!("/api/v1/projects/small/samples?name=tone.{n}.wav");
                        let told = server.ask(&mut stream, "POST", &path, &ramp(n))?;
                        ids.push(told["ids"][0].as_str().context("no id")?.to_owned());
                    }
                    Ok(ids)
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| anyhow::anyhow!("a client panicked"))??);
        }
        Ok(all)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    tell(figure(
        "server_peak_bytes",
        "bytes",
        vec![(server.peak_bytes()?, None)],
        Claim::Best(500e6),
        json!({"after": "the lists and uploads of this group"}),
    ));
    server.kill()?;
    let server = Server::start(binary, projects, key)?;
    let mut stream = server.connect()?;
    for id in &acknowledged {
        // The hash of its bytes is checked when they are read.
        server
            .ask(&mut stream, "GET", &format!("/api/v1/projects/small/samples/{id}/waveform?columns=4"), b"")
            .context("an acknowledged upload is gone after kill -9")?;
    }
    server.kill()?;
    Ok(figure(
        "small_upload_time",
        "ms",
        vec![(seconds * 1000.0 / UPLOADS as f64, None)],
        // 200 a second.
        Claim::Best(5.0),
        json!({"uploads": UPLOADS, "clients": CLIENTS, "after_kill_9": format!("all {} there", acknowledged.len())}),
    ))
}

fn figure(
    name: &str,
    unit: &'static str,
    runs: Vec<(f64, Option<f64>)>,
    claim: Claim,
    notes: Value,
) -> Figure {
    Figure { name: name.into(), unit, peer_name: None, runs, claim: Some(claim), notes }
}
