//! Words with the service manager (`sd_notify(3)`), if one is there: ready, reloading, stopping, still alive.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::app::Standing;

/// Says that sockets are open and what they serve.
pub(crate) fn ready(standing: &Standing) {
    let status = standing.to_string();
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Says that the configuration is being read again. [`ready`] has to follow, whatever comes of it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager cannot be told of a reload"),
    }
}

/// What comes after the deadline: last answers, and the journal's last write.
const AFTER: Duration = Duration::from_secs(5);

/// Says that the end has begun, and how long it may take.
pub(crate) fn stopping(within: Duration) {
    let micros = u32::try_from((within + AFTER).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing what was begun"),
        NotifyState::ExtendTimeoutUsec(micros),
    ]);
}

/// Says how the configuration stands whenever that changes.
pub(crate) async fn keep_told(mut standing: watch::Receiver<Standing>) {
    while standing.changed().await.is_ok() {
        let status = standing.borrow_and_update().to_string();
        tell(&[NotifyState::Status(&status)]);
    }
}

/// How often the service manager wants to hear that we are alive; `None`: it does not.
pub(crate) fn watchdog() -> Option<Duration> {
    let mut micros = 0;
    sd_notify::watchdog_enabled(false, &mut micros).then(|| Duration::from_micros(micros))
}

/// Says that we are alive, twice in every `patience`, as long as `is_alive`. It runs among everything else: when nothing moves any longer,
/// nothing is said, and the service manager starts us again.
pub(crate) async fn stay_alive(patience: Duration, is_alive: Arc<dyn Fn() -> bool + Send + Sync>) {
    let mut ticks = tokio::time::interval(patience / 2);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if !is_alive() {
            tracing::error!(
                "the journal's writer has ended: the service manager is no longer told that all is well, and starts the process again"
            );
            return;
        }
        tell(&[NotifyState::Watchdog]);
    }
}

/// Does nothing without `NOTIFY_SOCKET`.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::warn!(%error, "the service manager cannot be reached");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    /// Counts the signs of life that would be given.
    fn counted() -> (Arc<AtomicUsize>, Arc<dyn Fn() -> bool + Send + Sync>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&count);
        let sign = move || {
            counting.fetch_add(1, Ordering::SeqCst);
            true
        };
        (count, Arc::new(sign))
    }

    #[test]
    fn a_runtime_that_is_stuck_gives_no_sign_of_life() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let (count, sign) = counted();
        runtime.spawn(stay_alive(PATIENCE, sign));
        while count.load(Ordering::SeqCst) < 3 {
            std::thread::yield_now();
        }
        // Each of its threads waits for what does not come.
        let (stuck, has_stuck) = mpsc::channel();
        let hold: Vec<_> = (0..2)
            .map(|_| {
                let (free, held) = mpsc::channel::<()>();
                let stuck = stuck.clone();
                runtime.spawn(async move {
                    stuck.send(()).unwrap();
                    let _freed = held.recv();
                });
                free
            })
            .collect();
        has_stuck.recv().unwrap();
        has_stuck.recv().unwrap();
        let before = count.load(Ordering::SeqCst);
        std::thread::sleep(PATIENCE * 5);
        assert_eq!(count.load(Ordering::SeqCst), before);
        drop(hold);
        while count.load(Ordering::SeqCst) == before {
            std::thread::yield_now();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_journal_that_writes_no_more_signs_are_given() {
        // Ends by itself, so that nothing is said any longer.
        stay_alive(PATIENCE, Arc::new(|| false)).await;
    }
}
