//! Whether the system's clock was set while the process ran: seen by a clock that only ever goes on.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// Two looks at both clocks are never this far apart by themselves, and no lease is as short.
const SET: SignedDuration = SignedDuration::from_secs(9);

/// The two clocks as they were last looked at.
pub(crate) struct Clocks {
    wall: Timestamp,
    at: Instant,
}

/// How the system's clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// By so much, or the machine slept for so long.
    Forward(SignedDuration),
    /// By so much.
    Back(SignedDuration),
}

impl Clocks {
    /// As they are now.
    pub(crate) fn now() -> Self {
        Self {
            wall: Timestamp::now(),
            at: Instant::now(),
        }
    }

    /// What happened since the last look. Small differences are not added up: a clock that is slewed was not set.
    pub(crate) fn look(&mut self, now: Self) -> Option<Set> {
        let before = std::mem::replace(self, now);
        let passed = SignedDuration::try_from(self.at.saturating_duration_since(before.at));
        let moved = self.wall.duration_since(before.wall);
        let difference = moved.saturating_sub(passed.unwrap_or(SignedDuration::MAX));
        if difference >= SET {
            Some(Set::Forward(difference))
        } else if difference <= -SET {
            Some(Set::Back(difference.abs()))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn later(clocks: &Clocks, wall: i64, really: u64) -> Clocks {
        Clocks {
            wall: clocks.wall + SignedDuration::from_secs(wall),
            at: clocks.at + Duration::from_secs(really),
        }
    }

    #[test]
    fn a_clock_that_is_set_is_told_from_one_that_goes_on_or_is_slewed() {
        let mut clocks = Clocks::now();
        for (wall, really, set) in [
            (60, 60, None),
            (63, 60, None),
            (57, 60, None),
            (-3540, 60, Some(Set::Back(SignedDuration::from_hours(1)))),
            (60, 60, None),
            (3660, 60, Some(Set::Forward(SignedDuration::from_hours(1)))),
        ] {
            let now = later(&clocks, wall, really);
            assert_eq!(clocks.look(now), set, "{wall} s in {really} s");
        }
    }

    #[test]
    fn many_small_differences_are_no_setting() {
        let mut clocks = Clocks::now();
        for _ in 0..100 {
            let now = later(&clocks, 2, 1);
            assert_eq!(clocks.look(now), None);
        }
    }
}
