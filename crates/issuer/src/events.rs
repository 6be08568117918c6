//! Events for people who look at an object: at transitions alone, and never more than best effort.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use api::client::with_causes;

/// What an Event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether something is to be looked at.
    pub warning: bool,
    /// A word in UpperCamelCase, docs/ISSUER.md has the list.
    pub reason: &'static str,
    /// A sentence.
    pub note: String,
}

impl Said {
    /// Something is to be looked at.
    #[must_use]
    pub fn warning(reason: &'static str, note: impl Into<String>) -> Self {
        Self {
            warning: true,
            reason,
            note: note.into(),
        }
    }
}

/// Writes Events.
pub struct Events {
    client: kube::Client,
    instance: String,
}

/// The API server takes 1 kB.
const LONGEST_NOTE: usize = 1_000;

impl Events {
    /// In the name of this instance (the pod).
    #[must_use]
    pub fn new(client: kube::Client, instance: String) -> Self {
        Self { client, instance }
    }

    /// Says something about an object. Whoever waits for a certificate does not wait for this: a failure is logged and nothing else.
    pub async fn say(&self, about: ObjectReference, action: &str, said: Said) {
        let namespace = about.namespace.clone();
        let namespace = namespace.as_deref().unwrap_or("default");
        let event = self.event(about, namespace, action, said, Timestamp::now());
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            tracing::debug!(error = with_causes(&error), "an Event could not be written");
        }
    }

    fn event(
        &self,
        about: ObjectReference,
        namespace: &str,
        action: &str,
        said: Said,
        now: Timestamp,
    ) -> Event {
        let name = about.name.as_deref().unwrap_or("certway");
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{:x}", now.as_nanosecond())),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some(if said.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(said.reason.to_owned()),
            note: Some(shortened(said.note)),
            action: Some(action.to_owned()),
            reporting_controller: Some("certway.dev/issuer".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            regarding: Some(about),
            ..Event::default()
        }
    }
}

fn shortened(mut note: String) -> String {
    if note.len() > LONGEST_NOTE {
        let end = (0..=LONGEST_NOTE - 3)
            .rev()
            .find(|at| note.is_char_boundary(*at));
        note.truncate(end.unwrap_or_default());
        note.push('…');
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let note = shortened("ä".repeat(2_000));
        assert!(note.len() <= LONGEST_NOTE && note.ends_with('…'));
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
