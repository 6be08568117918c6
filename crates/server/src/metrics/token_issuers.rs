//! How the keys of token issuers stand.

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{registered, seconds};
use crate::Site;
use crate::jwt::Keys;

/// Puts what is known into `registry`.
pub(super) fn look_up(site: &Site, registry: &Registry) -> Result<(), prometheus::Error> {
    let keys = Opts::new(
        "certway_token_issuer_keys",
        "Keys by which tokens of an issuer are verified now; none when they could not be had or are too old.",
    );
    let keys = registered(registry, IntGaugeVec::new(keys, &["issuer"])?)?;
    let fetched = Opts::new(
        "certway_token_issuer_keys_fetched_timestamp_seconds",
        "When those keys were fetched.",
    );
    let fetched = registered(registry, GaugeVec::new(fetched, &["issuer"])?)?;
    let fetches = Opts::new(
        "certway_token_issuer_fetches_total",
        "Times the keys of an issuer were asked for, by result.",
    );
    let fetches = registered(
        registry,
        IntCounterVec::new(fetches, &["issuer", "result"])?,
    )?;
    for issuer in site.callers.issuers().iter() {
        let name = issuer.name.as_str();
        let count = |count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            keys.with_label_values(&[name]).set(count);
        };
        match &issuer.keys {
            Keys::Fixed(keys) => count(keys.count()),
            Keys::Remote(keys) => {
                let standing = keys.standing();
                let of = |result| fetches.with_label_values(&[name, result]);
                of("success").inc_by(standing.fetched);
                of("failure").inc_by(standing.failed);
                match keys.current() {
                    Some((keys, at)) => {
                        count(keys.count());
                        fetched.with_label_values(&[name]).set(seconds(at));
                    }
                    None => count(0),
                }
            }
        }
    }
    Ok(())
}
