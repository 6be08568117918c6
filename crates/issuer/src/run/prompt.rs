use std::time::Duration;

use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;

/// The pauses before a watch begins again: the library's, which follow client-go, but none so long. A handful of watches bring all that the controller knows, and while
/// they pause nobody gets a certificate, although the API server may be back.
#[derive(Default)]
pub(super) struct Prompt(DefaultBackoff);

const LONGEST: Duration = Duration::from_secs(5);

impl Iterator for Prompt {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|pause| pause.min(LONGEST))
    }
}

impl Backoff for Prompt {
    fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watch_never_pauses_for_long() {
        let mut pauses = Prompt::default();
        assert!(pauses.next() < Some(Duration::from_secs(2)));
        assert!(pauses.take(20).all(|pause| pause <= LONGEST));
    }
}
