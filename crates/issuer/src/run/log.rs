use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::args::Run;

/// Log lines on standard output.
pub(super) fn begin(arguments: &Run) {
    let filter = EnvFilter::try_new(&arguments.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = if arguments.log_text {
        tracing_subscriber::fmt::layer().with_ansi(false).boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .boxed()
    };
    let _already_begun = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}
