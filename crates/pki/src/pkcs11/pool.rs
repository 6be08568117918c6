//! [`Pool`]: the threads that ask one token, each with a session of its own.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use secrecy::ExposeSecret;

use super::job::{Ask, Awaited, Job};
use super::session::{Open, Trouble};
use super::uri::TokenName;
use super::{TokenError, TokenSettings, module};
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
    shared: Arc<Shared>,
    /// The later one of the same token is the one that a reload left.
    number: u64,
}

/// How a token in use stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// As its keys' URIs name it.
    pub token: String,
    /// Why it gave nothing when it was last asked.
    pub trouble: Option<TokenError>,
}

/// What the threads of a pool share.
struct Shared {
    settings: TokenSettings,
    token: TokenName,
    /// Held while a session is opened: one thread at a time, so that a wrong PIN is given once.
    outage: Mutex<Outage>,
    /// Why it gave nothing when it was last asked. Held for no call of the token.
    trouble: Mutex<Option<TokenError>>,
    /// No session is opened any more.
    closed: AtomicBool,
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
        let mut pools = pools();
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
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let sessions = settings.sessions.get();
        let (queue, jobs) =
            sync_channel::<Arc<dyn Job>>(sessions.saturating_mul(WAITING_PER_SESSION));
        let jobs = Arc::new(Mutex::new(jobs));
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            token: token.clone(),
            outage: Mutex::default(),
            trouble: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let no_thread = |error: std::io::Error| TokenError::Lost(format!("no thread: {error}"));
        for _ in 0..sessions {
            let (shared, jobs) = (Arc::clone(&shared), Arc::clone(&jobs));
            let thread = thread::Builder::new().name("token".into());
            let at_work = AtWork::begin();
            let serve = move || {
                shared.serve(&jobs);
                drop(at_work);
            };
            thread.spawn(serve).map_err(no_thread)?;
        }
        let (deadlines, due) = channel();
        let thread = thread::Builder::new().name("token-clock".into());
        let timeout = settings.timeout;
        let watched = Arc::clone(&shared);
        let watch = move || watched.watch(&due, timeout);
        thread.spawn(watch).map_err(no_thread)?;
        Ok(Self {
            queue,
            deadlines,
            timeout,
            shared,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
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

/// How the tokens stand whose keys are in use, by name.
pub fn standings() -> Vec<Standing> {
    let mut used: Vec<_> = pools().values().filter_map(Weak::upgrade).collect();
    used.sort_by_key(|pool| (pool.shared.token.to_string(), Reverse(pool.number)));
    used.dedup_by_key(|pool| pool.shared.token.clone());
    let standing = |pool: Arc<Pool>| Standing {
        token: pool.shared.token.to_string(),
        trouble: pool.shared.trouble().clone(),
    };
    used.into_iter().map(standing).collect()
}

/// Closes every session and lets the libraries go: for the end of the process, when nothing is signed any more. Some libraries fail in
/// their own end otherwise. Returns whether it came to that within the time; a token that hangs is left as it is.
pub fn close(within: Duration) -> bool {
    let used: Vec<_> = pools().values().filter_map(Weak::upgrade).collect();
    for pool in used {
        pool.shared.closed.store(true, Ordering::Release);
        for _ in 0..pool.shared.settings.sessions.get() {
            // Each thread takes one, and ends; what waits before it is too late in any case.
            let _full = pool.queue.try_send(Arc::new(Farewell));
        }
    }
    let ended = AtWork::all_ended(within);
    if ended {
        module::finalize();
    }
    ended
}

/// Wakes a thread that it may see that it is to end.
struct Farewell;

impl Job for Farewell {
    fn attempt(&self, _open: &mut Open) -> Result<(), Trouble> {
        Ok(())
    }

    fn refuse(&self, _error: TokenError) {}

    fn is_over(&self) -> bool {
        true
    }
}

fn pools() -> MutexGuard<'static, HashMap<Same, Weak<Pool>>> {
    static POOLS: LazyLock<Mutex<HashMap<Same, Weak<Pool>>>> = LazyLock::new(Mutex::default);
    POOLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread that may have a session, counted as long as the value lives.
struct AtWork;

static AT_WORK: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl AtWork {
    fn begin() -> Self {
        *AT_WORK.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }

    fn all_ended(within: Duration) -> bool {
        let count = AT_WORK.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = AT_WORK
            .1
            .wait_timeout_while(count, within, |count| *count > 0);
        *left.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        *AT_WORK.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        AT_WORK.1.notify_all();
    }
}

impl Shared {
    /// Ends the waiting for what took too long. All wait equally long, so the first in is the first due.
    fn watch(&self, due: &Receiver<(Instant, Weak<dyn Job>)>, timeout: Duration) {
        while let Ok((deadline, job)) = due.recv() {
            if job.strong_count() > 0 {
                thread::sleep(deadline.saturating_duration_since(Instant::now()));
            }
            let late = job.upgrade().filter(|job| !job.is_over());
            if let Some(job) = late {
                self.is_in(TokenError::TimedOut(timeout));
                job.refuse(TokenError::TimedOut(timeout));
            }
        }
    }

    fn serve(&self, jobs: &Mutex<Receiver<Arc<dyn Job>>>) {
        let mut open = None;
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            if self.closed.load(Ordering::Acquire) {
                return job.refuse(gave_up());
            }
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
                Ok(()) => {
                    *self.trouble() = None;
                    return self.lock().end();
                }
                Err(trouble) if trouble.is_loss() => {
                    *open = None;
                    if last {
                        self.lock().lengthen();
                        let error = trouble.into_error();
                        self.is_in(error.clone());
                        return job.refuse(error);
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
            let error = trouble.into_error();
            self.is_in(error.clone());
            error
        })
    }

    fn is_in(&self, trouble: TokenError) {
        *self.trouble() = Some(trouble);
    }

    fn trouble(&self) -> MutexGuard<'_, Option<TokenError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
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
