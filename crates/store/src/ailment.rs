use std::sync::{Mutex, PoisonError};

use crate::fault::Fault;

/// Whether what was to be written last could be written. The database may answer every question and take nothing: its disk is full or
/// has turned read-only.
#[derive(Default)]
pub(crate) struct Ailment(Mutex<Option<Fault>>);

impl Ailment {
    /// Something could not be written, for that reason.
    pub(crate) fn begin(&self, fault: &Fault) {
        if self.swap(Some(fault.clone())).is_none() {
            tracing::error!(error = %fault.to_error(), "the journal cannot be written: requests are turned away until it can");
        }
    }

    /// Something was written.
    pub(crate) fn end(&self) {
        if self.swap(None).is_some() {
            tracing::info!("the journal can be written again");
        }
    }

    /// Why nothing can be written, as far as anyone has tried.
    pub(crate) fn reason(&self) -> Option<Fault> {
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reason.clone()
    }

    fn swap(&self, now: Option<Fault>) -> Option<Fault> {
        let mut reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut reason, now)
    }
}
