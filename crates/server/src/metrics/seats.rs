//! How many requests are worked on, of how many at a time: in all, and of each CA's share.

use prometheus::{IntGaugeVec, Opts, Registry};

use super::{Metrics, registered};
use crate::Site;
use crate::seats::Taken;

const LISTENER: &[&str] = &["listener"];
const AUTHORITY: &[&str] = &["listener", "authority"];

/// Puts what is known into `registry`; of the CAs that `site` still has.
pub(super) fn look_up(
    metrics: &Metrics,
    site: &Site,
    registry: &Registry,
) -> Result<(), prometheus::Error> {
    let gauge = |name: &str, help: &str, labels| {
        registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
    };
    let all = [
        gauge(
            "certway_seats",
            "Requests that are worked on at a time at most.",
            LISTENER,
        )?,
        gauge(
            "certway_seats_taken",
            "Requests that are worked on now.",
            LISTENER,
        )?,
    ];
    let shares = [
        gauge(
            "certway_authority_seats",
            "The share of one CA in the seats, where there are several.",
            AUTHORITY,
        )?,
        gauge(
            "certway_authority_seats_taken",
            "How many of its share are taken.",
            AUTHORITY,
        )?,
    ];
    for (listener, room) in &*metrics.rooms() {
        set(&all, &[*listener], room.taken());
        for (name, taken) in room.taken_of_shares() {
            if site.ra.authorities.contains_key(&name) {
                set(&shares, &[*listener, name.as_str()], taken);
            }
        }
    }
    Ok(())
}

fn set([of, taken]: &[IntGaugeVec; 2], labels: &[&str], seats: Taken) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    of.with_label_values(labels).set(count(seats.of));
    taken.with_label_values(labels).set(count(seats.taken));
}
