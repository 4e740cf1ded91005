//! What each command does: parse, call the engine, print.

use crate::{
    args::{
        Arithmetic, BuildArgs, ClassifyArgs, Command, CutArgs, DataCommand, DataProject, DataSample,
        DspCommand, DspRunArgs, EstimateArgs, ExportArgs, ImportArgs, NewArgs, ProjectJson, ReportArgs,
        RunArgs, SeedArg, TargetsArgs, TestArgs, TuneArgs, VerifyArgs,
    },
    output::Printer,
};
use anyhow::{Context, Result};
use clap::CommandFactory;
use edgewright_engine::{
    EngineError,
    dataset::{self, GroupRule, ImportRequest, LabelRule, Part},
    doctor, documents, dsp_tool, estimate as estimating, importance, lifecycle,
    run::{self, RunOptions},
    session::Session,
    template, tune,
};
use std::path::Path;

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Done,
    /// A check failed or a gate was missed; it has been said.
    Missed,
}

/// Runs a command.
pub fn run(command: Command, printer: &Printer) -> Result<Verdict> {
    match command {
        Command::New(args) => new(&args, printer),
        Command::Data(DataCommand::Import(args)) => import(&args, printer),
        Command::Data(DataCommand::List(args)) => list(&args, printer),
        Command::Data(DataCommand::Show(args)) => show(&args, printer),
        Command::Data(DataCommand::Scan(args)) => scan(&args, printer),
        Command::Data(DataCommand::Agreement(args)) => agreement(&args, printer),
        Command::Data(DataCommand::Trace(args)) => trace(&args, printer),
        Command::Data(DataCommand::Cut(args)) => cut(&args, printer),
        Command::Data(DataCommand::Export(args)) => export(&args, printer),
        Command::Data(DataCommand::Analyse(args)) => crate::analyse::analyse(&args, printer),
        Command::Data(DataCommand::Advise(args)) => crate::advise::advise(&args, printer),
        Command::Run(args) => run_stages(&args, printer),
        Command::Test(args) => test(&args, printer),
        Command::Classify(args) => classify(&args, printer),
        Command::Explain(args) => crate::training::explain(&args, printer),
        Command::Report(args) => report(&args, printer),
        Command::Build(args) => build(&args, printer),
        Command::Verify(args) => verify(&args, printer),
        Command::Dsp(DspCommand::List(args)) => dsp_list(args.json, printer),
        Command::Dsp(DspCommand::Run(args)) => dsp_run(&args, printer),
        Command::Dsp(DspCommand::Importance(args)) => dsp_importance(&args, printer),
        Command::Dsp(DspCommand::Tune(args)) => dsp_tune(&args, printer),
        Command::Train(command) => crate::training::train(&command, printer),
        Command::Model(args) => crate::model::run(&args, printer),
        Command::Estimate(args) => estimate(&args, printer),
        Command::Status(args) => status(&args, printer),
        Command::Targets(args) => targets(&args, printer),
        Command::Doctor(args) => doctor_report(args.json, printer),
        Command::Serve(args) => crate::server::serve(&args, printer),
        Command::Worker(args) => crate::server::worker(&args, printer),
        Command::Login(args) => crate::server::login(&args, printer),
        Command::Account(command) => crate::account::account(&command, printer),
        Command::Impulse(command) => crate::impulse::impulse(&command, printer),
        Command::Version(command) => crate::version::version(&command, printer),
        Command::Hook(command) => crate::hook::hook(&command, printer),
        Command::Key(command) => crate::server::key(&command, printer),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut crate::args::Cli::command(), "edgewright", &mut out);
            printer.data(&String::from_utf8_lossy(&out))?;
            Ok(Verdict::Done)
        }
        Command::GenerateDocs { out } => {
            let cli = markdown_help();
            documents::write(&out, &cli)?;
            let openapi = out.join("openapi.json");
            std::fs::write(&openapi, edgewright_server::document())
                .with_context(|| format!("cannot write {}", openapi.display()))?;
            printer.note(&format!("wrote {}", out.display()));
            Ok(Verdict::Done)
        }
    }
}

fn status(args: &ProjectJson, printer: &Printer) -> Result<Verdict> {
    let found = lifecycle::lifecycle(&shared(&args.project, printer)?, None)?;
    if args.json.json {
        printer.json(&found)?;
    } else {
        printer.data(&found.to_text())?;
    }
    Ok(Verdict::Done)
}

