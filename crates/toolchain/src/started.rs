//! A started program and all that it starts: one group of processes, which ends together.

use std::{
    collections::BTreeSet,
    ops::{Deref, DerefMut},
    process::{Child, Command},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Programs that run, by the number of their process and group.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program in a group of its own.
pub(crate) struct Started(Child);

impl Started {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut all = running();
        let child = command.spawn()?;
        all.insert(child.id());
        Ok(Self(child))
    }

    /// Ends it and what it has started, and waits for it.
    pub(crate) fn end(&mut self) {
        // Once it has ended and was waited for, its number may be another's.
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        end_group(self.0.id());
        // It may have ended in between; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
fn end_group(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may be gone.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: u32) {}

impl Deref for Started {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        running().remove(&self.0.id());
    }
}

/// Ends all programs that run, for who is about to end itself: a terminal tells its own group alone that somebody wants to stop.
pub fn stop_all() {
    running().iter().for_each(|id| end_group(*id));
}
