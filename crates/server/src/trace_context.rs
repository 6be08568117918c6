//! Which trace a request belongs to, taken from its header fields and given on to the CA (W3C Trace Context). Without [`crate::otlp`]
//! there are no traces, and nothing is given on.

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes `span` part of the trace that a request came with (W3C Trace Context), if traces are sent at all.
pub(crate) fn continued(span: &Span, fields: &http::HeaderMap) {
    if !fields.contains_key("traceparent") {
        return;
    }
    let context = TraceContextPropagator::new().extract(&From(fields));
    if context.span().span_context().is_valid() {
        let _no_traces = span.set_parent(context);
    }
}

/// Gives a call to a CA the trace it belongs to, if there is one.
pub(crate) fn pass_on(fields: &mut http::HeaderMap) {
    let context = Span::current().context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut To(fields));
    }
}

struct From<'a>(&'a http::HeaderMap);

impl Extractor for From<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct To<'a>(&'a mut http::HeaderMap);

impl Injector for To<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = http::HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
