//! [`Pool`]: the threads that ask one token, each with a session of its own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use secrecy::ExposeSecret;

use super::job::{Ask, Awaited, Job};
use super::session::{Open, Trouble};
use super::uri::TokenName;
use super::{TokenError, TokenSettings};
use crate::digest;

/// Signatures that may wait for each session before more are turned away.
const WAITING_PER_SESSION: usize = 64;
/// Between two attempts to reach a token that is lost, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One token and the threads that ask it. They end with the pool.
pub(super) struct Pool {
    queue: SyncSender<Arc<dyn Job>>,
    deadlines: Sender<(Instant, Weak<dyn Job>)>,
    timeout: Duration,
}

/// What the threads of a pool share.
struct Shared {
    settings: TokenSettings,
    token: TokenName,
    /// Held while a session is opened: one thread at a time, so that a wrong PIN is given once.
    outage: Mutex<Outage>,
}

/// How long the token has been out of reach, in attempts.
#[derive(Default)]
struct Outage {
    pause: Duration,
    until: Option<Instant>,
}

impl Pool {
    /// The pool of this token: all keys of one configuration share it, and so does the configuration after a reload.
    pub(super) fn of(settings: &TokenSettings, token: &TokenName) -> Result<Arc<Self>, TokenError> {
        static POOLS: LazyLock<Mutex<HashMap<Same, Weak<Pool>>>> = LazyLock::new(Mutex::default);
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| pool.strong_count() > 0);
        let same = Same::new(settings, token);
        if let Some(pool) = pools.get(&same).and_then(Weak::upgrade) {
            return Ok(pool);
        }
        let pool = Arc::new(Self::start(settings, token)?);
        pools.insert(same, Arc::downgrade(&pool));
        Ok(pool)
    }

    fn start(settings: &TokenSettings, token: &TokenName) -> Result<Self, TokenError> {
        let sessions = settings.sessions.get();
        let (queue, jobs) =
            sync_channel::<Arc<dyn Job>>(sessions.saturating_mul(WAITING_PER_SESSION));
        let jobs = Arc::new(Mutex::new(jobs));
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            token: token.clone(),
            outage: Mutex::default(),
        });
        let no_thread = |error: std::io::Error| TokenError::Lost(format!("no thread: {error}"));
        for _ in 0..sessions {
            let (shared, jobs) = (Arc::clone(&shared), Arc::clone(&jobs));
            let thread = thread::Builder::new().name("token".into());
            let serve = move || shared.serve(&jobs);
            thread.spawn(serve).map_err(no_thread)?;
        }
        let (deadlines, due) = channel();
        let thread = thread::Builder::new().name("token-clock".into());
        let timeout = settings.timeout;
        let watch = move || watch(&due, timeout);
        thread.spawn(watch).map_err(no_thread)?;
        Ok(Self {
            queue,
            deadlines,
            timeout,
        })
    }

    /// Does `work` in a session and awaits what it gives. Dropping the future drops work that has not begun.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Open) -> Result<T, Trouble> + Send + Sync + 'static,
    ) -> Result<T, TokenError> {
        let (sender, answer) = oneshot::channel();
        self.put(Arc::new(Ask::new(work, Awaited::By(sender))))?;
        answer.await.unwrap_or_else(|_| Err(gave_up()))
    }

    /// The same, holding this thread.
    pub(super) fn ask_now<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Open) -> Result<T, Trouble> + Send + Sync + 'static,
    ) -> Result<T, TokenError> {
        let (sender, answer) = channel();
        self.put(Arc::new(Ask::new(work, Awaited::ByThread(sender))))?;
        answer.recv().unwrap_or_else(|_| Err(gave_up()))
    }

    fn put(&self, job: Arc<dyn Job>) -> Result<(), TokenError> {
        let deadline = Instant::now() + self.timeout;
        let watched = Arc::downgrade(&job);
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => TokenError::Busy,
            TrySendError::Disconnected(_) => gave_up(),
        })?;
        self.deadlines
            .send((deadline, watched))
            .map_err(|_| gave_up())
    }
}

fn gave_up() -> TokenError {
    TokenError::Lost("the threads that ask it have ended".into())
}

/// Ends the waiting for what took too long. All wait equally long, so the first in is the first due.
fn watch(due: &Receiver<(Instant, Weak<dyn Job>)>, timeout: Duration) {
    while let Ok((deadline, job)) = due.recv() {
        if job.strong_count() > 0 {
            thread::sleep(deadline.saturating_duration_since(Instant::now()));
        }
        if let Some(job) = job.upgrade() {
            job.refuse(TokenError::TimedOut(timeout));
        }
    }
}

impl Shared {
    fn serve(&self, jobs: &Mutex<Receiver<Arc<dyn Job>>>) {
        let mut open = None;
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            if !job.is_over() {
                self.work(&mut open, &*job);
            }
        }
    }

    /// In the session at hand and, if that turns out to be lost, once more in a new one.
    fn work(&self, open: &mut Option<Open>, job: &dyn Job) {
        for last in [false, true] {
            let session = match open {
                Some(session) => session,
                None => match self.open() {
                    Ok(session) => open.insert(session),
                    Err(error) => return job.refuse(error),
                },
            };
            match job.attempt(session) {
                Ok(()) => return self.lock().end(),
                Err(trouble) if trouble.is_loss() => {
                    *open = None;
                    if last {
                        self.lock().lengthen();
                        return job.refuse(trouble.into_error());
                    }
                }
                Err(trouble) => return job.refuse(trouble.into_error()),
            }
        }
    }

    fn open(&self) -> Result<Open, TokenError> {
        let mut outage = self.lock();
        if let Some(left) = outage.left() {
            let text = format!("it is tried again in {} ms", left.as_millis());
            return Err(TokenError::Lost(text));
        }
        Open::new(&self.settings, &self.token).map_err(|trouble| {
            outage.lengthen();
            trouble.into_error()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outage {
    /// How long nothing is tried yet.
    fn left(&self) -> Option<Duration> {
        let left = self.until?.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some(left)
    }

    fn lengthen(&mut self) {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.until = Some(Instant::now() + self.pause);
    }

    fn end(&mut self) {
        *self = Self::default();
    }
}

/// What makes two pools the same.
#[derive(PartialEq, Eq, Hash)]
struct Same {
    module: PathBuf,
    token: TokenName,
    /// Of the PIN.
    pin: Option<[u8; 32]>,
    sessions: usize,
    timeout: Duration,
}

impl Same {
    fn new(settings: &TokenSettings, token: &TokenName) -> Self {
        let pin = settings.pin.as_ref();
        Self {
            module: settings.module.clone(),
            token: token.clone(),
            pin: pin.map(|pin| digest::sha256(pin.expose_secret().as_bytes())),
            sessions: settings.sessions.get(),
            timeout: settings.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_of_an_outage_grow_to_a_bound_and_end_with_it() {
        let mut outage = Outage::default();
        assert!(outage.left().is_none());
        let mut pauses = Vec::new();
        for _ in 0..12 {
            outage.lengthen();
            pauses.push(outage.pause);
        }
        assert_eq!(pauses[0], FIRST_PAUSE);
        assert_eq!(pauses[1], 2 * FIRST_PAUSE);
        assert_eq!(pauses[11], LONGEST_PAUSE);
        assert!(outage.left().is_some());
        outage.end();
        assert!(outage.left().is_none());
    }
}
