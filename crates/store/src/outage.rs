use tokio::sync::watch;

use crate::fault::Fault;

/// Whether the database is known to be away. The writer finds out, by being connected or not; everyone else asks here
/// first, so that nobody waits for what cannot come.
pub(crate) struct Outage(watch::Sender<Option<Fault>>);

impl Default for Outage {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Outage {
    /// The database cannot be reached, for that reason.
    pub(crate) fn begin(&self, fault: &Fault) {
        if self.0.send_replace(Some(fault.clone())).is_none() {
            tracing::error!(error = %fault.to_error(), "the journal's database went away: requests are turned away until it is back");
        }
    }

    /// It is there.
    pub(crate) fn end(&self) {
        if self.0.send_replace(None).is_some() {
            tracing::info!("the journal's database is back");
        }
    }

    /// `work`, or the reason why it cannot be done as soon as there is one.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let mut away = self.0.subscribe();
        tokio::select! {
            biased;
            reason = async {
                match away.wait_for(Option::is_some).await {
                    Ok(reason) => reason.clone(),
                    // The sender is borrowed, so it lives.
                    Err(_) => None,
                }
            } => Err(reason.unwrap_or_else(|| Fault::store("the database is away"))),
            done = work => Ok(done),
        }
    }
}
