//! `./proto-tests/soak`: chaos for a while, and then three ledgers that have to agree.
//!
//! Two processes of certway-ra share one PostgreSQL. One of them is killed every few seconds, now and then both, or the database; the CA behind
//! breaks connections before and after it has acted, is silent, busy, makes requests wait and refuses confirmations. Clients of every door send
//! the same again until they are answered. When it is over and nothing is under way any more, what the CA says of every certificate, what the
//! journal says and what the clients hold are compared.

mod chaos;
mod clients;
mod dice;
mod ledgers;
pub mod options;
mod site;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::scripted::{Fault, Habits, ScriptedCa};

use chaos::{Chaos, Trouble};
use clients::Customers;
use dice::{Dice, SharedDice};
use site::Site;

pub use ledgers::Verdict;
pub use options::{Kind, Options};

/// For how long what was begun may take after the last disturbance. A request that could not be put to the CA rests as long as it has lasted.
const QUIESCENCE: Duration = Duration::from_secs(180);

/// Runs it. The verdict has what was counted, and every disagreement.
///
/// # Errors
/// When something that is not under test fails: PostgreSQL, say.
pub fn run(options: &Options) -> Result<Verdict, String> {
    let mut dice = Dice::new(options.seed);
    let trouble = Arc::new(Trouble::default());
    let calm = Arc::new(AtomicBool::new(false));
    let ca = ScriptedCa::start_with(habits(options.ca), {
        let (dice, trouble, calm) = (
            SharedDice::new(dice.fork()),
            Arc::clone(&trouble),
            Arc::clone(&calm),
        );
        move |message| {
            if calm.load(Ordering::SeqCst) {
                return Fault::None;
            }
            let fault = fault(&dice, message.body().name());
            trouble.note(fault);
            fault
        }
    });
    let site = Site::start(&ca, options.ca)?;
    let customers = Customers::new(&site.doors);
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let give_up = until + QUIESCENCE;
    let mut chaos = Chaos::new(site.nodes, &site.server, dice.fork());
    let disturbed = thread::scope(|scope| {
        for _ in 0..options.clients {
            let (customers, dice) = (&customers, dice.fork());
            scope.spawn(move || customers.come(until, give_up, dice));
        }
        let disturbed = chaos.until(until);
        calm.store(true, Ordering::SeqCst);
        disturbed
    })?;
    let settled = ledgers::settle(&site.ledger, give_up);
    let customers = customers.leave();
    Ok(ledgers::compare(
        &ca.records(),
        &site.ledger.all(),
        &customers,
        settled,
        &ledgers::Told {
            disturbed,
            faults: trouble.counts(),
        },
    ))
}

fn habits(kind: Kind) -> Habits {
    match kind {
        Kind::Repeats => Habits {
            repeats: true,
            ..Habits::default()
        },
        Kind::Forgets => Habits {
            withdraws: true,
            forgets: true,
            ..Habits::default()
        },
    }
}

/// About every fifth message goes wrong.
fn fault(dice: &SharedDice, kind: &str) -> Fault {
    let dice = &mut *dice.hold();
    match (dice.below(100), kind) {
        (0..5, _) => Fault::Lost,
        (5..9, _) => Fault::Unheard,
        (9..12, _) => Fault::Busy,
        (12..14, _) => Fault::Late,
        (14..24, "ir" | "cr" | "p10cr") => {
            Fault::Wait(u32::try_from(dice.below(3)).unwrap_or(0) + 1)
        }
        (14..17, "certConf") => Fault::Refuse,
        _ => Fault::None,
    }
}
