//! Work for a session, and who awaits it.

use std::sync::{Mutex, PoisonError, mpsc};

use futures::channel::oneshot;

use super::TokenError;
use super::session::{Open, Trouble};

/// Something to be done in a session, answered once: with its result, or with why there is none.
pub(super) trait Job: Send + Sync {
    /// Tries; answers when it succeeds.
    fn attempt(&self, open: &mut Open) -> Result<(), Trouble>;
    /// Answers with an error, unless there was an answer before.
    fn refuse(&self, error: TokenError);
    /// Whether nobody awaits an answer any more.
    fn is_over(&self) -> bool;
}

pub(super) struct Ask<T, W> {
    work: W,
    awaited: Mutex<Option<Awaited<T>>>,
}

pub(super) enum Awaited<T> {
    By(oneshot::Sender<Result<T, TokenError>>),
    ByThread(mpsc::Sender<Result<T, TokenError>>),
}

impl<T, W> Ask<T, W> {
    pub(super) fn new(work: W, awaited: Awaited<T>) -> Self {
        Self {
            work,
            awaited: Mutex::new(Some(awaited)),
        }
    }

    fn answer(&self, answer: Result<T, TokenError>) {
        let awaited = self.awaited.lock();
        let awaited = awaited.unwrap_or_else(PoisonError::into_inner).take();
        // Whoever asked may have gone; then nobody misses the answer.
        match awaited {
            Some(Awaited::By(sender)) => drop(sender.send(answer)),
            Some(Awaited::ByThread(sender)) => drop(sender.send(answer)),
            None => {}
        }
    }
}

impl<T, W> Job for Ask<T, W>
where
    T: Send,
    W: Fn(&mut Open) -> Result<T, Trouble> + Send + Sync,
{
    fn attempt(&self, open: &mut Open) -> Result<(), Trouble> {
        let result = (self.work)(open)?;
        self.answer(Ok(result));
        Ok(())
    }

    fn refuse(&self, error: TokenError) {
        self.answer(Err(error));
    }

    fn is_over(&self) -> bool {
        match &*self.awaited.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Awaited::By(sender)) => sender.is_canceled(),
            Some(Awaited::ByThread(_)) => false,
            None => true,
        }
    }
}
