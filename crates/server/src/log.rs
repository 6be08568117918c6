//! Log lines on standard output: text for people, or one JSON object each.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogConfig;
use crate::otlp::Traces;

/// Begins to log into a file, as text: the demo's standard output is for people. What `begin` is told later changes nothing.
pub fn begin_in(file: std::fs::File) {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .with_filter(EnvFilter::new("info"));
    let _already_begun = tracing_subscriber::registry().with(lines).try_init();
}

/// Begins to log. Once in a process; a second call changes nothing.
pub(crate) fn begin(config: &LogConfig, traces: Option<&Traces>) {
    // What hyper, reqwest and sqlx have to say below this costs more than the enrollment.
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = if config.json {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stdout)
            .boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(std::io::stdout)
            .boxed()
    };
    let registry = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces.map(Traces::layer));
    #[cfg(feature = "stop-points")]
    let registry = registry.with(crate::stop::layer());
    let _already_begun = registry.try_init();
}
