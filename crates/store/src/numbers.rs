use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

const SEQUENCE_BITS: u32 = 10;
const NODE_BITS: u32 = 11;
/// 2020-01-01T00:00:00Z in milliseconds.
const EPOCH_MS: i64 = 1_577_836_800_000;

/// Row numbers that grow with time and differ between processes on one database: milliseconds, a random number of
/// this process, a counter. Growing numbers append to the tables' trees instead of writing a page per row.
///
/// Two processes clash only with the same random number in the same millisecond; the database refuses the second row
/// then, and [`Numbers::reroll`] gives the next one another number.
pub(crate) struct Numbers {
    node: AtomicI64,
    last: AtomicI64,
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self {
            node: AtomicI64::new(random_node()),
            last: AtomicI64::new(0),
        }
    }

    /// The next number; greater than any before it in this process, also when the clock steps back.
    pub(crate) fn next(&self) -> i64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.next_at(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }

    /// Takes another random number, after a clash.
    pub(crate) fn reroll(&self) {
        self.node.store(random_node(), Ordering::Relaxed);
    }

    fn next_at(&self, unix_ms: i64) -> i64 {
        let node = self.node.load(Ordering::Relaxed) << SEQUENCE_BITS;
        let of = |ms: i64| (ms << (NODE_BITS + SEQUENCE_BITS)) | node;
        let from_clock = of((unix_ms - EPOCH_MS).clamp(0, (1 << 42) - 1));
        let step = |last: i64| {
            let sequence_is_full = (last + 1) & ((1 << SEQUENCE_BITS) - 1) == 0;
            let following = if sequence_is_full {
                of((last >> (NODE_BITS + SEQUENCE_BITS)) + 1)
            } else {
                last + 1
            };
            following.max(from_clock)
        };
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let next = step(last);
            match self
                .last
                .compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return next,
                Err(actual) => last = actual,
            }
        }
    }
}

/// No row begun before `at` has a number as great; every one begun later has a greater.
pub(crate) fn first_at(at: Timestamp) -> i64 {
    let ms = at.as_millisecond().saturating_sub(EPOCH_MS);
    ms.clamp(0, (1 << 42) - 1) << (NODE_BITS + SEQUENCE_BITS)
}

/// When the row with this number was begun, to the millisecond.
pub(crate) fn begun_at(number: i64) -> Timestamp {
    let ms = (number >> (NODE_BITS + SEQUENCE_BITS)).saturating_add(EPOCH_MS);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

fn random_node() -> i64 {
    // Nothing secret: the standard library's per-process hash keys are random enough, and cost no start-up time.
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    i64::try_from(random & ((1 << NODE_BITS) - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_even_when_the_clock_steps_back() {
        let numbers = Numbers::new();
        let mut last = 0;
        for ms in [
            1_800_000_000_000,
            1_800_000_000_001,
            1_700_000_000_000,
            1_700_000_000_000,
            0,
        ] {
            let next = numbers.next_at(ms);
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn a_time_parts_the_rows_begun_before_it_from_those_begun_later() {
        let numbers = Numbers::new();
        let before = numbers.next_at(1_800_000_000_000);
        let bound = first_at(Timestamp::from_millisecond(1_800_000_000_001).unwrap());
        let after = numbers.next_at(1_800_000_000_001);
        assert!(before < bound && bound <= after);
        assert_eq!(first_at(Timestamp::MIN), 0);
        assert_eq!(begun_at(after).as_millisecond(), 1_800_000_000_001);
    }

    #[test]
    fn a_full_millisecond_borrows_from_the_next_and_stays_with_its_process() {
        let numbers = Numbers::new();
        let all: Vec<i64> = (0..5_000)
            .map(|_| numbers.next_at(1_800_000_000_000))
            .collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        let node = |id: i64| (id >> SEQUENCE_BITS) & ((1 << NODE_BITS) - 1);
        assert!(all.iter().all(|id| node(*id) == node(all[0])));
    }
}
