//! Who may do what: the owner's password and sessions, sign-in links that work once, API keys.

use crate::{
    EngineError,
    accounts::Role,
    workspace::{Workspace, digest, now, random_hex},
};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use edgewright_store::{KeyRow, Ledger, UserRow};

/// Name of the account that is made on the first start.
pub const OWNER: &str = "owner";
/// A sign-in link works so long.
const TOKEN_MS: i64 = 24 * HOUR_MS;
/// A session ends so long after it began,
const SESSION_MS: i64 = 30 * 24 * HOUR_MS;
/// and so long after its last request.
const IDLE_MS: i64 = 7 * 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
/// A phone that was let in may add samples so long.
const PHONE_MS: i64 = HOUR_MS;
/// Name of the key of such a phone.
const PHONE: &str = "phone";
/// What a browser says it is, in characters.
const AGENT_MAX: usize = 200;
/// The last request of a session or key is noted at most so often.
const TOUCH_MS: i64 = 60_000;
/// Shortest password, in characters.
pub const PASSWORD_MIN: usize = 10;
/// Longest password, in bytes.
pub const PASSWORD_MAX: usize = 256;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Add samples, nothing else.
    Ingest,
    /// Look at everything, change nothing.
    Read,
    /// Everything.
    Full,
}

impl Scope {
    /// The word in databases and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Full => "full",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for anything else.
    pub fn parse(word: &str) -> Result<Self, EngineError> {
        match word {
            "ingest" => Ok(Self::Ingest),
            "read" => Ok(Self::Read),
            "full" => Ok(Self::Full),
            _ => Err(EngineError::Usage(format!("there is no scope `{word}`; use read, ingest or full"))),
        }
    }
}

/// Somebody who showed a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the user or of the key.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The only project it may do it in; `None`: all of the workspace.
    pub project: Option<String>,
    /// What the person may do who is signed in; `None` for a key.
    pub role: Option<Role>,
    /// Digest of the session, for a browser.
    pub session: Option<String>,
    /// Whether the account has a password.
    pub has_password: bool,
}

impl Caller {
    /// Whether the caller may make and remove accounts and keys.
    pub fn manages(&self) -> bool {
        self.scope == Scope::Full && matches!(self.role, None | Some(Role::Owner))
    }
}

/// A key as it is listed: never with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Id.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// When it ends.
    pub expires: Option<i64>,
    /// Last request.
    pub last_used: Option<i64>,
}

/// The hash of a password, with salt of its own.
fn hashed(password: &str) -> Result<String, EngineError> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt)
        .map_err(|e| EngineError::Internal(format!("the system gives no randomness: {e}")))?;
    // The defaults are argon2id with 19 MiB and two passes, as OWASP asks for.
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|e| EngineError::Internal(e.to_string()))?;
    Ok(hash.to_string())
}

pub(crate) fn owner(workspace: &Workspace) -> Result<UserRow, EngineError> {
    Ok(workspace.ledger.user_named(OWNER, &random_hex::<8>()?, now())?)
}

impl Workspace {
    /// Whether the owner has a password. Until then every start prints a link.
    ///
    /// # Errors
    /// Those of the store.
    pub fn has_password(&self) -> Result<bool, EngineError> {
        Ok(owner(self)?.password.is_some())
    }

