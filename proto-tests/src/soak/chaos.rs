use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::postgres::Server;
use crate::scripted::Fault;

use super::dice::Dice;
use super::site::Node;

/// Kills processes and the database.
pub(crate) struct Chaos<'s> {
    nodes: [Node; 2],
    server: &'s Server,
    dice: Dice,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disturbed {
    pub(crate) one_killed: u32,
    pub(crate) both_killed: u32,
    pub(crate) database_crashed: u32,
}

/// What went wrong at the CA, by its kind.
#[derive(Default)]
pub(crate) struct Trouble(Mutex<BTreeMap<&'static str, u32>>);

impl Trouble {
    pub(crate) fn note(&self, fault: Fault) {
        let name = match fault {
            Fault::None => "none",
            Fault::Unheard => "broken off before",
            Fault::Lost => "broken off after",
            Fault::Late => "silent",
            Fault::Busy => "503",
            Fault::Wait(_) => "waiting",
            Fault::Refuse => "confirmation refused",
        };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(name).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u32> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<'s> Chaos<'s> {
    pub(crate) fn new(nodes: [Node; 2], server: &'s Server, dice: Dice) -> Self {
        Self {
            nodes,
            server,
            dice,
        }
    }

    /// Disturbs until then; at the end everything runs.
    pub(crate) fn until(&mut self, end: Instant) -> Result<Disturbed, String> {
        let mut done = Disturbed::default();
        loop {
            self.pause(500, 4_000);
            if Instant::now() >= end {
                return Ok(done);
            }
            match self.dice.below(20) {
                0..3 => {
                    self.server.stop()?;
                    self.pause(0, 2_000);
                    self.server.go()?;
                    done.database_crashed += 1;
                }
                3..5 => {
                    self.nodes.iter_mut().for_each(Node::kill);
                    self.pause(0, 1_000);
                    self.nodes.iter_mut().for_each(Node::restart);
                    done.both_killed += 1;
                }
                number => {
                    let node = usize::from(number % 2 == 0);
                    self.nodes[node].kill();
                    self.pause(0, 3_000);
                    self.nodes[node].restart();
                    done.one_killed += 1;
                }
            }
        }
    }

    /// Chaos is made by time passing: nothing is waited for.
    fn pause(&mut self, least: u64, most: u64) {
        let milliseconds = least + self.dice.below(most - least);
        thread::sleep(Duration::from_millis(milliseconds));
    }
}