/// Threads to use: as many as asked for, else as many as the machine has cores.
pub fn threads(jobs: Option<usize>) -> usize {
    jobs.filter(|&n| n > 0).or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1)
}

/// Opens a project for the run of a seed.
fn of_seed<'a>(project: &Path, of: &SeedArg, printer: &'a Printer) -> Result<Session<'a>> {
    Ok(Session::open(project, printer, threads(None), of.seed)?)
}

fn open<'a>(project: &Path, printer: &'a Printer) -> Result<Session<'a>> {
    Ok(Session::open(project, printer, threads(None), None)?)
}

/// Opens a project beside whoever works in it.
pub fn shared<'a>(project: &Path, printer: &'a Printer) -> Result<Session<'a>> {
    Ok(Session::shared(project, printer)?)
}

fn new(args: &NewArgs, printer: &Printer) -> Result<Verdict> {
    template::create(&args.dir, &args.template)?;
    let dir = args.dir.display();
    if args.json.json {
        printer.json(&serde_json::json!({"project": args.dir, "template": args.template}))?;
    } else {
        printer.note(&format!(
            "made {dir}\nnext: edgewright data import PATH --project {dir}\n      edgewright run {dir}"
        ));
    }
    Ok(Verdict::Done)
}

/// Labels that the text of an import lists.
const LABELS_SHOWN: usize = 40;

fn import(args: &ImportArgs, printer: &Printer) -> Result<Verdict> {
    let session = shared(&args.project, printer)?;
    let label = match (&args.label, &args.label_from) {
        (Some(label), _) => LabelRule::Fixed(label.clone()),
        (None, Some(rule)) => LabelRule::parse(rule)?,
        (None, None) => LabelRule::Auto,
    };
    let group = args.group_from.as_deref().map_or(Ok(GroupRule::None), GroupRule::parse)?;
    let report = dataset::import(
        &session,
        &ImportRequest {
            paths: args.paths.clone(),
            label,
            group,
            category: args.category.map(|c| c.word().to_owned()),
            format: (args.format != "auto").then(|| args.format.clone()),
            rate_hz: args.rate,
            hmac_key: args.hmac_key.clone(),
            ranges: std::collections::BTreeMap::new(),
            boxes: std::collections::BTreeMap::new(),
            table: dataset::TableChoices::default(),
            metadata: std::collections::BTreeMap::new(),
            refuse_known: false,
            keep_label: false,
            keep_category: false,
            source: "import".into(),
            dry_run: args.dry_run,
        },
    )?;
    if args.json.json {
        printer.json(&report)?;
    } else {
        let verb = if args.dry_run { "would import" } else { "imported" };
        printer.data(&format!(
            "{verb} {} samples, {} quarantined",
            report.imported,
            report.quarantined.len()
        ))?;
        // Numbers to estimate are hundreds of labels.
        for (label, n) in report.labels.iter().take(LABELS_SHOWN) {
            let label = if label.is_empty() { "(no label)" } else { label };
            printer.data(&format!("  {label:<24} {n}"))?;
        }
        if let Some(more) = report.labels.len().checked_sub(LABELS_SHOWN).filter(|n| *n > 0) {
            printer.data(&format!("  ... and {more} more labels"))?;
        }
        for (category, n) in &report.categories {
            printer.data(&format!("  {category:<24} {n}"))?;
        }
        for r in &report.remarks {
            let more = if r.files > 1 { format!(" (and {} more files)", r.files - 1) } else { String::new() };
            printer.note(&format!("note: {}: {}{more}", r.file, r.message));
        }
        for q in &report.quarantined {
            printer.data(&format!("{}: {}", q.file, q.reason))?;
        }
    }
    if report.imported == 0 {
        printer.problem("no file was kept");
        return Ok(Verdict::Missed);
    }
    Ok(Verdict::Done)
}

fn list(args: &DataProject, printer: &Printer) -> Result<Verdict> {
    let session = shared(&args.project, printer)?;
    let samples = dataset::list(&session)?;
    if args.json.json {
        printer.json(&serde_json::json!({ "samples": samples }))?;
    } else {
        for s in samples {
            printer.data(&format!(
                "{}  {:<9} {:<16} {:>8.0} ms  {}",
                &s.id[..12.min(s.id.len())],
                s.category,
                s.label_text(),
                s.duration_ms,
                s.file
            ))?;
        }
    }
    Ok(Verdict::Done)
}

