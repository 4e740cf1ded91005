//! Accounts: who is invited, what each may do, where each is signed in.

use crate::{
    EngineError,
    access::{Caller, OWNER, Scope, owner},
    workspace::{Workspace, digest, now, random_hex},
};
use edgewright_store::UserRow;

/// The link of an invitation works so long.
const INVITATION_MS: i64 = 7 * 24 * 3_600_000;
/// Longest name, in characters.
pub const NAME_MAX: usize = 64;
/// Digits of a session's digest that name it.
const SESSION_DIGITS: usize = 16;

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, accounts and keys too.
    Owner,
    /// Everything in projects.
    Editor,
    /// Look at everything, change nothing.
    Viewer,
}

impl Role {
    /// The word in databases and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for anything else.
    pub fn parse(word: &str) -> Result<Self, EngineError> {
        match word {
            "owner" => Ok(Self::Owner),
            "editor" => Ok(Self::Editor),
            "viewer" => Ok(Self::Viewer),
            _ => Err(EngineError::Usage(format!("there is no role `{word}`; use owner, editor or viewer"))),
        }
    }

    /// How far it reaches.
    pub(crate) fn scope(self) -> Scope {
        match self {
            Self::Owner | Self::Editor => Scope::Full,
            Self::Viewer => Scope::Read,
        }
    }
}