    /// Makes a token that signs the owner in, once.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sign_in_token(&self) -> Result<String, EngineError> {
        let token = random_hex::<32>()?;
        self.ledger.add_token(&digest(&token), &owner(self)?.id, now() + TOKEN_MS, false)?;
        Ok(token)
    }

    /// Begins a session with a token; `agent` is what the browser says it is. `None`: it was used, has expired or never was.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sign_in_with_token(&self, token: &str, agent: &str) -> Result<Option<String>, EngineError> {
        match self.ledger.take_token(&digest(token), now())? {
            Some(user) => self.begin(&user, agent).map(Some),
            None => Ok(None),
        }
    }

    /// Begins a session with a password. `None`: wrong. Takes a tenth of a second on purpose, also when there is no such account.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sign_in_with_password(
        &self,
        name: &str,
        password: &str,
        agent: &str,
    ) -> Result<Option<String>, EngineError> {
        if password.len() > PASSWORD_MAX {
            return Ok(None);
        }
        let user = self.user(name)?;
        let Some((user, hash)) = user.and_then(|u| u.password.clone().map(|hash| (u, hash))) else {
            hashed(password)?;
            return Ok(None);
        };
        let parsed = PasswordHash::new(&hash).map_err(|e| EngineError::Internal(e.to_string()))?;
        if Argon2::default().verify_password(password.as_bytes(), &parsed).is_err() {
            return Ok(None);
        }
        self.begin(&user, agent).map(Some)
    }

    fn begin(&self, user: &UserRow, agent: &str) -> Result<String, EngineError> {
        let secret = random_hex::<32>()?;
        let agent: String = agent.chars().filter(|c| !c.is_control()).take(AGENT_MAX).collect();
        self.ledger.add_session(&digest(&secret), &user.id, &agent, now())?;
        Ok(secret)
    }

    /// Sets the password of whoever holds this session, and ends all others of that account.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for one that is too short or too long; [`EngineError::NotFound`] when the session is over; those of the store.
    pub fn set_password(&self, password: &str, keep_session: &str) -> Result<(), EngineError> {
        if password.chars().count() < PASSWORD_MIN || password.len() > PASSWORD_MAX {
            return Err(EngineError::Usage(format!(
                "a password has at least {PASSWORD_MIN} characters and at most {PASSWORD_MAX} bytes"
            )));
        }
        let session = self.ledger.session(keep_session)?;
        let session = session.ok_or_else(|| EngineError::NotFound("the session is over".into()))?;
        Ok(self.ledger.set_password(&session.user.id, &hashed(password)?, keep_session)?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sign_out(&self, session_digest: &str) -> Result<(), EngineError> {
        Ok(self.ledger.delete_session(session_digest)?)
    }

    /// Who holds this session secret.
    ///
    /// # Errors
    /// Those of the store.
    pub fn caller_of_session(&self, secret: &str) -> Result<Option<Caller>, EngineError> {
        let (digest, now) = (digest(secret), now());
        let Some(session) = self.ledger.session(&digest)? else { return Ok(None) };
        if now > session.created + SESSION_MS || now > session.last_used + IDLE_MS {
            self.ledger.delete_session(&digest)?;
            return Ok(None);
        }
        if now > session.last_used + TOUCH_MS {
            self.ledger.touch_session(&digest, now)?;
        }
        let role = Role::parse(&session.user.role)?;
        Ok(Some(Caller {
            name: session.user.name,
            scope: role.scope(),
            project: None,
            role: Some(role),
            session: Some(digest),
            has_password: session.user.password.is_some(),
        }))
    }

    /// Who holds this key: one of the workspace, or one that was made inside a project and holds for that alone.
    ///
    /// # Errors
    /// Those of the store.
    pub fn caller_of_key(&self, key: &str) -> Result<Option<Caller>, EngineError> {
        if !key.starts_with(KEY_PREFIX) || key.len() > 100 {
            return Ok(None);
        }
        let digest = digest(key);
        if let Some(caller) = caller(&self.ledger, &digest, None)? {
            return Ok(Some(caller));
        }
        for project in self.projects()? {
            if let Some(ledger) = self.ledger_of(&project)?
                && let Some(caller) = caller(&ledger, &digest, Some(project.id))?
            {
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }

    /// Makes a key and returns its secret, which is shown this once, and its entry.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that is none; those of the store.
    pub fn create_key(
        &self,
        name: &str,
        scope: Scope,
        days: Option<u32>,
    ) -> Result<(String, KeyEntry), EngineError> {
        self.make_key(name, scope, days.map(|d| now() + i64::from(d) * 24 * HOUR_MS))
    }

    fn make_key(
        &self,
        name: &str,
        scope: Scope,
        expires: Option<i64>,
    ) -> Result<(String, KeyEntry), EngineError> {
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(EngineError::Usage(
                "a key's name has 1 to 100 characters and no control characters".into(),
            ));
        }
        let secret = format!("{KEY_PREFIX}{}", random_hex::<32>()?);
        let row = KeyRow {
            id: random_hex::<8>()?,
            name: name.into(),
            scope: scope.word().into(),
            created: now(),
            expires,
            last_used: None,
        };
        self.ledger.add_key(&digest(&secret), &row)?;
        Ok((secret, entry(row)))
    }

    /// Makes a key that holds for one project alone.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project; those of [`Workspace::create_key`].
    pub fn create_project_key(
        &self,
        project: &str,
        name: &str,
        scope: Scope,
    ) -> Result<(String, KeyEntry), EngineError> {
        let dir = self.project_dir(project)?;
        // A workspace that is one project has no other keys.
        if dir == self.dir() {
            self.create_key(name, scope, None)
        } else {
            Self::open(&dir)?.create_key(name, scope, None)
        }
    }

    /// Makes the key of a phone: it adds samples to one project, for an hour. Those of former phones go when they have ended.
    ///
    /// # Errors
    /// Those of [`Workspace::create_project_key`].
    pub fn create_phone_key(&self, project: &str) -> Result<(String, KeyEntry), EngineError> {
        let dir = self.project_dir(project)?;
        let opened = if dir == self.dir() { None } else { Some(Self::open(&dir)?) };
        let place = opened.as_ref().unwrap_or(self);
        for old in place.ledger.list_keys()? {
            if old.name == PHONE && old.expires.is_some_and(|e| now() >= e) {
                place.ledger.delete_key(&old.id)?;
            }
        }
        place.make_key(PHONE, Scope::Ingest, Some(now() + PHONE_MS))
    }

    /// All keys of the workspace.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list_keys(&self) -> Result<Vec<KeyEntry>, EngineError> {
        Ok(self.ledger.list_keys()?.into_iter().map(entry).collect())
    }

    /// Removes a key.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn delete_key(&self, id: &str) -> Result<(), EngineError> {
        if self.ledger.delete_key(id)? {
            return Ok(());
        }
        Err(EngineError::NotFound(format!("there is no key `{id}`")))
    }

    /// Notes under which address the server can be reached, for `login`.
    ///
    /// # Errors
    /// Those of the store.
    pub fn set_address(&self, url: &str) -> Result<(), EngineError> {
        Ok(self.ledger.put_setting("address", url)?)
    }

    /// Under which address the server was last reached.
    ///
    /// # Errors
    /// Those of the store.
    pub fn address(&self) -> Result<Option<String>, EngineError> {
        Ok(self.ledger.setting("address")?)
    }
}

