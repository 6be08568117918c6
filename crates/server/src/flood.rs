//! Log lines that strangers can cause: a few are written, the rest is counted.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many lines are written in a window.
const LINES: u32 = 10;
/// How long a window is.
const WINDOW: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Debug)]
pub(crate) struct Flood(Mutex<Window>);

#[derive(Debug)]
struct Window {
    since: Instant,
    written: u32,
    held_back: u64,
}

impl Default for Flood {
    fn default() -> Self {
        Self(Mutex::new(Window {
            since: Instant::now(),
            written: 0,
            held_back: 0,
        }))
    }
}

impl Flood {
    /// Whether this line may be written.
    pub(crate) fn may_write(&self) -> bool {
        let mut window = self.window();
        if window.since.elapsed() >= WINDOW && window.held_back == 0 {
            window.begin();
        }
        if window.written < LINES {
            window.written += 1;
            return true;
        }
        window.held_back += 1;
        false
    }

    /// How many lines were held back in a window that is over: to be said once, and then forgotten.
    pub(crate) fn held_back(&self) -> Option<u64> {
        let mut window = self.window();
        if window.since.elapsed() < WINDOW || window.held_back == 0 {
            return None;
        }
        let held_back = window.held_back;
        window.begin();
        Some(held_back)
    }

    /// All that is not said yet: when the process ends.
    pub(crate) fn rest(&self) -> Option<u64> {
        let mut window = self.window();
        let held_back = window.held_back;
        window.begin();
        (held_back > 0).then_some(held_back)
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn begin(&mut self) {
        *self = Self {
            since: Instant::now(),
            written: 0,
            held_back: 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flooded() -> Flood {
        let flood = Flood::default();
        let written = (0..1000).filter(|_| flood.may_write()).count();
        assert_eq!(written, 10);
        flood
    }

    fn end(flood: &Flood) {
        flood.window().since = Instant::now().checked_sub(WINDOW).unwrap();
    }

    #[test]
    fn a_flood_is_ten_lines_and_a_number_that_is_said_once() {
        let flood = flooded();
        assert_eq!(flood.held_back(), None);
        end(&flood);
        assert_eq!(flood.held_back(), Some(990));
        assert_eq!(flood.held_back(), None);
        assert!(flood.may_write());
    }

    #[test]
    fn lines_that_come_seldom_are_all_written() {
        let flood = Flood::default();
        for _ in 0..100 {
            end(&flood);
            assert!(flood.may_write());
        }
        assert_eq!(flood.rest(), None);
    }

    #[test]
    fn what_was_not_said_yet_is_said_in_the_end() {
        let flood = flooded();
        assert_eq!(flood.rest(), Some(990));
        assert_eq!(flood.rest(), None);
    }
}