fn show(args: &DataSample, printer: &Printer) -> Result<Verdict> {
    let session = shared(&args.at.project, printer)?;
    let shown = dataset::show(&session, &args.id)?;
    if args.at.json.json {
        printer.json(&shown)?
    } else {
        printer.data(&shown.to_text())?
    }
    Ok(Verdict::Done)
}

fn cut(args: &CutArgs, printer: &Printer) -> Result<Verdict> {
    let session = shared(&args.at.project, printer)?;
    let whole = dataset::show(&session, &args.id)?;
    let rate = whole.listed.rate_hz;
    let parts = match (args.events, args.from, args.to) {
        (Some(length_ms), ..) => dataset::proposals(&session, &args.id, length_ms)?,
        (None, Some(from), Some(to)) => {
            if rate <= 0.0 || !(0.0..1e12).contains(&from) || !(from < to && to < 1e12) {
                let reason = "`--from` and `--to` are times in ms, the first before the second, of a recording with a rate";
                return Err(EngineError::Usage(reason.into()).into());
            }
            let frame = |ms: f64| (ms * rate / 1000.0).round() as usize;
            vec![Part { start: frame(from), end: frame(to).max(1) - 1 }]
        }
        _ => Vec::new(),
    };
    if parts.is_empty() {
        return Err(EngineError::Data(format!("nothing stands out in `{}`", whole.listed.name)).into());
    }
    let ids = if args.dry_run {
        Vec::new()
    } else {
        dataset::cut(&session, &args.id, &parts, args.keep, "command line")?
    };
    if args.at.json.json {
        printer.json(&serde_json::json!({ "parts": parts, "ids": ids }))?;
    } else {
        for p in &parts {
            let ms = |frame: usize| frame as f64 * 1000.0 / rate.max(1e-9);
            printer.data(&format!("{:>9.1} to {:>9.1} ms", ms(p.start), ms(p.end + 1)))?;
        }
        printer.note(&format!(
            "{} samples made{}",
            ids.len(),
            if args.keep || args.dry_run { "" } else { "; the whole is disabled" }
        ));
    }
    Ok(Verdict::Done)
}

fn scan(args: &DataProject, printer: &Printer) -> Result<Verdict> {
    let session = open(&args.project, printer)?;
    let findings = dataset::scan(&session)?;
    if args.json.json {
        printer.json(&serde_json::json!({ "findings": findings }))?;
    } else if findings.is_empty() {
        printer.data("no findings")?;
    } else {
        for f in findings {
            printer.data(&format!("{:<18} {:<32} {}", f.kind, f.sample, f.message))?;
        }
    }
    Ok(Verdict::Done)
}

fn agreement(args: &DataProject, printer: &Printer) -> Result<Verdict> {
    let session = shared(&args.project, printer)?;
    let agreement = dataset::agreement(&session)?;
    if args.json.json {
        printer.json(&agreement)?
    } else {
        printer.data(agreement.to_text().trim_end())?
    }
    Ok(Verdict::Done)
}

fn trace(args: &DataSample, printer: &Printer) -> Result<Verdict> {
    let session = open(&args.at.project, printer)?;
    let traced = dataset::trace(&session, &args.id)?;
    if args.at.json.json {
        printer.json(&traced)?
    } else {
        printer.data(&traced.to_text())?
    }
    Ok(Verdict::Done)
}

fn export(args: &ExportArgs, printer: &Printer) -> Result<Verdict> {
    let session = shared(&args.at.project, printer)?;
    let files = dataset::export(&session, &args.out)?;
    if args.at.json.json {
        printer.json(&serde_json::json!({ "files": files, "out": args.out }))?;
    } else {
        printer.data(&format!("{files} files and info.labels in {}", args.out.display()))?;
    }
    Ok(Verdict::Done)
}

