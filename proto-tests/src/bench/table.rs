//! The figures as Markdown.

use std::fmt;

use super::cells::{CA_ALONE, Cell};
use super::crowd::Crowd;
use super::figures::{Figures, middle};
use super::floor::{Costs, Floor};
use super::half::HalfLoad;
use super::long::Look;
use super::options::Options;
use super::stubborn::Beside;

/// Everything one run found.
pub(crate) struct Table<'a> {
    pub(crate) machine: String,
    pub(crate) load_after: String,
    pub(crate) options: &'a Options,
    pub(crate) costs: Costs,
    pub(crate) floors: Vec<(Floor, f64)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) lives: Vec<Life>,
    pub(crate) halves: Vec<Half>,
    pub(crate) crowds: Vec<Crowd>,
    /// KiB.
    pub(crate) idle_connection: Option<f64>,
    pub(crate) beside: Option<Beside>,
    /// Memory on the way through many enrollments.
    pub(crate) looks: Vec<Look>,
    /// With a new and with an old journal.
    pub(crate) filled: Option<[Figures; 2]>,
}

/// Half load on one kind of journal.
pub(crate) struct Half {
    pub(crate) journal: &'static str,
    /// Milliseconds: the median with one client.
    pub(crate) unloaded: f64,
    pub(crate) load: HalfLoad,
}

/// One cell with one number of clients.
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) journal: Option<&'static str>,
    pub(crate) clients: usize,
    pub(crate) figures: Figures,
}

/// What the program uses and how soon it is there, with one kind of journal.
pub(crate) struct Life {
    pub(crate) journal: &'static str,
    /// MiB.
    pub(crate) idle: Vec<f64>,
    pub(crate) loaded: Vec<f64>,
    /// Milliseconds.
    pub(crate) ready: Vec<f64>,
}

impl Life {
    pub(crate) fn of(journal: &'static str) -> Self {
        Self {
            journal,
            idle: Vec::new(),
            loaded: Vec::new(),
            ready: Vec::new(),
        }
    }
}

impl Table<'_> {
    fn floor(&self, floor: Floor) -> f64 {
        let found = self.floors.iter().find(|(known, _)| *known == floor);
        found.map_or(f64::NAN, |(_, rate)| *rate)
    }

    fn ca_alone(&self, clients: usize) -> f64 {
        let found = self.row(CA_ALONE, None, clients);
        found.map_or(f64::NAN, |row| row.figures.rate)
    }

    /// What was measured in a cell.
    pub(crate) fn row(&self, cell: &str, journal: Option<&str>, clients: usize) -> Option<&Row> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.cell.name == cell && row.journal == journal && row.clients == clients)
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: std::time::Duration| time.as_secs_f64() * 1e6;
        writeln!(
            f,
            "{}; {} after. {} s a cell, median of {}.\n",
            self.machine,
            self.load_after,
            self.options.measured.as_secs(),
            self.options.runs
        )?;
        writeln!(
            f,
            "On one core with the others idle: P-256 verification {:.0} µs, signature {:.0} µs; PBM derivation {:.0} µs; MAC {:.1} µs; RSA-2048 verification {:.0} µs, signature {:.0} µs.\n",
            micros(self.costs.verification),
            micros(self.costs.signature),
            micros(self.costs.derivation),
            micros(self.costs.mac),
            micros(self.costs.rsa_verification),
            micros(self.costs.rsa_signature)
        )?;
        writeln!(
            f,
            "| floor of one enrollment | enrollments/s, all cores |\n|---|---|"
        )?;
        for (floor, rate) in &self.floors {
            writeln!(f, "| {floor} | {rate:.0} |")?;
        }
        writeln!(
            f,
            "\n| what | journal | clients | enrollments/s | of the floor | of the CA alone | p50 ms | p99 ms | CPU RA ms | CPU CA ms | CPU client ms |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let figures = &row.figures;
            let part = |whole: f64| {
                if whole.is_nan() {
                    "–".to_owned()
                } else {
                    format!("{:.2}", figures.rate / whole)
                }
            };
            writeln!(
                f,
                "| {} | {} | {} | {:.0} | {} | {} | {:.2} | {:.2} | {} | {:.3} | {:.3} |",
                row.cell.name,
                row.journal.unwrap_or("–"),
                row.clients,
                figures.rate,
                part(self.floor(row.cell.floor)),
                part(self.ca_alone(row.clients)),
                figures.p50,
                figures.p99,
                row.journal
                    .map_or("–".to_owned(), |_| format!("{:.3}", figures.ra_cpu)),
                figures.ca_cpu,
                figures.client_cpu
            )?;
        }
        writeln!(
            f,
            "\n| journal | MiB idle | MiB loaded, most | ready ms, median | ready ms, worst |\n|---|---|---|---|---|"
        )?;
        for life in &self.lives {
            writeln!(
                f,
                "| {} | {:.1} | {:.1} | {:.0} | {:.0} |",
                life.journal,
                middle(life.idle.clone()),
                life.loaded.iter().copied().fold(0.0, f64::max),
                middle(life.ready.clone()),
                life.ready.iter().copied().fold(0.0, f64::max)
            )?;
        }
        if !self.halves.is_empty() {
            writeln!(
                f,
                "\n| half load | requests/s due | median ms, 1 client | p50 ms | p99 ms |\n|---|---|---|---|---|"
            )?;
        }
        for Half {
            journal,
            unloaded,
            load,
        } in &self.halves
        {
            let HalfLoad { rate, p50, p99 } = load;
            writeln!(
                f,
                "| REST v2, {journal} | {rate:.0} | {unloaded:.2} | {p50:.2} | {p99:.2} |"
            )?;
        }
        if !self.looks.is_empty() {
            writeln!(
                f,
                "\n| enrollments in one process, SQLite | MiB |\n|---|---|"
            )?;
        }
        for look in &self.looks {
            writeln!(f, "| {:.0} | {:.1} |", look.enrollments, look.resident)?;
        }
        if let Some([new, old]) = self.filled {
            writeln!(
                f,
                "\n| rows in the journal, SQLite | enrollments/s | CPU RA ms |\n|---|---|---|"
            )?;
            writeln!(f, "| 10³ | {:.0} | {:.3} |", new.rate, new.ra_cpu)?;
            writeln!(f, "| 10⁷ | {:.0} | {:.3} |", old.rate, old.ra_cpu)?;
        }
        Ok(())
    }
}
