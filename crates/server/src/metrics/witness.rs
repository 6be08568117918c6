//! [`Watch`]: what the line tells, counted and logged.

use std::sync::Arc;
use std::time::Duration;

use ra::{AuditEvent, AuthorityName, Called, Stage, Witness};

use super::Metrics;

/// Counts what the line does, and writes its decisions into the log (target `certway::audit`, docs/LOGGING.md).
pub struct Watch(pub Arc<Metrics>);

impl Witness for Watch {
    fn took(&self, stage: Stage, authority: &AuthorityName, time: Duration) {
        self.0.stages.observe(stage, authority, time.as_secs_f64());
    }

    fn called(&self, authority: &AuthorityName, result: Called) {
        self.0
            .calls
            .with_label_values(&[authority.as_str(), result.as_str()])
            .inc();
    }

    fn decided(&self, event: &AuditEvent) {
        let profile = event.profile.as_ref().map_or("", ra::ProfileName::as_str);
        let authority = event.authority.as_ref().map_or("", AuthorityName::as_str);
        self.0
            .decisions
            .with_label_values(&[event.kind.as_str(), profile, authority])
            .inc();
        if let Some(kind) = event.refusal {
            self.0
                .refusals
                .with_label_values(&[crate::problem::slug(kind).as_str(), profile])
                .inc();
        }
        crate::audit::log(event);
    }
}
