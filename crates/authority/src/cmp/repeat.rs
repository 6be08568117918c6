use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pkixcmp::PkiFailureInfo;

use super::config::Quirks;

/// Transactions whose first message this process has sent without getting an answer: what it says next about them is said to a
/// repeat. Bounded; what is pushed out is known as a repeat by its age.
#[derive(Default)]
pub(crate) struct Tried(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

const MOST: usize = 10_000;

impl Tried {
    /// Notes that the first message of a transaction may have reached the CA.
    pub(crate) fn note(&self, transaction: [u8; 16]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.known.insert(transaction) {
            return;
        }
        kept.order.push_back(transaction);
        if kept.order.len() > MOST
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.known.remove(&oldest);
        }
    }

    /// Whether a message made at `begun` may have been sent before. After a crash nobody knows; but a row is carried on by
    /// another process only when its lease is over, which is longer than any exchange may take.
    pub(crate) fn is_repeat(
        &self,
        transaction: [u8; 16],
        begun: Timestamp,
        total: Duration,
        now: Timestamp,
    ) -> bool {
        let exchange = SignedDuration::try_from(total).unwrap_or(SignedDuration::MAX);
        let noted = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .known
            .contains(&transaction);
        noted || now.duration_since(begun) >= exchange
    }
}

/// What a rejection of a first message means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The CA refuses what was asked.
    Refused,
    /// It has seen the message before and will answer the same again later.
    StillBusy,
    /// It has seen the message before, perhaps issued, and will not say what it said.
    Lost,
}

/// transactionIdInUse always means that the CA knows the message: nobody else draws the same 128 bits. Other reasons mean that
/// only where the message was sent before, and only those that are configured.
pub(crate) fn meaning(failure: PkiFailureInfo, is_repeat: bool, quirks: &Quirks) -> Meaning {
    let in_use = failure.contains(PkiFailureInfo::TRANSACTION_ID_IN_USE);
    let any = failure.mask() & quirks.refuses_repeats_with.mask() != 0;
    match (in_use || (is_repeat && any), quirks.repeats) {
        (false, _) => Meaning::Refused,
        (true, true) => Meaning::StillBusy,
        (true, false) => Meaning::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_message_is_a_repeat_once_it_may_have_arrived_or_is_older_than_any_exchange() {
        let tried = Tried::default();
        assert!(!tried.is_repeat([1; 16], at(0), TOTAL, at(1)));
        assert!(tried.is_repeat([1; 16], at(0), TOTAL, at(30)));
        tried.note([1; 16]);
        assert!(tried.is_repeat([1; 16], at(0), TOTAL, at(1)));
        assert!(!tried.is_repeat([2; 16], at(0), TOTAL, at(1)));
    }

    #[test]
    fn the_memory_of_tries_is_bounded() {
        let tried = Tried::default();
        for number in 0..=(MOST as u128) {
            tried.note(number.to_be_bytes());
        }
        assert!(
            !tried.is_repeat(0u128.to_be_bytes(), at(0), TOTAL, at(1)),
            "the oldest went"
        );
        assert!(tried.is_repeat(1u128.to_be_bytes(), at(0), TOTAL, at(1)));
    }

    #[test]
    fn transaction_id_in_use_is_lost_unless_the_ca_repeats() {
        let in_use = PkiFailureInfo::TRANSACTION_ID_IN_USE;
        let repeats = Quirks {
            repeats: true,
            ..Quirks::default()
        };
        for is_repeat in [false, true] {
            assert_eq!(
                meaning(in_use, is_repeat, &Quirks::default()),
                Meaning::Lost
            );
            assert_eq!(meaning(in_use, is_repeat, &repeats), Meaning::StillBusy);
        }
    }

    #[test]
    fn bad_request_is_a_refusal_of_a_first_message_and_the_end_of_a_repeated_one() {
        let bad = PkiFailureInfo::BAD_REQUEST;
        assert_eq!(meaning(bad, false, &Quirks::default()), Meaning::Refused);
        assert_eq!(meaning(bad, true, &Quirks::default()), Meaning::Lost);
        let strict = Quirks {
            refuses_repeats_with: PkiFailureInfo::NONE,
            ..Quirks::default()
        };
        assert_eq!(meaning(bad, true, &strict), Meaning::Refused);
    }

    #[test]
    fn any_other_reason_is_a_refusal_even_of_a_repeat() {
        assert_eq!(
            meaning(PkiFailureInfo::BAD_POP, true, &Quirks::default()),
            Meaning::Refused
        );
        assert_eq!(
            meaning(PkiFailureInfo::NONE, true, &Quirks::default()),
            Meaning::Refused
        );
    }
}