/// What every key begins with.
const KEY_PREFIX: &str = "ei_";

/// The digest is compared by the database's index: what its timing tells of a digest tells nothing of the key.
fn caller(ledger: &Ledger, digest: &str, project: Option<String>) -> Result<Option<Caller>, EngineError> {
    let now = now();
    let Some(row) = ledger.key(digest)? else { return Ok(None) };
    if row.expires.is_some_and(|e| now >= e) {
        return Ok(None);
    }
    if row.last_used.is_none_or(|t| now > t + TOUCH_MS) {
        ledger.touch_key(&row.id, now)?;
    }
    Ok(Some(Caller {
        name: row.name,
        scope: Scope::parse(&row.scope)?,
        project,
        role: None,
        session: None,
        has_password: false,
    }))
}

fn entry(row: KeyRow) -> KeyEntry {
    KeyEntry {
        id: row.id,
        name: row.name,
        scope: row.scope,
        created: row.created,
        expires: row.expires,
        last_used: row.last_used,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let dir = tempfile::tempdir().expect("a folder");
        let workspace = Workspace::open(dir.path()).expect("opens");
        (dir, workspace)
    }

    #[test]
    fn a_token_signs_in_once() {
        let (_dir, w) = workspace();
        let token = w.sign_in_token().expect("a token");
        let secret = w.sign_in_with_token(&token, "a browser").expect("asked").expect("signed in");
        assert_eq!(w.sign_in_with_token(&token, "").expect("asked"), None);
        let caller = w.caller_of_session(&secret).expect("asked").expect("known");
        assert_eq!((caller.scope, caller.has_password), (Scope::Full, false));
        w.sign_out(&caller.session.expect("a session")).expect("signs out");
        assert_eq!(w.caller_of_session(&secret).expect("asked"), None);
    }

    #[test]
    fn a_new_password_ends_the_other_sessions() {
        let (_dir, w) = workspace();
        let sign_in =
            || w.sign_in_token().and_then(|t| w.sign_in_with_token(&t, "")).expect("asked").expect("in");
        let (mine, other) = (sign_in(), sign_in());
        assert!(w.set_password("short", "x").is_err());
        w.set_password("correct horse battery", &digest(&mine)).expect("set");
        assert!(w.caller_of_session(&mine).expect("asked").is_some());
        assert!(w.caller_of_session(&other).expect("asked").is_none());
        assert_eq!(w.sign_in_with_password(OWNER, "wrong horse battery", "").expect("asked"), None);
        assert!(w.sign_in_with_password("Owner", "correct horse battery", "").expect("asked").is_some());
        assert!(w.sign_in_with_password("nobody", "correct horse battery", "").expect("asked").is_none());
        let hash = owner(&w).expect("there").password.expect("set");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
    }

    #[test]
    fn a_key_is_kept_as_a_digest_and_ends() {
        let (dir, w) = workspace();
        let (secret, entry) = w.create_key("ci", Scope::Read, None).expect("made");
        assert_eq!(w.caller_of_key(&secret).expect("asked").expect("known").scope, Scope::Read);
        let (old, _) = w.create_key("old", Scope::Full, Some(0)).expect("made");
        assert_eq!(w.caller_of_key(&old).expect("asked"), None);
        w.delete_key(&entry.id).expect("deleted");
        assert_eq!(w.caller_of_key(&secret).expect("asked"), None);
        for file in std::fs::read_dir(dir.path().join(".edgewright/server")).expect("there") {
            let bytes = std::fs::read(file.expect("an entry").path()).expect("read");
            assert!(!bytes.windows(32).any(|w| w == &secret.as_bytes()[..32]));
        }
    }

    #[test]
    fn a_key_of_a_project_holds_for_that_project_alone() {
        let (dir, w) = workspace();
        let project = w.create_project("kws", "keywords").expect("made");
        assert!(w.create_project("../kws", "keywords").is_err());
        let (secret, _) =
            Workspace::open(&project.dir).expect("opens").create_key("k", Scope::Full, None).expect("made");
        let caller = w.caller_of_key(&secret).expect("asked").expect("known");
        assert_eq!(caller.project.as_deref(), Some("kws"));
        let (phone, entry) = w.create_phone_key("kws").expect("made");
        let caller = w.caller_of_key(&phone).expect("asked").expect("known");
        assert_eq!((caller.scope, caller.project.as_deref()), (Scope::Ingest, Some("kws")));
        assert!(entry.expires.is_some_and(|e| (0..1000).contains(&(entry.created + PHONE_MS - e))));
        drop(dir);
    }
}
