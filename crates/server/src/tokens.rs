//! Tokens that travel in a URL: they open one thing of one project for a while. Logs of jobs are read with one as often as one likes;
//! a phone is let in with one once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A token works so long.
pub const LIFE: Duration = Duration::from_secs(600);
/// Tokens that are remembered.
const REMEMBERED: usize = 1000;

struct Token {
    secret: String,
    project: String,
    until: Instant,
}

/// Those that were given out.
#[derive(Clone, Default)]
pub struct Tokens(Arc<Mutex<VecDeque<Token>>>);

impl Tokens {
    /// Gives one out: 32 digits that nobody guesses.
    pub fn give(&self, secret: &str, project: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        let until = Instant::now() + LIFE;
        all.push_back(Token { secret: secret.into(), project: project.into(), until });
    }

    /// The project that a token was given out for.
    pub fn project(&self, secret: &str) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|t| t.until > now);
        // They are random and short-lived; the time of a comparison tells nothing that helps.
        all.iter().find(|t| t.secret == secret).map(|t| t.project.clone())
    }

    /// The same, and the token is used up.
    pub fn take(&self, secret: &str) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|t| t.until > now);
        let at = all.iter().position(|t| t.secret == secret)?;
        all.remove(at).map(|t| t.project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_project_and_ends() {
        let tokens = Tokens::default();
        tokens.give("a", "kws");
        tokens.give("b", "other");
        assert_eq!((tokens.project("a").as_deref(), tokens.project("")), (Some("kws"), None));
        tokens.0.lock().expect("locked")[0].until = Instant::now();
        assert_eq!((tokens.project("a"), tokens.project("b").as_deref()), (None, Some("other")));
        assert_eq!((tokens.take("b").as_deref(), tokens.take("b")), (Some("other"), None));
        tokens.give("b", "other");
        for n in 0..REMEMBERED {
            tokens.give(&n.to_string(), "kws");
        }
        assert_eq!(tokens.project("b"), None);
    }
}
