//! A few threads of our own for signatures that take a millisecond or more, so that no executor thread is held.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use futures::channel::oneshot;

use crate::signer::SignError;

type Job = Box<dyn FnOnce() + Send>;

/// Run `work` on one of the threads and await its answer. Dropping the future drops work that has not begun.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SignError> + Send + 'static,
) -> Result<T, SignError> {
    let (answer, answered) = oneshot::channel();
    let job: Job = Box::new(move || {
        if !answer.is_canceled() {
            // The asker may have gone meanwhile; then nobody misses the answer.
            let _ = answer.send(work());
        }
    });
    match threads() {
        Some(queue) => queue
            .send(job)
            .map_err(|_| SignError::Failed("the signing threads have ended".into()))?,
        None => job(),
    }
    answered
        .await
        .unwrap_or_else(|_| Err(SignError::Failed("the signing thread gave up".into())))
}

/// The queue to the threads; none when the system lets us start no thread at all.
fn threads() -> Option<&'static Sender<Job>> {
    static QUEUE: OnceLock<Option<Sender<Job>>> = OnceLock::new();
    QUEUE
        .get_or_init(|| {
            let (queue, jobs) = channel::<Job>();
            let jobs = Arc::new(Mutex::new(jobs));
            let wanted = thread::available_parallelism().map_or(1, NonZeroUsize::get);
            let started = (0..wanted)
                .filter(|_| {
                    let jobs = Arc::clone(&jobs);
                    let thread = thread::Builder::new().name("signing".into());
                    thread.spawn(move || serve(&jobs)).is_ok()
                })
                .count();
            (started > 0).then_some(queue)
        })
        .as_ref()
}

fn serve(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A panic ends one signature, not the thread that others wait for; its asker sees the channel close.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}
