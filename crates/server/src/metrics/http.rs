//! HTTP requests: how many, how long.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use prometheus::IntGauge;

use super::Metrics;

/// Counts and measures what goes through. Inside the router, where the template of the route is known.
pub(crate) async fn measured<F>(
    metrics: &Metrics,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = word(request.method());
    let under_way = UnderWay::count(&metrics.in_flight);
    let response = next(request).await;
    drop(under_way);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics
        .requests
        .with_label_values(&[route, method, response.status().as_str()])
        .inc();
    metrics
        .request_time
        .with_label_values(&[route])
        .observe(begun.elapsed().as_secs_f64());
    response
}

/// Counted down also when the client goes away and the request is dropped.
struct UnderWay(IntGauge);

impl UnderWay {
    fn count(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Methods are the client's words; those that nobody serves count as one.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
