//! Where traces go.

use url::Url;

use super::context::Context;
use super::raw::RawTelemetry;

/// A collector of traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpConfig {
    endpoint: Url,
    /// Of a hundred traces that nobody decided on before, so many are sent.
    pub sample_percent: u32,
    /// Spans that wait to be sent; more are dropped.
    pub queue: usize,
}

impl OtlpConfig {
    /// Where spans are posted (OTLP/HTTP: `/v1/traces` below the endpoint).
    #[must_use]
    pub fn traces_url(&self) -> String {
        format!("{}/v1/traces", self.endpoint.as_str().trim_end_matches('/'))
    }
}

const VALID: &str = "`http://` or `https://` without user and password, as `http://127.0.0.1:4318`";

pub(super) fn check(raw: &RawTelemetry, cx: &mut Context) -> Option<OtlpConfig> {
    let raw = raw.otlp.as_ref()?;
    let key = "telemetry.otlp.endpoint";
    let text = cx.required(key, raw.endpoint.as_deref(), VALID);
    let url = text.and_then(|text| cx.parse::<Url>(key, text, VALID));
    if let Some(url) = &url {
        let named = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || named {
            cx.wrong(key, "not the URL of a collector", VALID);
        }
    }
    let at = |name: &str| format!("telemetry.otlp.{name}");
    let sample_percent = cx.number(&at("sample_percent"), raw.sample_percent, 100, 0..=100);
    let queue = cx.number(&at("queue"), raw.queue, 2048, 1..=1_000_000) as usize;
    Some(OtlpConfig {
        endpoint: url?,
        sample_percent,
        queue,
    })
}
