//! `account ...`: who may sign in to a server.

use crate::{args::JsonArg, commands::Verdict, output::Printer, server::address};
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use edgewright_engine::{
    EngineError,
    accounts::{Account, Role},
    workspace::Workspace,
};
use std::path::PathBuf;

/// `account ...`
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:
  edgewright account invite ada ~/projects --role editor")]
pub enum AccountCommand {
    /// Make an account and print a link that signs it in once, within a week.
    Invite(InviteArgs),
    /// Print another link for an account: the first was lost, or the password forgotten.
    Link(NamedArgs),
    /// List the accounts.
    List {
        /// The folder that the server serves.
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Output format.
        #[command(flatten)]
        json: JsonArg,
    },
    /// Change what a person may do, from the next request on.
    Role {
        /// Name of the account.
        name: String,
        /// What the person may do.
        #[arg(value_enum)]
        role: RoleArg,
        /// The folder that the server serves.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Remove an account; its sessions end.
    Remove {
        /// Name of the account.
        name: String,
        /// The folder that the server serves.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}

/// What a person may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleArg {
    /// Everything, accounts and keys too.
    Owner,
    /// Everything in projects.
    Editor,
    /// Look at everything, change nothing.
    Viewer,
}

impl RoleArg {
    fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Editor => Role::Editor,
            Self::Viewer => Role::Viewer,
        }
    }
}

/// `account invite`
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// Name to sign in with, 1 to 64 characters.
    name: String,
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// What the person may do.
    #[arg(long, value_enum, default_value = "viewer")]
    role: RoleArg,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `account link`
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// Name of the account.
    name: String,
    /// The folder that the server serves.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// Invites, lists, changes and removes.
pub fn account(command: &AccountCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        AccountCommand::Invite(args) => {
            let workspace = Workspace::open(&args.dir)?;
            let server = address(&workspace, &args.dir)?;
            invitation(&server, workspace.invite(&args.name, args.role.role())?, args.json, printer)?;
        }
        AccountCommand::Link(args) => {
            let workspace = Workspace::open(&args.dir)?;
            let server = address(&workspace, &args.dir)?;
            let account = named(&workspace, &args.name)?;
            invitation(&server, workspace.invite_again(&account.id)?, args.json, printer)?;
        }
        AccountCommand::List { dir, json } => {
            let accounts = Workspace::open(dir)?.accounts()?;
            if json.json {
                let list: Vec<_> = accounts.iter().map(entry).collect();
                printer.json(&serde_json::json!({ "accounts": list }))?;
            } else {
                for a in accounts {
                    let word = if a.has_password { "" } else { "  (no password yet)" };
                    printer.data(&format!("{:<7} {}{word}", a.role.word(), a.name))?;
                }
            }
        }
        AccountCommand::Role { name, role, dir } => {
            let workspace = Workspace::open(dir)?;
            workspace.set_role(&named(&workspace, name)?.id, role.role())?;
        }
        AccountCommand::Remove { name, dir } => {
            let workspace = Workspace::open(dir)?;
            workspace.remove_account(&named(&workspace, name)?.id)?;
        }
    }
    Ok(Verdict::Done)
}

fn entry(a: &Account) -> serde_json::Value {
    serde_json::json!({"id": a.id, "name": a.name, "role": a.role.word(), "has_password": a.has_password,
        "created": a.created, "last_seen": a.last_seen})
}

fn invitation(
    server: &str,
    (token, account): (String, Account),
    json: JsonArg,
    printer: &Printer,
) -> Result<()> {
    let url = format!("{server}/join#{token}");
    if json.json {
        printer.json(&serde_json::json!({"url": url, "account": entry(&account)}))?;
    } else {
        printer.data(&format!("Invitation: {url}"))?;
        printer.note(&format!("it signs `{}` in once, within a week", account.name));
    }
    Ok(())
}

fn named(workspace: &Workspace, name: &str) -> Result<Account, EngineError> {
    let wanted = name.trim().to_lowercase();
    let found = workspace.accounts()?.into_iter().find(|a| a.name.to_lowercase() == wanted);
    found.ok_or_else(|| EngineError::NotFound(format!("there is no account `{name}`")))
}
