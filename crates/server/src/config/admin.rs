//! Where operators ask.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::context::Context;
use super::raw::RawAdmin;

/// The port that exporters of OpenTelemetry have made a habit.
const PORT: u16 = 9464;

/// The admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminListen {
    /// There is none.
    Off,
    /// Nobody chose: there, if nobody else is.
    Default(SocketAddr),
    /// There.
    At(SocketAddr),
}

pub(super) fn check(raw: &RawAdmin, cx: &mut Context) -> AdminListen {
    let ip = raw.address.as_deref().and_then(|text| {
        cx.parse::<IpAddr>(
            "admin.address",
            text,
            "an IP address, as `127.0.0.1` or `::1`",
        )
    });
    let port = cx.number("admin.port", raw.port, PORT.into(), 0..=65535);
    let address = SocketAddr::new(
        ip.unwrap_or(Ipv4Addr::LOCALHOST.into()),
        u16::try_from(port).unwrap_or(PORT),
    );
    match (raw.enabled, &raw.address, raw.port) {
        (Some(false), _, _) => AdminListen::Off,
        (None, None, None) => AdminListen::Default(address),
        _ => AdminListen::At(address),
    }
}
