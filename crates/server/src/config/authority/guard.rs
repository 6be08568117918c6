//! The endpoints of a CA that speaks CMP, and how they are guarded.

use std::time::Duration;

use ::authority::cmp::{Endpoint, Proxy, TransportSettings};
use ::authority::guard::{
    BreakerSettings, Endpoints, GateSettings, GuardSettings, Probe, ProbeSettings,
};

use crate::config::context::Context;
use crate::config::duration;
use crate::config::raw::{RawBreaker, RawCmp, RawLimits};

const URL: &str = "`https://host/path` or `http://host:port/path`";
/// As many as one request is put to.
const MOST: usize = 8;

/// Best first; none when something is wrong with them.
pub(super) fn endpoints(at: &str, raw: &RawCmp, cx: &mut Context) -> Vec<Endpoint> {
    let texts: Vec<(String, &String)> = match (&raw.url, &raw.urls) {
        (Some(url), None) => vec![(format!("{at}.url"), url)],
        (None, Some(urls)) => {
            let numbered = urls.iter().enumerate();
            numbered
                .map(|(i, url)| (format!("{at}.urls[{i}]"), url))
                .collect()
        }
        (Some(_), Some(_)) => {
            cx.wrong(&format!("{at}.urls"), "given beside `url`", "one of them");
            Vec::new()
        }
        (None, None) => {
            cx.wrong(&format!("{at}.url"), "missing", URL);
            Vec::new()
        }
    };
    if raw
        .urls
        .as_ref()
        .is_some_and(|urls| urls.is_empty() || urls.len() > MOST)
    {
        let wrong = "not a number of endpoints that can be asked";
        cx.wrong(
            &format!("{at}.urls"),
            wrong,
            format!("1 to {MOST} URLs, best first"),
        );
    }
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (key, text) in texts {
        match text.parse::<Endpoint>() {
            Ok(endpoint) if endpoints.contains(&endpoint) => {
                cx.wrong(&key, "the same endpoint again", "each of them once");
            }
            Ok(endpoint) => endpoints.push(endpoint),
            Err(error) => cx.wrong(&key, error.to_string(), ""),
        }
    }
    endpoints
}

pub(super) fn check(
    at: &str,
    raw: &RawCmp,
    transport: &TransportSettings,
    cx: &mut Context,
) -> GuardSettings {
    let words = [
        ("separate", Endpoints::Separate),
        ("cluster", Endpoints::Cluster),
    ];
    GuardSettings {
        gate: GateSettings {
            breaker: breaker(&format!("{at}.breaker"), &raw.breaker, cx),
            ..limits(&format!("{at}.limits"), &raw.limits, transport.total, cx)
        },
        endpoints: cx.word(
            &format!("{at}.endpoints"),
            raw.endpoints.as_deref(),
            &words,
            Endpoints::default(),
        ),
        probe: probe(at, raw, transport, cx),
    }
}

fn limits(at: &str, raw: &RawLimits, total: Duration, cx: &mut Context) -> GateSettings {
    let key = |key: &str| format!("{at}.{key}");
    let deadline = cx.span(
        &key("deadline"),
        raw.deadline.as_deref(),
        total..=Duration::from_secs(1200),
    );
    let default = match deadline {
        Some(deadline) => GateSettings::within(deadline),
        None => GateSettings::for_exchanges_of(total),
    };
    let queue_wait = cx
        .span(
            &key("queue_wait"),
            raw.queue_wait.as_deref(),
            Duration::ZERO..=Duration::from_secs(600),
        )
        .unwrap_or(default.queue_wait);
    if queue_wait >= default.deadline {
        let wrong = "as long as the deadline or longer: nothing would be left for the call";
        let valid = format!("less than `{}`", duration::show(default.deadline));
        cx.wrong(&key("queue_wait"), wrong, valid);
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    GateSettings {
        limit: cx.number(
            &key("in_flight"),
            raw.in_flight,
            count(default.limit),
            1..=100_000,
        ) as usize,
        queue: cx.number(&key("queue"), raw.queue, count(default.queue), 0..=100_000) as usize,
        queue_wait,
        ..default
    }
}

fn breaker(at: &str, raw: &RawBreaker, cx: &mut Context) -> BreakerSettings {
    let default = BreakerSettings::default();
    BreakerSettings {
        failures: cx.number(
            &format!("{at}.failures"),
            raw.failures,
            default.failures,
            1..=100_000,
        ),
        rest: cx
            .span(
                &format!("{at}.rest"),
                raw.rest.as_deref(),
                Duration::from_millis(100)..=Duration::from_secs(3600),
            )
            .unwrap_or(default.rest),
    }
}

fn probe(
    at: &str,
    raw: &RawCmp,
    transport: &TransportSettings,
    cx: &mut Context,
) -> Option<ProbeSettings> {
    let words = [
        ("off", None),
        ("tcp", Some(Probe::Tcp)),
        ("genm", Some(Probe::Genm)),
    ];
    let key = format!("{at}.health");
    let by = cx.word(&key, raw.health.as_deref(), &words, None);
    if by == Some(Probe::Tcp) && !matches!(transport.proxy, Proxy::Direct) {
        let wrong = "`tcp` would not go by way of `transport.proxy`, as messages do";
        cx.wrong(&key, wrong, "`genm` or `off`");
    }
    let every = cx.span(
        &format!("{at}.health_every"),
        raw.health_every.as_deref(),
        Duration::from_millis(500)..=Duration::from_secs(86_400),
    );
    Some(ProbeSettings {
        by: by?,
        every: every.unwrap_or(Duration::from_secs(10)),
    })
}
