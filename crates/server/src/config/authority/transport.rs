//! The way to a CA that speaks CMP.

use std::sync::Arc;
use std::time::Duration;

use ::authority::cmp::{Proxy, TlsIdentity, TlsRoots, TlsSettings, TransportSettings};

use crate::config::context::Context;
use crate::config::listen::identity;
use crate::config::raw::RawTransport;

pub(super) fn check(
    at: &str,
    raw: &RawTransport,
    default: &TransportSettings,
    cx: &mut Context,
) -> TransportSettings {
    let key = |key: &str| format!("{at}.{key}");
    let bounds = || Duration::from_millis(100)..=Duration::from_secs(600);
    let proxy = match raw.proxy.as_deref() {
        None | Some("direct") => Proxy::Direct,
        Some("environment") => Proxy::Environment,
        Some(text) => cx
            .parse::<url::Url>(
                &key("proxy"),
                text,
                "`direct`, `environment`, or a URL as `socks5h://host:1080`",
            )
            .map_or(Proxy::Direct, Proxy::Through),
    };
    let most = u32::try_from(default.max_response).unwrap_or(u32::MAX);
    TransportSettings {
        headers: crate::trace_context::pass_on,
        connect: cx
            .span(
                &key("connect_timeout"),
                raw.connect_timeout.as_deref(),
                bounds(),
            )
            .unwrap_or(default.connect),
        total: cx
            .span(
                &key("total_timeout"),
                raw.total_timeout.as_deref(),
                bounds(),
            )
            .unwrap_or(default.total),
        max_response: cx.number(
            &key("max_response_bytes"),
            raw.max_response_bytes,
            most,
            4096..=most.max(64 << 20),
        ) as usize,
        proxy,
        tls: TlsSettings {
            roots: match &raw.tls_roots {
                Some(paths) => TlsRoots::Only(cx.certificates(&key("tls_roots"), paths)),
                None => TlsRoots::System,
            },
            identity: raw
                .tls_identity
                .as_ref()
                .and_then(|raw| identity(&key("tls_identity"), raw, cx))
                .map(|entry| TlsIdentity {
                    chain: entry.chain,
                    key: Arc::new(entry.key),
                }),
        },
    }
}
