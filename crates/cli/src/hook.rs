//! `hook ...`: who is told when a job of a server ends.

use crate::{args::JsonArg, commands::Verdict, output::Printer};
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use edgewright_engine::{hooks::DeliveryState, jobs::JobState, workspace::Workspace};
use std::path::PathBuf;

/// `hook ...`
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:
  edgewright hook create kws https://example.org/jobs ~/projects --event failed")]
pub enum HookCommand {
    /// Have a URL told when a job of a project ends, and print the secret of the signatures, this once.
    Create(HookCreateArgs),
    /// List the hooks of a project, with what was sent to them.
    List(HookListArgs),
    /// Remove a hook, with what was to be sent to it.
    Delete(HookDeleteArgs),
}

/// How a job ended.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum HookEvent {
    /// It ended well.
    Done,
    /// It ended with an error.
    Failed,
    /// Somebody wanted it to end.
    Cancelled,
}

/// `hook create`
#[derive(Debug, Args)]
#[command(
    after_help = "A running server sends a POST of JSON with x-edgewright-event, -delivery, -timestamp and -signature: sha256= and the HMAC-SHA256, in\nhexadecimal, of timestamp, a point and the body. It is written down when the job ends and sent again, up to eight times over eight hours,\nuntil it is answered with 200 to 299. Nothing is sent anywhere unless a hook was made."
)]
pub struct HookCreateArgs {
    /// Id of the project: name of its folder.
    project: String,
    /// http:// or https://.
    url: String,
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// End of a job that is told of; may be repeated. Left out: all.
    #[arg(long = "event", value_enum)]
    events: Vec<HookEvent>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `hook list`
#[derive(Debug, Args)]
pub struct HookListArgs {
    /// Id of the project: name of its folder.
    project: String,
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `hook delete`
#[derive(Debug, Args)]
pub struct HookDeleteArgs {
    /// Id of the project: name of its folder.
    project: String,
    /// Id of the hook.
    id: String,
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Makes, lists and removes hooks.
pub fn hook(command: &HookCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        HookCommand::Create(args) => {
            let event = |e: &HookEvent| match e {
                HookEvent::Done => JobState::Done,
                HookEvent::Failed => JobState::Failed,
                HookEvent::Cancelled => JobState::Cancelled,
            };
            let events: Vec<JobState> = args.events.iter().map(event).collect();
            let (secret, hook) = Workspace::open(&args.dir)?.add_hook(&args.project, &args.url, &events)?;
            if args.json.json {
                printer.json(&serde_json::json!({"secret": secret, "hook": hook}))?;
            } else {
                printer.data(&secret)?;
                printer.note(&format!(
                    "hook {}: the secret is shown this once; it signs what is sent to {}",
                    hook.id, hook.url
                ));
            }
        }
        HookCommand::List(args) => {
            let hooks = Workspace::open(&args.dir)?.list_hooks(&args.project)?;
            if args.json.json {
                printer.json(&serde_json::json!({ "hooks": hooks }))?;
            } else {
                for h in hooks {
                    let events: Vec<&str> = h.events.iter().map(|e| e.word()).collect();
                    printer.data(&format!("{}  {}  {}", h.id, events.join(","), h.url))?;
                    for d in &h.deliveries {
                        let state = match d.state {
                            DeliveryState::Waiting => "waiting",
                            DeliveryState::Sent => "sent",
                            DeliveryState::Failed => "failed",
                        };
                        printer.data(&format!(
                            "  {:<6} {} job {} tried {}x  {}",
                            d.event,
                            state,
                            d.job,
                            d.attempts,
                            d.answer.as_deref().unwrap_or("")
                        ))?;
                    }
                }
            }
        }
        HookCommand::Delete(args) => Workspace::open(&args.dir)?.delete_hook(&args.project, &args.id)?,
    }
    Ok(Verdict::Done)
}
