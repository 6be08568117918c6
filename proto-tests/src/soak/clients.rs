use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pki::Certificate;
use pkixcmp::PkiFailureInfo;

use crate::client::{Client, Door, Doors, Refused};
use crate::https::Answer;

use super::dice::Dice;

const DOORS: [Door; 4] = [Door::V1, Door::V2, Door::CmpImplicit, Door::CmpExplicit];

/// Everyone who ever asked, and what they keep.
pub(crate) struct Customers<'s> {
    doors: &'s [Doors; 2],
    kept: Mutex<Vec<Kept>>,
}

/// One request of one client.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) door: Door,
    /// Every certificate it was ever given for it.
    pub(crate) got: Vec<Certificate>,
    pub(crate) end: End,
    /// How long it took.
    pub(crate) took: Duration,
}

/// How a request ended for its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Certificate,
    Refused(String),
    /// It gave up.
    Unanswered(String),
}

impl<'s> Customers<'s> {
    pub(crate) fn new(doors: &'s [Doors; 2]) -> Self {
        Self {
            doors,
            kept: Mutex::default(),
        }
    }

    /// What they keep.
    pub(crate) fn leave(self) -> Vec<Kept> {
        self.kept
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// One client after the other, until `until`; whoever has begun goes on until it is answered, or until `give_up`.
    pub(crate) fn come(&self, until: Instant, give_up: Instant, mut dice: Dice) {
        while Instant::now() < until {
            let door = DOORS[usize::try_from(dice.below(4)).unwrap_or(0)];
            let name = format!("soak-{:016x}", dice.below(u64::MAX));
            let mut client = Client::new(door, &self.doors[0], &name);
            let mut kept = self.served(door, &mut client, give_up, &mut dice);
            if let End::Refused(_) = kept.end
                && dice.below(2) == 0
            {
                self.keep(kept);
                let mut again = client.anew(door, &self.doors[0]);
                kept = self.served(door, &mut again, give_up, &mut dice);
            }
            self.keep(kept);
            thread::sleep(Duration::from_millis(dice.below(100)));
        }
    }

    fn keep(&self, kept: Kept) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(kept);
    }

    fn served(&self, door: Door, client: &mut Client, give_up: Instant, dice: &mut Dice) -> Kept {
        let begun = Instant::now();
        let mut got = Vec::new();
        let end = self.answered(door, client, give_up, dice);
        if let Ok(certificate) = &end {
            got.push(certificate.clone());
            // Some ask once more for what they have.
            if dice.below(4) == 0
                && let Ok(again) = self.answered(door, client, give_up, dice)
                && again != *certificate
            {
                got.push(again);
            }
        }
        Kept {
            door,
            got,
            end: end.map_or_else(|end| end, |_| End::Certificate),
            took: begun.elapsed(),
        }
    }

    /// Sends the same to whoever is there until there is an answer that is one.
    fn answered(
        &self,
        door: Door,
        client: &mut Client,
        give_up: Instant,
        dice: &mut Dice,
    ) -> Result<Certificate, End> {
        let mut last = String::from("nothing was sent");
        while Instant::now() < give_up {
            let doors = &self.doors[usize::from(dice.below(2) == 0)];
            match client.send_to(doors) {
                Ok(answer) if is_for_later(door, &answer) || !client.believes(&answer) => {
                    last = format!("{} {}", answer.status, answer.text());
                }
                Ok(answer) => match client.hear(&answer) {
                    Some(Ok(certificate)) => return Ok(certificate),
                    Some(Err(Refused::Cmp(failure)))
                        if failure.contains(PkiFailureInfo::SYSTEM_UNAVAIL) =>
                    {
                        last = failure.to_string();
                    }
                    Some(Err(why)) => return Err(End::Refused(format!("{why:?}"))),
                    // More is to be said: at once.
                    None => continue,
                },
                Err(error) => last = error.to_string(),
            }
            thread::sleep(Duration::from_millis(50 + dice.below(250)));
        }
        Err(End::Unanswered(last))
    }
}

/// Whether the answer says no more than that the service cannot do it now. Clients of REST v1 know nothing but to try again.
fn is_for_later(door: Door, answer: &Answer) -> bool {
    match door {
        Door::V1 | Door::V1Update => answer.status != 200,
        Door::V2 => matches!(answer.status, 429 | 500 | 503 | 504),
        Door::CmpImplicit | Door::CmpExplicit => false,
    }
}
