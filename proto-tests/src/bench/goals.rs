//! Where we stand: every goal beside what was measured.

use std::fmt;

use super::cells::{CA_ALONE, CA_SALTED, CMP_EXPLICIT, CMP_IMPLICIT, REST_V2};
use super::figures::middle;
use super::stubborn::WAITING;
use super::table::Table;

/// The table of goals for what a run has.
pub(crate) struct Goals<'a>(pub(crate) &'a Table<'a>);

/// One goal: at most, or at least, so much.
enum Bound {
    Most(f64),
    Least(f64),
}

struct Goal {
    what: String,
    bound: Bound,
    found: f64,
    digits: usize,
}

impl Goal {
    fn kept(&self) -> bool {
        match self.bound {
            Bound::Most(most) => self.found <= most,
            Bound::Least(least) => self.found >= least,
        }
    }
}

impl Goals<'_> {
    fn all(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        let mut add = |what: &str, bound: Bound, found: Option<f64>, digits: usize| {
            goals.extend(found.map(|found| Goal {
                what: what.to_owned(),
                bound,
                found,
                digits,
            }));
        };
        use Bound::{Least, Most};
        let cores = std::thread::available_parallelism().map_or(2.0, |cores| cores.get() as f64);
        let cpu = |journal, clients, most: f64| {
            let what = format!("ms of CPU for one enrollment, {journal}, {clients} clients");
            (what, Most(most), self.cpu(REST_V2, journal, clients))
        };
        for (what, bound, found) in [
            cpu(MEMORY, 64, 0.30),
            cpu(SQLITE, 64, 0.40),
            cpu(POSTGRES, 64, 0.34),
            cpu(MEMORY, 1, 0.4),
            cpu(SQLITE, 1, 0.85),
        ] {
            add(&what, bound, found, 3);
        }
        for (journal, least) in [(MEMORY, 0.52), (SQLITE, 0.45), (POSTGRES, 0.45)] {
            for ca in [CA_SALTED, CA_ALONE] {
                let what = format!("of the rate of \"{ca}\", {journal}, 64 clients");
                let found = ratio(self.rate(REST_V2, Some(journal)), self.rate(ca, None));
                add(&what, Least(least), found, 2);
            }
        }
        for (journal, part) in [(MEMORY, 0.52), (SQLITE, 0.45), (POSTGRES, 0.45)] {
            let what = format!(
                "ms of all cores that an enrollment costs beyond one at \"{CA_ALONE}\", {journal}, 64 clients"
            );
            let beyond = |both: f64, alone: f64, cores| cores * 1000.0 * (1.0 / both - 1.0 / alone);
            let most = beyond(part * THEIR_CA, THEIR_CA, 2.0);
            let both = self.rate(REST_V2, Some(journal));
            let found = both.zip(self.rate(CA_ALONE, None));
            let found = found.map(|(both, alone)| beyond(both, alone, cores));
            add(&what, Most((most * 1000.0).round() / 1000.0), found, 3);
        }
        let found = ratio(
            self.rate(REST_V2, Some(SQLITE)),
            self.rate(REST_V2, Some(MEMORY)),
        );
        add(
            "of the rate in memory, SQLite, 64 clients",
            Least(0.8),
            found,
            2,
        );
        for journal in [MEMORY, SQLITE, POSTGRES] {
            let what = format!("CPU of explicit by implicit, CMP, {journal}, 64 clients");
            let found = ratio(
                self.cpu(CMP_EXPLICIT, journal, 64),
                self.cpu(CMP_IMPLICIT, journal, 64),
            );
            add(&what, Most(1.5), found, 2);
        }
        for half in &self.0.halves {
            let what = format!(
                "p99 at half load ({:.0}/s, from when a request is due) by unloaded median, {}",
                half.load.rate, half.journal
            );
            add(&what, Most(10.0), Some(half.load.p99 / half.unloaded), 1);
        }
        for life in &self.0.lives {
            let journal = life.journal;
            let most = |values: &[f64]| values.iter().copied().reduce(f64::max);
            let idle = Some(middle(life.idle.clone()));
            add(&format!("MiB idle, {journal}"), Most(15.0), idle, 1);
            if journal != MEMORY {
                let what = format!("MiB with 64 loaded connections, REST v2 alone, {journal}");
                let row = self.0.row(REST_V2, Some(journal), 64);
                add(&what, Most(40.0), row.map(|row| row.figures.resident), 1);
                let what = format!("MiB after every cell at up to 64 connections, {journal}");
                add(&what, Most(40.0), most(&life.loaded), 1);
            }
            let what = format!("ms until ready, {journal}, worst of {}", life.ready.len());
            add(&what, Most(100.0), most(&life.ready), 0);
        }
        add(
            "KiB for one more idle connection",
            Most(30.0),
            self.0.idle_connection,
            1,
        );
        for crowd in &self.0.crowds {
            let what = format!(
                "of {} clients that connect at once answered, the last after {:.0} ms",
                crowd.clients,
                crowd.took.as_secs_f64() * 1000.0
            );
            let all = crowd.clients as f64;
            add(&what, Least(all), Some(crowd.answered as f64), 0);
        }
        if let Some(both) = self.0.beside {
            let what = format!(
                "of the rate while {WAITING} clients wait for another CA that says nothing"
            );
            let found = both.beside.rate / both.alone.rate;
            add(&what, Least(0.9), Some(found), 2);
            let what =
                format!("of the p99 while {WAITING} clients wait for another CA that says nothing");
            add(&what, Most(1.5), Some(both.beside.p99 / both.alone.p99), 2);
        }
        if let (Some(first), Some(last)) = (self.0.looks.first(), self.0.looks.last()) {
            let what = format!(
                "of the memory after {:.0} enrollments in use after {:.0} ({:.1} MiB)",
                first.enrollments, last.enrollments, last.resident
            );
            add(&what, Most(1.1), Some(last.resident / first.resident), 2);
        }
        if let Some([new, old]) = self.0.filled {
            let what = "CPU of one with 10⁷ rows in the journal by that with 10³, SQLite";
            add(what, Most(1.3), Some(old.ra_cpu / new.ra_cpu), 2);
        }
        goals
    }

    fn cpu(&self, cell: &str, journal: &str, clients: usize) -> Option<f64> {
        let row = self.0.row(cell, Some(journal), clients)?;
        Some(row.figures.ra_cpu)
    }

    fn rate(&self, cell: &str, journal: Option<&str>) -> Option<f64> {
        Some(self.0.row(cell, journal, 64)?.figures.rate)
    }
}

const MEMORY: &str = "in memory";
const SQLITE: &str = "SQLite";
const POSTGRES: &str = "PostgreSQL";

/// Enrollments/s at 64 clients of the CA whose parts the goals are, alone on two cores. Said as what may come on top of such a CA, a
/// goal does not move with the CA that is measured.
const THEIR_CA: f64 = 6201.0;

fn ratio(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? / b?)
}

impl fmt::Display for Goals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | goal | here | |\n|---|---|---|---|")?;
        for goal in self.all() {
            let (sign, bound) = match goal.bound {
                Bound::Most(most) => ("≤", most),
                Bound::Least(least) => ("≥", least),
            };
            let word = if goal.kept() { "kept" } else { "**missed**" };
            let digits = goal.digits;
            let Goal { what, found, .. } = goal;
            writeln!(f, "| {what} | {sign} {bound} | {found:.digits$} | {word} |")?;
        }
        Ok(())
    }
}
