//! What is looked up when somebody asks: how CAs are, what is under way, what expires.

use std::time::Duration;

use prometheus::{GaugeVec, IntGaugeVec, Opts, Registry, TextEncoder};
use ra::{AuthorityName, Health, UnderWay};

use super::{Metrics, endpoints, registered, seats, seconds, token_issuers};
use crate::Site;

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;
/// A journal that takes longer is not asked on: its metric is missing then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

impl Metrics {
    /// Everything, in prometheus' text format. `site` is what is served; `None` before anything is.
    ///
    /// # Errors
    /// When two of our own metrics have one name.
    pub(crate) async fn text(&self, site: Option<&Site>) -> Result<String, prometheus::Error> {
        let mut families = self.registry.gather();
        if let Some(site) = site {
            let registry = looked_up(site).await?;
            seats::look_up(self, site, &registry)?;
            families.extend(registry.gather());
        }
        TextEncoder::new().encode_to_string(&families)
    }
}

/// A registry of its own each time: what a reload took away is not shown any more.
async fn looked_up(site: &Site) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    let gauges = |name: &str, help: &str, labels: &[&str]| {
        registered(&registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
    };
    let up = gauges(
        "certway_upstream_up",
        "1 when at an endpoint of a CA the last message got an answer that could be believed, or none was sent.",
        &["authority"],
    )?;
    for (name, health) in healths(site).await {
        up.with_label_values(&[name.as_str()])
            .set(i64::from(health == Health::Up));
    }
    endpoints::look_up(site, &registry)?;
    token_issuers::look_up(site, &registry)?;
    let answers = gauges(
        "certway_journal_up",
        "1 when the journal answers and can be written.",
        &[],
    )?;
    let under_way = tokio::time::timeout(PATIENCE, site.ra.journal.under_way()).await;
    let counted = under_way.ok().and_then(Result::ok);
    answers.with_label_values::<&str>(&[]).set(i64::from(
        counted.is_some() && site.ra.journal.is_writable().is_ok(),
    ));
    if let Some(UnderWay {
        begun,
        waiting,
        issued,
        confirming,
    }) = counted
    {
        let open = gauges(
            "certway_open_transactions",
            "Requests that are not at their end, by phase (docs/ISSUANCE.md); counted up to 100000.",
            &["phase"],
        )?;
        let phases = [
            ("begun", begun),
            ("waiting", waiting),
            ("issued", issued),
            ("confirming", confirming),
        ];
        for (phase, count) in phases {
            open.with_label_values(&[phase])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    let expiries = registered(
        &registry,
        GaugeVec::new(
            Opts::new(
                "certway_certificate_not_after_seconds",
                "When a certificate of the configuration expires, by what it is for.",
            ),
            &["use", "name", "subject", "serial"],
        )?,
    )?;
    for known in &site.certificates {
        expiries
            .with_label_values(&[known.role, &known.name, &known.subject, &known.serial])
            .set(seconds(known.not_after));
    }
    Ok(registry)
}

/// How every CA of the configuration is, by name.
pub(crate) async fn healths(site: &Site) -> Vec<(&AuthorityName, Health)> {
    let mut all: Vec<_> = site.ra.authorities.iter().collect();
    all.sort_by_key(|(name, _)| *name);
    let asked = all.into_iter().map(async |(name, authority)| {
        let health = tokio::time::timeout(PATIENCE, authority.health()).await;
        let late = || Health::Down("it does not say in time".to_owned());
        (name, health.unwrap_or_else(|_| late()))
    });
    futures::future::join_all(asked).await
}
