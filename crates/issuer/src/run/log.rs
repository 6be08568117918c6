use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::Run;

/// Log lines on standard output.
pub(super) fn begin(arguments: &Run) {
    let filter = filter(&arguments.log);
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

/// The controllers' library opens a span for each look at an object, and enters the spans of all that are on their way whenever one of them is done; no line of ours shows them. Who
/// names it gets them.
fn filter(directives: &str) -> Targets {
    let quiet = Targets::new().with_target("kube_runtime", LevelFilter::WARN);
    let asked: Targets = directives
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let default = asked.default_level().unwrap_or(LevelFilter::OFF);
    quiet.with_default(default).with_targets(asked)
}
