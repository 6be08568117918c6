//! Traces, sent to a collector over OTLP (HTTP with protobuf) where the configuration names one.
//!
//! Spans are queued within a bound and sent by a thread of their own; a collector that cannot be reached costs spans and a log line, nothing
//! else. What is a span is said in docs/LOGGING.md.

use std::future::poll_fn;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::registry::LookupSpan;

use crate::config::OtlpConfig;
use crate::flood::Flood;

/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long spans wait for others to be sent with.
const DELAY: Duration = Duration::from_secs(1);

/// The sending end; what is queued is sent when it ends.
pub struct Traces(SdkTracerProvider);

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}")]
pub struct NoTraces(#[from] opentelemetry_otlp::ExporterBuildError);

impl Traces {
    /// Gets ready to send to the configured collector; nothing is sent yet. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`NoTraces`] when the HTTP client cannot be made.
    pub(crate) fn begin(config: &OtlpConfig) -> Result<Self, NoTraces> {
        // The exporter's HTTP client asks for the process's provider; if the program chose one before, that stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(config.traces_url())
            .with_timeout(PATIENCE)
            .build()?;
        let exporter = OnRuntime {
            inner: exporter,
            runtime: Handle::current(),
            failures: Flood::default(),
        };
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(config.queue)
            .with_max_export_batch_size(config.queue.min(512))
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batch)
            .build();
        let sampler = Sampler::TraceIdRatioBased(f64::from(config.sample_percent) / 100.0);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(Resource::builder().with_service_name("certway-ra").build())
            .build();
        Ok(Self(provider))
    }

    /// Makes spans of ours traces. Only spans: what happens in them is in the log under the same correlation id.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let ours = FilterFn::new(|metadata| {
            metadata.is_span()
                && ["server", "ra", "authority"]
                    .contains(&metadata.target().split("::").next().unwrap_or_default())
        });
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("certway-ra"))
            .with_location(false)
            .with_threads(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }

    /// Sends what is queued, as far as the collector takes it.
    pub(crate) async fn end(self) {
        // It waits for its own thread, which needs the runtime's.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE));
        let _unsent = ended.await;
    }
}

/// Lets an exporter that needs a tokio runtime work on a thread that is none of it.
#[derive(Debug)]
struct OnRuntime<E> {
    inner: E,
    runtime: Handle,
    failures: Flood,
}

impl<E: SpanExporter> SpanExporter for OnRuntime<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let mut export = Box::pin(self.inner.export(batch));
        let result = poll_fn(|cx| {
            let _entered = self.runtime.enter();
            export.as_mut().poll(cx)
        })
        .await;
        if let Err(error) = &result
            && self.failures.may_write()
        {
            tracing::warn!(spans, %error, "traces could not be sent");
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
