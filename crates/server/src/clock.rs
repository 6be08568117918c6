//! Whether the system's clock was set while the process ran: seen by a clock that only ever goes on.

use std::time::{Duration, Instant};

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

/// For how long a clock that was far ahead of what was known has to go on before anything is taken for old by it.
const SETTLED: Duration = Duration::from_secs(3600);
/// What it was set forward by less than this makes nothing old.
const FAR: SignedDuration = SignedDuration::from_mins(10);

/// Whether what the clock says may make something old: what is deleted for its age does not come back when the clock is right again.
pub(crate) struct Belief {
    clocks: Clocks,
    doubted_at: Option<Instant>,
}

/// What a look did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Believed {
    Yes,
    /// From this look on, since the clock is so much ahead of what was known.
    NotFromNow(SignedDuration),
    NotYet,
}

impl Belief {
    /// `known` is the newest time that was written down before: whoever finds the clock far ahead of it waits as after a setting.
    pub(crate) fn begin(known: Option<Timestamp>, now: Clocks) -> (Self, Believed) {
        let ahead = known.map(|known| now.wall.duration_since(known));
        let ahead = ahead.filter(|ahead| *ahead > SignedDuration::from_hours(24));
        let doubted_at = ahead.map(|_| now.at);
        let belief = Self {
            clocks: now,
            doubted_at,
        };
        (belief, ahead.map_or(Believed::Yes, Believed::NotFromNow))
    }

    /// What to make of the clock now.
    pub(crate) fn look(&mut self, now: Clocks) -> Believed {
        let at = now.at;
        match self.clocks.look(now) {
            Some(Set::Forward(by)) if by >= FAR => {
                self.doubted_at = Some(at);
                return Believed::NotFromNow(by);
            }
            Some(Set::Back(by)) if by >= FAR => self.doubted_at = None,
            _ => {}
        }
        let settled = |since: Instant| at.saturating_duration_since(since) >= SETTLED;
        match self.doubted_at {
            Some(since) if !settled(since) => Believed::NotYet,
            _ => {
                self.doubted_at = None;
                Believed::Yes
            }
        }
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_clock_that_jumps_ahead_makes_nothing_old_until_it_went_on_for_an_hour() {
        const YEAR: i64 = 365 * 24 * 3600;
        let ahead = Believed::NotFromNow(SignedDuration::from_secs(YEAR));
        let start = Clocks::now();
        let (mut belief, begun) = Belief::begin(Some(start.wall), later(&start, 60, 60));
        assert_eq!(begun, Believed::Yes);
        for (wall, really, expected) in [
            (120, 120, Believed::Yes),
            // For a moment and back.
            (YEAR + 180, 180, ahead),
            (YEAR + 240, 240, Believed::NotYet),
            (300, 300, Believed::Yes),
            // For good: a machine that slept for a year.
            (YEAR + 360, 360, ahead),
            (YEAR + 3900, 3900, Believed::NotYet),
            (YEAR + 3960, 3960, Believed::Yes),
            (YEAR + 4020, 4020, Believed::Yes),
        ] {
            let now = later(&start, wall, really);
            assert_eq!(belief.look(now), expected, "{wall} s in {really} s");
        }
    }

    #[test]
    fn who_starts_with_a_clock_far_ahead_of_what_was_written_takes_nothing_for_old_either() {
        let start = Clocks::now();
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let (mut belief, begun) = Belief::begin(Some(start.wall - days(400)), later(&start, 0, 0));
        assert_eq!(begun, Believed::NotFromNow(days(400)));
        assert_eq!(belief.look(later(&start, 60, 60)), Believed::NotYet);
        assert_eq!(belief.look(later(&start, 3600, 3600)), Believed::Yes);
        let (_, empty) = Belief::begin(None, Clocks::now());
        assert_eq!(empty, Believed::Yes);
    }
}
