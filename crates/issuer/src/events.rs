//! Events for people who look at an object: at transitions alone, and never more than best effort.
//!
//! They cost the API server as much as the status of a request does. So they are written by the way, one after the other and at a pace of their own, and nobody waits for them.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, sleep};

use crate::metrics::Metrics;
use crate::pace::Bucket;
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

/// Has Events written.
pub struct Events {
    waiting: Sender<Event>,
    instance: String,
    metrics: Arc<Metrics>,
}

/// The API server takes 1 kB.
const LONGEST_NOTE: usize = 1_000;
/// How many may wait to be written, some 1 kB each.
const MOST_WAITING: usize = 1_000;
/// Of those, what is kept for warnings.
const FOR_WARNINGS: usize = MOST_WAITING / 2;
/// As cert-manager's own controllers are held to by default.
const PER_SECOND: u32 = 20;
const BURST: u32 = 50;

impl Events {
    /// In the name of this instance (the pod). They are written until the last is, on the runtime that this is called on.
    #[must_use]
    pub fn new(client: kube::Client, instance: String, metrics: Arc<Metrics>) -> Self {
        let (waiting, said) = mpsc::channel(MOST_WAITING);
        tokio::spawn(write_each(client, said));
        Self {
            waiting,
            instance,
            metrics,
        }
    }

    /// Says something about an object. Where too much waits to be said already it is dropped and counted, and warnings last.
    pub fn say(&self, about: ObjectReference, action: &str, said: Said) {
        let kept = if said.warning { 0 } else { FOR_WARNINGS };
        let event = self.event(about, action, said, Timestamp::now());
        if self.waiting.capacity() <= kept || self.waiting.try_send(event).is_err() {
            self.metrics.event_dropped();
        }
    }

    fn event(&self, about: ObjectReference, action: &str, said: Said, now: Timestamp) -> Event {
        let namespace = about.namespace.as_deref().unwrap_or("default");
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

async fn write_each(client: kube::Client, mut said: Receiver<Event>) {
    let mut bucket = Bucket::new(PER_SECOND, BURST, Instant::now());
    while let Some(event) = said.recv().await {
        while let Err(pause) = bucket.take(0.0, Instant::now()) {
            sleep(pause).await;
        }
        let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(client.clone(), namespace);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            tracing::debug!(error = with_causes(&error), "an Event could not be written");
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
    use std::convert::Infallible;
    use std::future::pending;
    use std::time::Duration;

    use http::Response;
    use kube::client::Body;
    use tokio::task::yield_now;
    use tower::service_fn;

    use super::*;

    fn events(client: kube::Client) -> (Events, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new().unwrap());
        let events = Events::new(client, "pod".to_owned(), Arc::clone(&metrics));
        (events, metrics)
    }

    fn about() -> ObjectReference {
        ObjectReference {
            name: Some("web-1".to_owned()),
            namespace: Some("web".to_owned()),
            ..ObjectReference::default()
        }
    }

    fn normal() -> Said {
        Said {
            warning: false,
            ..Said::warning("Issued", "")
        }
    }

    fn dropped(metrics: &Metrics) -> usize {
        let text = metrics.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("certway_issuer_events_dropped_total "));
        line.unwrap().parse().unwrap()
    }

    #[tokio::test]
    async fn of_more_than_can_wait_the_last_are_dropped_and_warnings_after_all_others() {
        let never =
            service_fn(|_: http::Request<Body>| pending::<Result<Response<Body>, Infallible>>());
        let (events, metrics) = events(kube::Client::new(never, "web"));
        for _ in 0..MOST_WAITING {
            events.say(about(), "Enroll", normal());
        }
        assert_eq!(dropped(&metrics), FOR_WARNINGS);
        for _ in 0..MOST_WAITING {
            events.say(about(), "Enroll", Said::warning("Rejected", "no"));
        }
        assert_eq!(dropped(&metrics), MOST_WAITING);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_written_at_once_and_the_rest_at_a_pace() {
        let (wrote, mut written) = mpsc::unbounded_channel();
        let server = service_fn(move |_: http::Request<Body>| {
            wrote.send(Instant::now()).unwrap();
            async { Ok::<_, Infallible>(Response::new(Body::from(b"{}".to_vec()))) }
        });
        let (events, _metrics) = events(kube::Client::new(server, "web"));
        let begun = Instant::now();
        for _ in 0..100 {
            events.say(about(), "Enroll", normal());
        }
        yield_now().await;
        let mut after = Vec::new();
        for _ in 0..100 {
            after.push(written.recv().await.unwrap() - begun);
        }
        let at_once = after.iter().filter(|after| after.is_zero()).count();
        assert_eq!(at_once, BURST as usize);
        let rest = Duration::from_secs_f64(f64::from(100 - BURST) / f64::from(PER_SECOND));
        let last = after.pop().unwrap();
        assert!(
            last >= rest && last < rest + Duration::from_secs(1),
            "{last:?}"
        );
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let note = shortened("ä".repeat(2_000));
        assert!(note.len() <= LONGEST_NOTE && note.ends_with('…'));
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
