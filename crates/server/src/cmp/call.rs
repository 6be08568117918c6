//! [`Call`]: one message under one label, and what it is served with.

use std::sync::Arc;

use jiff::Timestamp;
use pkixcmp::PkiMessage;
use ra::{Correlation, Label};

use super::Front;
use super::operation::Operation;
use crate::metrics::Metrics;
use crate::{CmpSettings, Drain, Site};

/// One message under one label.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    pub(super) front: &'c Front,
    pub(super) metrics: &'c Metrics,
    pub(super) drain: &'c Drain,
    pub(super) site: &'c Arc<Site>,
    pub(super) label: &'c Label,
    pub(super) settings: &'c CmpSettings,
    pub(super) operation: Option<Operation>,
    pub(super) message: &'c PkiMessage,
    pub(super) correlation: Option<&'c Correlation>,
    pub(super) now: Timestamp,
}
