use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use pkixcmp::PkiFailureInfo;
use pkixcmp::client::Rejection;

use super::config::Quirks;

/// Transactions in which this process has sent a message without getting an answer: what the CA says next about it is said to a
/// repeat. Bounded; what is pushed out is known as a repeat by its age.
#[derive(Default)]
pub(crate) struct Tried(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

const MOST: usize = 10_000;
/// For how long a CA that repeats its answers may say, instead, that it knows the request. One that never says more does not repeat.
const LONGEST_BUSY: SignedDuration = SignedDuration::from_mins(2);

/// What is known of a message when the CA answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether it may have been sent before.
    pub(crate) is_repeat: bool,
    /// Since it was made.
    pub(crate) age: SignedDuration,
}

impl Tried {
    /// Notes that the message may have reached the CA.
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

    /// How a message made at `begun` stands. Whether it may have been sent before is not known of other processes, which go on with a row as
    /// soon as it is due again; but that is never sooner than [`ra::SOONEST`] after the message was made and sent for the first time.
    pub(crate) fn standing(
        &self,
        transaction: [u8; 16],
        begun: Timestamp,
        now: Timestamp,
    ) -> Standing {
        let noted = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .known
            .contains(&transaction);
        let age = now.duration_since(begun);
        Standing {
            is_repeat: noted || age >= ra::SOONEST,
            age,
        }
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
pub(crate) fn meaning(failure: PkiFailureInfo, standing: Standing, quirks: &Quirks) -> Meaning {
    let Standing { is_repeat, age } = standing;
    let in_use = failure.contains(PkiFailureInfo::TRANSACTION_ID_IN_USE);
    let any = failure.mask() & quirks.refuses_repeats_with.mask() != 0;
    match (in_use || (is_repeat && any), quirks.repeats) {
        (false, _) => Meaning::Refused,
        (true, true) if age < LONGEST_BUSY => Meaning::StillBusy,
        (true, _) => Meaning::Lost,
    }
}

/// Whether a CA that refuses a poll says no more than that it does not know what is polled for, or not any more.
pub(crate) fn is_forgotten(rejection: &Rejection, quirks: &Quirks) -> bool {
    let unknown = PkiFailureInfo::TRANSACTION_ID_IN_USE | PkiFailureInfo::BAD_RECIPIENT_NONCE;
    let any = unknown | quirks.refuses_repeats_with;
    rejection.of_message && rejection.failure.mask() & any.mask() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn standing(is_repeat: bool) -> Standing {
        Standing {
            is_repeat,
            age: SignedDuration::from_secs(1),
        }
    }

    #[test]
    fn a_message_is_a_repeat_once_it_may_have_arrived_or_another_process_may_have_sent_it() {
        let tried = Tried::default();
        assert!(!tried.standing([1; 16], at(0), at(0)).is_repeat);
        assert!(tried.standing([1; 16], at(0), at(1)).is_repeat);
        tried.note([1; 16]);
        assert!(tried.standing([1; 16], at(0), at(0)).is_repeat);
        assert!(!tried.standing([2; 16], at(0), at(0)).is_repeat);
    }

    #[test]
    fn the_memory_of_tries_is_bounded() {
        let tried = Tried::default();
        for number in 0..=(MOST as u128) {
            tried.note(number.to_be_bytes());
        }
        assert!(
            !tried.standing(0u128.to_be_bytes(), at(0), at(0)).is_repeat,
            "the oldest went"
        );
        assert!(tried.standing(1u128.to_be_bytes(), at(0), at(0)).is_repeat);
    }

    #[test]
    fn transaction_id_in_use_is_lost_unless_the_ca_repeats() {
        let in_use = PkiFailureInfo::TRANSACTION_ID_IN_USE;
        let repeats = Quirks {
            repeats: true,
            ..Quirks::default()
        };
        for is_repeat in [false, true] {
            let standing = standing(is_repeat);
            let without = meaning(in_use, standing, &Quirks::default());
            assert_eq!(without, Meaning::Lost);
            assert_eq!(meaning(in_use, standing, &repeats), Meaning::StillBusy);
        }
    }

    #[test]
    fn a_ca_that_is_said_to_repeat_and_does_not_is_believed_after_two_minutes() {
        let repeats = Quirks {
            repeats: true,
            ..Quirks::default()
        };
        let in_use = PkiFailureInfo::TRANSACTION_ID_IN_USE;
        let aged = |seconds| Standing {
            is_repeat: true,
            age: SignedDuration::from_secs(seconds),
        };
        assert_eq!(meaning(in_use, aged(119), &repeats), Meaning::StillBusy);
        assert_eq!(meaning(in_use, aged(120), &repeats), Meaning::Lost);
    }

    #[test]
    fn bad_request_is_a_refusal_of_a_first_message_and_the_end_of_a_repeated_one() {
        let bad = PkiFailureInfo::BAD_REQUEST;
        assert_eq!(
            meaning(bad, standing(false), &Quirks::default()),
            Meaning::Refused
        );
        assert_eq!(
            meaning(bad, standing(true), &Quirks::default()),
            Meaning::Lost
        );
        let strict = Quirks {
            refuses_repeats_with: PkiFailureInfo::NONE,
            ..Quirks::default()
        };
        assert_eq!(meaning(bad, standing(true), &strict), Meaning::Refused);
    }

    #[test]
    fn any_other_reason_is_a_refusal_even_of_a_repeat() {
        assert_eq!(
            meaning(PkiFailureInfo::BAD_POP, standing(true), &Quirks::default()),
            Meaning::Refused
        );
        assert_eq!(
            meaning(PkiFailureInfo::NONE, standing(true), &Quirks::default()),
            Meaning::Refused
        );
    }
}
