use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use pki::Certificate;

use crate::client::Door;
use crate::record::{Ledger, Record};
use crate::scripted::Fate;

use super::chaos::Disturbed;
use super::clients::{End, Kept};

/// What happened meanwhile.
pub(crate) struct Told {
    pub(crate) disturbed: Disturbed,
    pub(crate) faults: BTreeMap<&'static str, u32>,
}

/// What was counted, and what does not agree.
#[derive(Debug, Default)]
pub struct Verdict {
    lines: Vec<String>,
    /// Every disagreement, in words. None is what it is run for.
    pub disagreements: Vec<String>,
}

/// One certificate in the three ledgers.
#[derive(Default)]
struct Seen<'l> {
    at_ca: Option<Fate>,
    journal: Vec<&'l Record>,
    clients: Vec<&'l Kept>,
}

/// Waits until nothing is under way in the journal; how long that took, or nothing when it did not come.
pub(crate) fn settle(ledger: &Ledger, give_up: Instant) -> Option<Duration> {
    let begun = Instant::now();
    loop {
        if ledger.all().iter().all(|record| !record.runs) {
            return Some(begun.elapsed());
        }
        if Instant::now() > give_up {
            return None;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Holds the ledgers against each other.
pub(crate) fn compare(
    ca: &[(Certificate, Fate)],
    journal: &[Record],
    clients: &[Kept],
    settled: Option<Duration>,
    told: &Told,
) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.count(ca, journal, clients, settled, told);
    for record in journal.iter().filter(|record| record.runs) {
        verdict.disagree(format!(
            "a request is still under way: {:?}",
            record.history
        ));
    }
    for kept in clients {
        match &kept.end {
            End::Unanswered(last) => {
                verdict.disagree(format!(
                    "{:?}: no final answer; the last was {last}",
                    kept.door
                ));
            }
            _ if kept.got.len() > 1 => {
                verdict.disagree(format!("{:?}: one request, two certificates", kept.door));
            }
            _ => {}
        }
    }
    let mut refused_late = 0;
    for (serial, seen) in by_certificate(ca, journal, clients) {
        match seen.disagreement() {
            Ok(Agreement::RefusedLate) => refused_late += 1,
            Ok(Agreement::Same) => {}
            Err(why) => verdict.disagree(format!(
                "certificate {serial}: {why}; CA {:?}, journal {:?}, clients {:?}",
                seen.at_ca,
                seen.journal
                    .iter()
                    .map(|record| &record.history)
                    .collect::<Vec<_>>(),
                seen.clients
                    .iter()
                    .map(|kept| kept.door)
                    .collect::<Vec<_>>(),
            )),
        }
    }
    verdict.lines.push(format!(
        "confirmed by a CMP client before the CA was told, and then refused by it: {refused_late}"
    ));
    verdict
}

fn by_certificate<'l>(
    ca: &'l [(Certificate, Fate)],
    journal: &'l [Record],
    clients: &'l [Kept],
) -> HashMap<String, Seen<'l>> {
    let mut all: HashMap<String, Seen<'_>> = HashMap::new();
    let name = |certificate: &Certificate| hex::encode(certificate.serial());
    for (certificate, fate) in ca {
        all.entry(name(certificate)).or_default().at_ca = Some(*fate);
    }
    for record in journal {
        if let Some(certificate) = &record.certificate {
            all.entry(name(certificate))
                .or_default()
                .journal
                .push(record);
        }
    }
    for kept in clients {
        for certificate in &kept.got {
            all.entry(name(certificate)).or_default().clients.push(kept);
        }
    }
    all
}

/// How ledgers may stand to each other.
enum Agreement {
    /// They say the same.
    Same,
    /// The client said that it takes the certificate, which was durable, and the CA refused to hear that: journal and CA agree that it does not
    /// count, and the client learns it as of any revoked certificate.
    RefusedLate,
}

impl Seen<'_> {
    fn disagreement(&self) -> Result<Agreement, &'static str> {
        let ended = |how: &str| self.journal.iter().all(|record| record.end() == how);
        match (self.at_ca, self.journal.len(), self.clients.len()) {
            (None, _, _) => Err("the CA never issued it"),
            (Some(_), 2.., _) => Err("two requests have it"),
            (Some(_), _, 2..) => Err("two clients have it"),
            (Some(Fate::Confirmed), 1, 1) if ended("confirmed") => Ok(Agreement::Same),
            (Some(Fate::Confirmed), ..) => Err("it counts at the CA"),
            (Some(_), 0, 0) => Ok(Agreement::Same),
            (Some(_), 1, 0) if !ended("confirmed") => Ok(Agreement::Same),
            (Some(Fate::Withdrawn), 1, 1)
                if ended("withdrawn") && self.clients[0].door == Door::CmpExplicit =>
            {
                Ok(Agreement::RefusedLate)
            }
            (Some(_), ..) => Err("it does not count at the CA"),
        }
    }
}

impl Verdict {
    fn disagree(&mut self, what: String) {
        self.disagreements.push(what);
    }

    fn count(
        &mut self,
        ca: &[(Certificate, Fate)],
        journal: &[Record],
        clients: &[Kept],
        settled: Option<Duration>,
        told: &Told,
    ) {
        let Disturbed {
            one_killed,
            both_killed,
            database_crashed,
        } = told.disturbed;
        self.lines.push(format!(
            "killed: one process {one_killed} times, both {both_killed} times, the database {database_crashed} times"
        ));
        self.lines
            .push(format!("messages to the CA: {:?}", told.faults));
        let mut ends: BTreeMap<String, u32> = BTreeMap::new();
        for kept in clients {
            let end = match &kept.end {
                End::Certificate => "certificate".to_owned(),
                End::Refused(why) => why.clone(),
                End::Unanswered(_) => "no answer".to_owned(),
            };
            *ends.entry(format!("{:?}: {end}", kept.door)).or_default() += 1;
        }
        for (end, count) in ends {
            self.lines.push(format!("clients: {count:6} {end}"));
        }
        let mut took: Vec<Duration> = clients.iter().map(|kept| kept.took).collect();
        took.sort_unstable();
        if let (Some(median), Some(longest)) = (took.get(took.len() / 2), took.last()) {
            self.lines.push(format!(
                "clients waited {:.1} s in the median, {:.0} s at most",
                median.as_secs_f64(),
                longest.as_secs_f64()
            ));
        }
        let fates = |fate| ca.iter().filter(|(_, its)| *its == fate).count();
        self.lines.push(format!(
            "the CA issued {}: {} count, {} were taken back, {} were never confirmed",
            ca.len(),
            fates(Fate::Confirmed),
            fates(Fate::Withdrawn),
            fates(Fate::Unconfirmed)
        ));
        let mut phases: BTreeMap<&str, u32> = BTreeMap::new();
        for record in journal {
            *phases.entry(record.end()).or_default() += 1;
        }
        self.lines
            .push(format!("the journal's requests: {phases:?}"));
        self.lines.push(match settled {
            Some(span) => format!("settled {:.0} s after the last client", span.as_secs_f64()),
            None => "did not settle".to_owned(),
        });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        match self.disagreements.len() {
            0 => write!(f, "CA, journal and clients agree on every certificate"),
            count => {
                writeln!(f, "{count} DISAGREEMENTS, the first of them:")?;
                let first: Vec<&str> = self
                    .disagreements
                    .iter()
                    .take(20)
                    .map(String::as_str)
                    .collect();
                f.write_str(&first.join("\n"))
            }
        }
    }
}