fn run_stages(args: &RunArgs, printer: &Printer) -> Result<Verdict> {
    let session = Session::open(&args.project, printer, threads(args.jobs), args.seed)?;
    let options = RunOptions { until: args.until.clone() };
    let (outcome, failed) = run::attempt(&session, &options)?;
    if args.json.json {
        printer.json(&outcome)?;
    } else if failed.is_none() {
        printer.data(&outcome.to_text())?;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    let own = session.project.file.project.seed;
    if session.seed != own {
        printer.note(&format!(
            "seed {} is not the project's ({own}): give `--seed {0}` to test, classify, build, verify and report as well, or write `seed = {0}` under [project]",
            session.seed
        ));
    }
    finish(&outcome.missed, printer)
}

/// Says which gates were missed.
fn finish(missed: &[String], printer: &Printer) -> Result<Verdict> {
    for gate in missed {
        printer.problem(gate);
    }
    Ok(if missed.is_empty() { Verdict::Done } else { Verdict::Missed })
}

fn test(args: &TestArgs, printer: &Printer) -> Result<Verdict> {
    let session = of_seed(&args.at.project, &args.of, printer)?;
    let outcome = run::run(&session, &RunOptions { until: Some("test".into()) })?;
    if args.at.json.json {
        printer.json(&serde_json::json!({"project": outcome.project, "test": outcome.test}))?;
    } else {
        printer.data(&outcome.test_text())?;
    }
    finish(&outcome.missed, printer)
}

fn classify(args: &ClassifyArgs, printer: &Printer) -> Result<Verdict> {
    let is_project = |p: &Path| p.join(edgewright_engine::project::FILE_NAME).is_file();
    let (project, files) = match args.paths.split_first() {
        Some((first, rest)) if is_project(first) => (first.as_path(), rest),
        _ => (Path::new("."), args.paths.as_slice()),
    };
    if files.is_empty() {
        return Err(EngineError::Usage("name at least one file to classify".into()).into());
    }
    dataset::check_rate(args.rate)?;
    let session = of_seed(project, &args.of, printer)?;
    let mut failed = false;
    let mut below = Vec::new();
    for path in files {
        match edgewright_engine::dataset::files_below(path) {
            Ok(files) if files.is_empty() => {
                failed = true;
                printer.problem(&format!("{}: there is no file to classify in it", path.display()));
            }
            Ok(files) => below.extend(files),
            Err(e) => {
                failed = true;
                printer.problem(&e.to_string());
            }
        }
    }
    if below.is_empty() {
        return Ok(Verdict::Missed);
    }
    let classifier = edgewright_engine::classify::Classifier::load(&session)?;
    for file in &below {
        match classifier.file(file, args.rate) {
            Ok(answers) => {
                for w in answers.windows {
                    if args.json { printer.json(&w)? } else { printer.data(&w.to_text())? }
                }
                failed |= !answers.left_out.is_empty();
                for reason in answers.left_out {
                    printer.problem(&format!("{}: {reason}", file.display()));
                }
            }
            Err(e) => {
                failed = true;
                let (file, reason) = (file.display().to_string(), e.to_string());
                // What the system says of a file names it already.
                printer.problem(&if reason.starts_with(&file) {
                    reason
                } else {
                    format!("{file}: {reason}")
                });
            }
        }
    }
    Ok(if failed { Verdict::Missed } else { Verdict::Done })
}

fn report(args: &ReportArgs, printer: &Printer) -> Result<Verdict> {
    let session = of_seed(&args.project, &args.of, printer)?;
    let outcome = run::run(&session, &RunOptions::default())?;
    let path = session.project.report_dir().join("report.html");
    if args.json.json {
        printer.json(&serde_json::json!({ "report": path }))?;
    } else {
        printer.data(&path.display().to_string())?;
    }
    if args.open {
        doctor::open_in_browser(&path).context("the report was written but could not be opened")?;
    }
    finish(&outcome.missed, printer)
}

fn build(args: &BuildArgs, printer: &Printer) -> Result<Verdict> {
    let session = of_seed(&args.project, &args.of, printer)?;
    let usual = match args.package.as_str() {
        "eim" | "server" | "oci" => "host",
        "wasm" => "wasm32",
        _ => "cortex-m4f",
    };
    let target = args.target.as_deref().unwrap_or(usual);
    let artifact = run::build_one(&session, target, &args.package, args.float, args.verify, &args.out)?;
    if args.json.json {
        printer.json(&artifact)?;
    } else {
        printer.data(&format!("{}  sha256 {}", artifact.path, artifact.sha256))?;
    }
    Ok(Verdict::Done)
}

fn verify(args: &VerifyArgs, printer: &Printer) -> Result<Verdict> {
    let session = of_seed(&args.project, &args.of, printer)?;
    let targets = (!args.target.is_empty()).then(|| args.target.clone());
    let (records, missed) = run::verify(&session, targets, args.cases)?;
    if args.json.json {
        printer.json(&records)?;
    } else {
        for record in &records {
            printer.data(&record.to_text())?;
        }
    }
    finish(&missed, printer)
}

fn dsp_list(json: bool, printer: &Printer) -> Result<Verdict> {
    if json {
        printer.json(&dsp_tool::list_json())?;
    } else {
        printer.data(&dsp_tool::list_text())?;
    }
    Ok(Verdict::Done)
}

fn dsp_run(args: &DspRunArgs, printer: &Printer) -> Result<Verdict> {
    let outcome = dsp_tool::run(&dsp_tool::Request {
        block: &args.block,
        version: args.implementation,
        params: &args.params,
        rate_hz: args.rate,
        axes: args.axes,
        input: &args.input,
        output: &args.out,
        repeat: args.repeat,
        stream: args.stream,
        fixed: args.arith == Arithmetic::Fixed,
        stateful: args.stateful,
    })?;
    if args.json.json {
        printer.json(&outcome)?;
    } else {
        printer.note(&format!(
            "{} features{}",
            outcome.features,
            match outcome.seconds {
                Some(s) => format!(", {:.1} us a window", s * 1e6),
                None => String::new(),
            }
        ));
    }
    Ok(Verdict::Done)
}

fn dsp_importance(args: &ProjectJson, printer: &Printer) -> Result<Verdict> {
    let told = importance::importance(&open(&args.project, printer)?)?;
    if args.json.json {
        printer.json(&told)?;
    } else {
        printer.data(told.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}

fn dsp_tune(args: &TuneArgs, printer: &Printer) -> Result<Verdict> {
    let session = open(&args.project, printer)?;
    let options = tune::Options {
        block: args.block.clone(),
        trials: args.trials as usize,
        seed: args.seed,
        finalists: args.finalists as usize,
    };
    let tuned = tune::tune(&session, &options)?;
    if args.json.json {
        printer.json(&tuned)?;
    } else {
        printer.data(tuned.to_text().trim_end())?;
    }
    if args.apply {
        let changed = tune::apply(&session, &tuned)?;
        printer.note(if changed {
            "wrote the best settings into edgewright.toml"
        } else {
            "nothing is better than the project file; it stays as it is"
        });
    }
    Ok(Verdict::Done)
}

fn targets(args: &TargetsArgs, printer: &Printer) -> Result<Verdict> {
    let id = args.id.as_deref();
    let targets = match &args.fit {
        Some(project) => documents::fits(&open(project, printer)?, id)?,
        None => documents::targets(id)?,
    };
    if args.json.json {
        printer.json(&serde_json::json!({ "targets": targets }))?;
    } else {
        for t in targets {
            printer.data(&t.to_text())?;
        }
    }
    Ok(Verdict::Done)
}

fn estimate(args: &EstimateArgs, printer: &Printer) -> Result<Verdict> {
    let told = estimating::estimate(&open(&args.dir, printer)?, None, &args.targets)?;
    if args.json.json {
        printer.json(&told)?;
    } else {
        printer.data(told.to_text().trim_end())?;
    }
    let wrong = told.learn.iter().any(|l| l.problem.is_some());
    Ok(if wrong { Verdict::Missed } else { Verdict::Done })
}

fn doctor_report(json: bool, printer: &Printer) -> Result<Verdict> {
    let checks = doctor::check();
    if json {
        printer.json(&serde_json::json!({ "tools": checks }))?;
    } else {
        for c in checks {
            printer.data(&c.to_text())?;
        }
    }
    Ok(Verdict::Done)
}

/// The command-line reference, from the definitions of the commands.
fn markdown_help() -> String {
    fn page(command: &mut clap::Command, path: &str, out: &mut String) {
        if !path.is_empty() {
            out.push_str(&format!("\n## `{path}`\n\n"));
        }
        let help = command.render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        out.push_str(&format!("```text\n{}\n```\n", help.join("\n").trim()));
        let names: Vec<String> = command
            .get_subcommands()
            .filter(|c| !c.is_hide_set() && c.get_name() != "help")
            .map(|c| c.get_name().to_owned())
            .collect();
        for name in names {
            if let Some(sub) = command.find_subcommand_mut(&name) {
                page(sub, &format!("{path} {name}").replace("  ", " "), out);
            }
        }
    }
    let mut out = String::from("# Commands\n");
    let mut command = crate::args::Cli::command().term_width(100);
    command.build();
    page(&mut command, "edgewright", &mut out);
    out
}
