//! Signing in, keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That the server lives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Version of the program.
    pub version: String,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at everything, change nothing.
    Read,
    /// Add samples, nothing else.
    Ingest,
    /// Everything.
    Full,
}

/// Signing in with the password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Name of the account, whatever the letters' case; `owner` when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Its password.
    pub password: String,
}

/// Signing in with the token of a sign-in link.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSignIn {
    /// The token; it works once.
    pub token: String,
}

/// A new password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// At least 10 characters.
    pub password: String,
}

/// Who is calling.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Name of the user or of the key.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// What the person may do who is signed in; absent for a key.
    pub role: Option<Role>,
    /// The only project it may do it in.
    pub project: Option<String>,
    /// Whether the account has a password; without one, only a sign-in link signs in.
    pub has_password: bool,
}

/// A key to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people, 1 to 100 characters.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Days until it ends; never when left out.
    #[serde(default)]
    pub days: Option<u32>,
}

/// A key, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// Id.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created: i64,
    /// When it ends.
    pub expires: Option<i64>,
    /// Last request with it, to the minute.
    pub last_used: Option<i64>,
}

/// A key with its secret, which is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct KeyCreated {
    /// The secret, for `x-api-key` or `Authorization: Bearer`.
    pub key: String,
    /// The rest.
    pub entry: Key,
}

/// All keys of the workspace.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyList {
    /// Newest first.
    pub keys: Vec<Key>,
}

/// A link that lets one phone in, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PhoneLink {
    /// What the phone opens. The token stands behind `#`, which browsers send to nobody.
    pub url: String,
    /// The same as a QR code.
    pub qr: QrCode,
    /// When the link ends, used or not.
    pub expires: i64,
    /// Why a phone may not reach it or may not read its sensors, and what to do.
    pub hint: Option<String>,
}

/// A QR code as squares of one unit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QrCode {
    /// Width and height in units, with the empty border of 4 that readers need.
    pub size: u32,
    /// The dark squares, as the `d` of an SVG path.
    pub path: String,
}

/// What the link of a phone says.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneToken {
    /// The token; it works once.
    pub token: String,
}

/// What a phone gets that was let in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct PhoneAdmitted {
    /// A key that adds samples to the project, and does nothing else.
    pub key: String,
    /// Id of the project.
    pub project: String,
    /// When the key ends.
    pub expires: i64,
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, accounts and keys too.
    Owner,
    /// Everything in projects.
    Editor,
    /// Look at everything, change nothing.
    Viewer,
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Id.
    pub id: String,
    /// Name to sign in with.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether a password was chosen; until then only a link signs in.
    pub has_password: bool,
    /// When it was made.
    pub created: i64,
    /// Last request of a browser that is signed in, to the minute.
    pub last_seen: Option<i64>,
}

/// All accounts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountList {
    /// The first made first.
    pub accounts: Vec<Account>,
}

/// Somebody to invite.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// 1 to 64 characters; whatever the letters' case, no two are alike.
    pub name: String,
    /// What the person may do.
    pub role: Role,
}

/// A change of an account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// What the person may do from the next request on.
    pub role: Role,
}

/// An account and the link that signs it in once, within a week. It is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The account.
    pub account: Account,
    /// The link. Its token stands behind `#`, which browsers send to nobody.
    pub url: String,
    /// Why others may not reach it, and what to do.
    pub hint: Option<String>,
}

/// A browser in which the caller is signed in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionEntry {
    /// Id.
    pub id: String,
    /// What the browser says it is.
    pub agent: String,
    /// Since when.
    pub created: i64,
    /// Last request, to the minute.
    pub last_used: i64,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The browsers in which the caller is signed in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// The last used first.
    pub sessions: Vec<SessionEntry>,
}