/// An account as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Id.
    pub id: String,
    /// Name to sign in with.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether a password was chosen: an invitation was taken.
    pub has_password: bool,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// Last request of a browser that is signed in.
    pub last_seen: Option<i64>,
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    /// Id: not secret.
    pub id: String,
    /// What it says it is.
    pub agent: String,
    /// Since when, in milliseconds since 1970.
    pub created: i64,
    /// Last request, to the minute.
    pub last_used: i64,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Workspace {
    /// The person of that name, whatever the letters' case.
    pub(crate) fn user(&self, name: &str) -> Result<Option<UserRow>, EngineError> {
        let wanted = name.trim().to_lowercase();
        Ok(self.ledger.list_users()?.into_iter().find(|u| u.name.to_lowercase() == wanted))
    }

    fn account(&self, row: UserRow) -> Result<Account, EngineError> {
        Ok(Account {
            last_seen: self.ledger.sessions_of(&row.id)?.iter().map(|s| s.last_used).max(),
            id: row.id,
            name: row.name,
            role: Role::parse(&row.role)?,
            has_password: row.password.is_some(),
            created: row.created,
        })
    }

    /// All accounts, the first made first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn accounts(&self) -> Result<Vec<Account>, EngineError> {
        owner(self)?;
        self.ledger.list_users()?.into_iter().map(|row| self.account(row)).collect()
    }

    /// Whether the account of that name has a password; `None`: there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub fn account_has_password(&self, name: &str) -> Result<Option<bool>, EngineError> {
        owner(self)?;
        Ok(self.user(name)?.map(|u| u.password.is_some()))
    }

    /// Makes an account and a token that signs it in once, within a week.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that is none or is taken; those of the store.
    pub fn invite(&self, name: &str, role: Role) -> Result<(String, Account), EngineError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            return Err(EngineError::Usage(format!(
                "a name has 1 to {NAME_MAX} characters and no control characters"
            )));
        }
        let taken = || EngineError::Usage(format!("there is an account `{name}` already"));
        if name.eq_ignore_ascii_case(OWNER) || self.user(name)?.is_some() {
            return Err(taken());
        }
        let row = UserRow {
            id: random_hex::<8>()?,
            name: name.into(),
            password: None,
            role: role.word().into(),
            created: now(),
        };
        if !self.ledger.add_user(&row)? {
            return Err(taken());
        }
        Ok((self.token_of(&row.id)?, self.account(row)?))
    }

    fn token_of(&self, user: &str) -> Result<String, EngineError> {
        let token = random_hex::<32>()?;
        self.ledger.add_token(&digest(&token), user, now() + INVITATION_MS, true)?;
        Ok(token)
    }

    fn row(&self, id: &str) -> Result<UserRow, EngineError> {
        let found = self.ledger.list_users()?.into_iter().find(|u| u.id == id);
        found.ok_or_else(|| EngineError::NotFound(format!("there is no account `{id}`")))
    }

    /// Another token for an account: its link was lost or its password forgotten. Links of before do not sign in any more.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn invite_again(&self, id: &str) -> Result<(String, Account), EngineError> {
        let row = self.row(id)?;
        Ok((self.token_of(&row.id)?, self.account(row)?))
    }

    /// The account `owner` is how the person at the machine gets in.
    fn not_the_first(&self, id: &str) -> Result<(), EngineError> {
        if self.row(id)?.name == OWNER {
            return Err(EngineError::Usage(format!("the account `{OWNER}` stays as it is")));
        }
        Ok(())
    }

    /// Sets what a person may do, from the next request on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Usage`] for the account `owner`; those of the store.
    pub fn set_role(&self, id: &str, role: Role) -> Result<(), EngineError> {
        self.not_the_first(id)?;
        self.ledger.set_role(id, role.word())?;
        Ok(())
    }

    /// Removes an account; its sessions end.
    ///
    /// # Errors
    /// As [`Workspace::set_role`].
    pub fn remove_account(&self, id: &str) -> Result<(), EngineError> {
        self.not_the_first(id)?;
        self.ledger.delete_user(id)?;
        Ok(())
    }

    /// The browsers in which the caller is signed in, the last used first. A key is signed in nowhere.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sessions(&self, caller: &Caller) -> Result<Vec<SessionEntry>, EngineError> {
        let Some(mine) = &caller.session else { return Ok(Vec::new()) };
        let Some(session) = self.ledger.session(mine)? else { return Ok(Vec::new()) };
        let all = self.ledger.sessions_of(&session.user.id)?;
        let entry = |s: edgewright_store::SessionRow| SessionEntry {
            id: s.digest[..SESSION_DIGITS].to_owned(),
            agent: s.agent,
            created: s.created,
            last_used: s.last_used,
            current: s.digest == *mine,
        };
        Ok(all.into_iter().map(entry).collect())
    }

    /// Ends a session of the caller.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn end_session(&self, caller: &Caller, id: &str) -> Result<(), EngineError> {
        let missing = || EngineError::NotFound(format!("there is no session `{id}`"));
        let mine = caller.session.as_ref().ok_or_else(missing)?;
        let session = self.ledger.session(mine)?.ok_or_else(missing)?;
        let all = self.ledger.sessions_of(&session.user.id)?;
        let found = all.into_iter().find(|s| s.digest[..SESSION_DIGITS] == *id).ok_or_else(missing)?;
        Ok(self.ledger.delete_session(&found.digest)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_invited_changed_and_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let w = Workspace::open(dir.path()).expect("opens");
        let (token, ada) = w.invite(" Ada ", Role::Viewer).expect("invited");
        assert_eq!((ada.name.as_str(), ada.has_password, ada.last_seen), ("Ada", false, None));
        for taken in ["ada", "ADA", "owner", "Owner", "", "a\nb"] {
            assert!(w.invite(taken, Role::Editor).expect_err("refused").is_usage(), "{taken:?}");
        }
        let (again, _) = w.invite_again(&ada.id).expect("invited");
        assert!(w.sign_in_with_token(&token, "").expect("asked").is_none(), "a newer link replaces it");
        let token = again;
        let secret = w.sign_in_with_token(&token, "Firefox\n").expect("asked").expect("in");
        assert!(w.sign_in_with_token(&token, "").expect("asked").is_none(), "once");
        let caller = || w.caller_of_session(&secret).expect("asked");
        let viewer = caller().expect("known");
        assert_eq!(
            (viewer.name.as_str(), viewer.scope, viewer.role),
            ("Ada", Scope::Read, Some(Role::Viewer))
        );
        w.set_password("correct horse battery", viewer.session.as_deref().expect("one")).expect("set");
        let other = w.sign_in_with_password("ada", "correct horse battery", "").expect("asked").expect("in");
        assert!(w.sign_in_with_password("owner", "correct horse battery", "").expect("asked").is_none());
        let sessions = w.sessions(&viewer).expect("listed");
        assert_eq!(sessions.len(), 2);
        let mine: Vec<&SessionEntry> = sessions.iter().filter(|s| s.current).collect();
        assert_eq!(mine.iter().map(|s| s.agent.as_str()).collect::<Vec<_>>(), ["Firefox"]);
        let theirs = sessions.iter().find(|s| !s.current).expect("there");
        w.end_session(&viewer, &theirs.id).expect("ended");
        assert!(w.caller_of_session(&other).expect("asked").is_none());
        assert!(w.end_session(&viewer, &theirs.id).is_err());

        w.set_role(&ada.id, Role::Editor).expect("set");
        let editor = caller().expect("known");
        assert_eq!((editor.scope, editor.manages()), (Scope::Full, false));
        w.set_role(&ada.id, Role::Owner).expect("set");
        assert!(caller().expect("known").manages());
        let first = w.accounts().expect("listed").into_iter().find(|a| a.name == OWNER).expect("there");
        assert!(w.set_role(&first.id, Role::Viewer).is_err());
        assert!(w.remove_account(&first.id).is_err());
        w.remove_account(&ada.id).expect("removed");
        assert!(caller().is_none());
        assert!(w.remove_account(&ada.id).is_err());
    }

    #[test]
    fn a_session_is_ended_by_nobody_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let w = Workspace::open(dir.path()).expect("opens");
        let enter = |token: String| {
            let secret = w.sign_in_with_token(&token, "").expect("asked").expect("in");
            w.caller_of_session(&secret).expect("asked").expect("known")
        };
        let owner = enter(w.sign_in_token().expect("made"));
        let ada = enter(w.invite("ada", Role::Editor).expect("invited").0);
        let hers = w.sessions(&ada).expect("listed");
        assert_eq!(hers.len(), 1);
        assert!(w.end_session(&owner, &hers[0].id).is_err());
        assert!(w.sessions(&owner).expect("listed").iter().all(|s| s.id != hers[0].id));
    }
}
