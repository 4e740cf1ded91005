//! Who is told when a job ends: URLs of a project, and what is sent to them, signed.
//!
//! Nothing leaves the machine unless an owner made a hook. The sending itself is the server's; here is what is sent, when, and how often.

use crate::{
    EngineError,
    jobs::JobState,
    workspace::{Workspace, now, random_hex},
};
use edgewright_store::{DeliveryRow, HookRow};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

/// Hooks of a project.
const MOST: u32 = 20;
/// Longest URL, in bytes.
const URL_MAX: usize = 2000;
/// Deliveries of a hook that are told.
const TOLD: u32 = 20;
/// Before the second, third and further attempts, in ms: after the last the delivery has failed.
const WAITS: [i64; 7] = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000];
/// As long as one attempt may take, and more.
const LEASE_MS: i64 = 60_000;
/// Longest text of an answer that is kept, in characters.
const ANSWER_MAX: usize = 200;

/// What a hook is told of.
pub const EVENTS: [JobState; 3] = [JobState::Done, JobState::Failed, JobState::Cancelled];

/// A URL that is told when jobs of a project end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hook {
    /// Id.
    pub id: String,
    /// Project.
    pub project: String,
    /// Where to.
    pub url: String,
    /// Ends of jobs that are told of.
    pub events: Vec<JobState>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// What was sent to it or waits, the newest first, at most 20.
    pub deliveries: Vec<Delivery>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be sent, or to be sent again.
    Waiting,
    /// It was taken.
    Sent,
    /// It was not taken, however often it was tried.
    Failed,
}

/// One message to a hook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// Number: the same each time it is tried.
    pub id: i64,
    /// Job that ended.
    pub job: String,
    /// How it ended: `done`, `failed` or `cancelled`.
    pub event: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried again, while it waits.
    pub due: Option<i64>,
    /// What came of the last attempt.
    pub answer: Option<String>,
}

/// A message that is to be sent now.
pub struct Message {
    taken: DeliveryRow,
    /// Where to.
    pub url: HookUrl,
    /// The body, JSON.
    pub body: String,
    /// Headers beside those of any JSON request.
    pub headers: Vec<(&'static str, String)>,
}

/// A URL in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookUrl {
    /// Whether it is `https`.
    pub tls: bool,
    /// Name or address of the host; of IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and query, from the slash on.
    pub path: String,
}

