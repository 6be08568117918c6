//! News of issuers: that they became ready or are not any more, or that a request doubts them. Every controller that has to do with it hears of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::Stream;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use crate::identity::IssuerId;

/// Who is to hear of it.
#[derive(Default)]
pub struct Turns(Mutex<Vec<UnboundedSender<IssuerId>>>);

impl Turns {
    /// Every turn from now on.
    pub fn heard(&self) -> impl Stream<Item = IssuerId> + Send + use<> {
        let (tell, hear): (_, UnboundedReceiver<IssuerId>) = unbounded();
        self.lock().push(tell);
        hear
    }

    /// An issuer turned.
    pub fn tell(&self, issuer: &IssuerId) {
        self.lock()
            .retain(|tell| tell.unbounded_send(issuer.clone()).is_ok());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<UnboundedSender<IssuerId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