impl HookUrl {
    /// Reads a URL of scheme `http` or `https`.
    ///
    /// # Errors
    /// [`EngineError::Usage`] saying what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let wrong = |why: &str| EngineError::Usage(format!("this is no URL that can be told: {why}"));
        if text.len() > URL_MAX {
            return Err(wrong(&format!("it has more than {URL_MAX} bytes")));
        }
        // Whatever would end the line of a request cannot be in it.
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("write spaces and letters beyond ASCII as %XX, names of hosts in punycode"));
        }
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(wrong("it begins with http:// or https://")),
        };
        if rest.contains('#') {
            return Err(wrong("what follows `#` is never sent"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(wrong(
                "a name and a password in it would be stored and shown; what is sent is signed",
            ));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => {
                let (host, after) = inside.split_once(']').ok_or_else(|| wrong("a bracket is not closed"))?;
                (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let port = match port {
            Some("") => Some(if tls { 443 } else { 80 }),
            Some(text) => text.parse().ok().filter(|p| *p > 0),
            None => None,
        };
        let port = port.ok_or_else(|| wrong("its port is none"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:%".contains(c);
        if host.is_empty() || !host.chars().all(plain) {
            return Err(wrong("its host is none"));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { tls, host: host.to_owned(), port, path: format!("{slash}{path}") })
    }

    /// As it stands in the header `Host`.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

/// The signature of a body: HMAC-SHA256 with the secret over the time, a point and the body, in hexadecimal.
fn signature(secret: &str, time: i64, body: &str) -> Result<String, EngineError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|e| EngineError::Internal(format!("a signature cannot be made: {e}")))?;
    mac.update(format!("{time}.{body}").as_bytes());
    Ok(mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect())
}

fn told(row: DeliveryRow) -> Delivery {
    let state = match row.state.as_str() {
        "sent" => DeliveryState::Sent,
        "failed" => DeliveryState::Failed,
        _ => DeliveryState::Waiting,
    };
    Delivery {
        id: row.id,
        job: row.job,
        event: row.event,
        state,
        attempts: row.attempt,
        due: (state == DeliveryState::Waiting).then_some(row.due),
        answer: row.answer,
    }
}

impl Workspace {
    /// Makes a hook; with no events, of all. Returns it with the secret of its signatures, which is told this once.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project, [`EngineError::Usage`] for a URL that is none, an event that no job has, or too
    /// many hooks; those of the store.
    pub fn add_hook(
        &self,
        project: &str,
        url: &str,
        events: &[JobState],
    ) -> Result<(String, Hook), EngineError> {
        self.project_dir(project)?;
        HookUrl::parse(url)?;
        if let Some(other) = events.iter().find(|e| !e.is_final()) {
            return Err(EngineError::Usage(format!(
                "a hook is told of jobs that are done, failed or cancelled, not {}",
                other.word()
            )));
        }
        let asked: Vec<JobState> =
            EVENTS.into_iter().filter(|e| events.is_empty() || events.contains(e)).collect();
        let secret = format!("whsec_{}", random_hex::<32>()?);
        let row = HookRow {
            id: random_hex::<8>()?,
            project: project.to_owned(),
            url: url.to_owned(),
            secret: secret.clone(),
            events: format!(",{},", asked.iter().map(|e| e.word()).collect::<Vec<_>>().join(",")),
            created: now(),
        };
        if !self.ledger.add_hook(&row, MOST)? {
            return Err(EngineError::Usage(format!("a project has at most {MOST} hooks")));
        }
        Ok((secret, self.hook(row)?))
    }

    fn hook(&self, row: HookRow) -> Result<Hook, EngineError> {
        let deliveries = self.ledger.list_deliveries(&row.id, TOLD)?;
        let listed = |e: &JobState| row.events.contains(&format!(",{},", e.word()));
        Ok(Hook {
            events: EVENTS.into_iter().filter(listed).collect(),
            id: row.id,
            project: row.project,
            url: row.url,
            created: row.created,
            deliveries: deliveries.into_iter().map(told).collect(),
        })
    }

    /// Hooks of a project with what was sent to them, without their secrets.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project; those of the store.
    pub fn list_hooks(&self, project: &str) -> Result<Vec<Hook>, EngineError> {
        self.project_dir(project)?;
        self.ledger.list_hooks(project)?.into_iter().map(|row| self.hook(row)).collect()
    }

    /// Removes a hook, and what was to be sent to it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn delete_hook(&self, project: &str, id: &str) -> Result<(), EngineError> {
        self.project_dir(project)?;
        if self.ledger.delete_hook(project, id)? {
            return Ok(());
        }
        let shown: String = id.chars().filter(|c| !c.is_control()).take(40).collect();
        Err(EngineError::NotFound(format!("there is no hook `{shown}` in `{project}`")))
    }

    /// The message that is due first. That it is tried is written down before it is returned.
    ///
    /// # Errors
    /// Those of the store.
    pub fn next_message(&self) -> Result<Option<Message>, EngineError> {
        let longest = WAITS[WAITS.len() - 1].max(LEASE_MS);
        let most = WAITS.len() as i64 + 1;
        let Some((taken, hook)) = self.ledger.claim_delivery(now(), LEASE_MS, longest, most)? else {
            return Ok(None);
        };
        let time = now() / 1000;
        let headers = vec![
            ("x-edgewright-event", format!("job.{}", taken.event)),
            ("x-edgewright-delivery", taken.id.to_string()),
            ("x-edgewright-timestamp", time.to_string()),
            ("x-edgewright-signature", format!("sha256={}", signature(&hook.secret, time, &taken.body)?)),
        ];
        Ok(Some(Message { url: HookUrl::parse(&hook.url)?, body: taken.body.clone(), headers, taken }))
    }

    /// Notes what came of a message: a status of HTTP, or why there is none. All from 200 to 299 are taken; all others are tried again,
    /// later and later.
    ///
    /// # Errors
    /// Those of the store.
    pub fn end_message(&self, message: &Message, came: &Result<u16, String>) -> Result<(), EngineError> {
        let sent = matches!(came, Ok(200..=299));
        let answer = match came {
            Ok(status @ 300..=399) => format!("answered {status}: redirects are not followed"),
            Ok(status) => format!("answered {status}"),
            Err(why) => why.chars().filter(|c| !c.is_control()).take(ANSWER_MAX).collect(),
        };
        let wait = usize::try_from(message.taken.attempt - 1).ok().and_then(|n| WAITS.get(n));
        Ok(self.ledger.end_delivery(&message.taken, sent, wait.map(|w| now() + w), &answer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_in_parts_and_odd_ones_refused() {
        let url = |text: &str| HookUrl::parse(text).expect(text);
        let plain = url("http://example.org");
        assert_eq!((plain.tls, plain.port, plain.path.as_str()), (false, 80, "/"));
        let whole = url("https://[::1]:8443/a/b?c=d");
        assert_eq!((whole.host.as_str(), whole.port, whole.path.as_str()), ("::1", 8443, "/a/b?c=d"));
        assert_eq!(whole.authority(), "[::1]:8443");
        assert_eq!(url("https://example.org?x=1").path, "/?x=1");
        assert_eq!(url("https://example.org/").authority(), "example.org");
        for wrong in [
            "",
            "example.org",
            "ftp://example.org",
            "file:///etc/passwd",
            "http://",
            "http://:80/",
            "http://a b/",
            "http://a/\r\nx: y",
            "http://user:pass@example.org/",
            "http://example.org:0/",
            "http://example.org:99999/",
            "http://example.org/#x",
            "http://[::1/",
            "http://[::1]x/",
            "http://ex\u{e4}mple.org/",
        ] {
            assert!(HookUrl::parse(wrong).is_err_and(|e| e.is_usage()), "{wrong:?}");
        }
        assert!(HookUrl::parse(&format!("http://example.org/{}", "a".repeat(2000))).is_err());
    }

    #[test]
    fn a_signature_is_that_of_anybody_elses_hmac() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_x
        assert_eq!(
            signature("whsec_x", 1_700_000_000, "{\"a\":1}").expect("signed"),
            "b3438763ab46d9634b9844c8722818eaf523f803db1327484c6067462a5fd6d1"
        );
    }
}
