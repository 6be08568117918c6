//! One whole run: every cell, as often as asked, and the table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::cells::{CELLS, Cell, Target};
use super::figures::{Figures, median, middle};
use super::floor::{Floor, Operations};
use super::load::Bench;
use super::options::Options;
use super::site::{Ca, Journal, Site};
use super::table::{Life, Row, Table};
use super::{machine, process, requests};

/// How often the start of the program is timed.
const STARTS: usize = 5;

/// Where a figure belongs, in the order of the table: journal, place of the cell, number of clients.
type Place = (Option<Journal>, usize, usize);

/// Measures, and gives the table in Markdown.
///
/// # Errors
/// The first answer that was not right, or what kept a program from starting.
pub fn run(options: &Options) -> Result<String> {
    let beside = std::env::current_exe()?;
    let beside = beside.parent().context("where this program is")?;
    let folder = options
        .folder
        .clone()
        .unwrap_or_else(|| PathBuf::from("target/bench"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let programs = options.programs.as_deref().unwrap_or(beside);
    let site = Site::new(&folder, programs.join("certway-ra").canonicalize()?)?;
    let machine = machine::describe(&folder)?;
    eprintln!("{machine}");
    let operations = Operations::new()?;
    let costs = operations.costs();

    let mut run = Run {
        options,
        site,
        subjects: requests::subjects()?,
        figures: BTreeMap::new(),
        lives: BTreeMap::new(),
        floors: Vec::new(),
    };
    for pass in 1..=options.runs {
        eprintln!(
            "pass {pass} of {}, load average {}",
            options.runs,
            machine::load()
        );
        run.floors(&operations)?;
        run.pass()?;
    }
    run.starts()?;
    Ok(Table {
        machine,
        load_after: machine::load(),
        options,
        costs,
        floors: run.rates(),
        rows: run.rows(),
        lives: run.lives.into_values().collect(),
    }
    .to_string())
}

struct Run<'a> {
    options: &'a Options,
    site: Site,
    subjects: Vec<requests::Subject>,
    figures: BTreeMap<Place, Vec<Figures>>,
    lives: BTreeMap<Journal, Life>,
    floors: Vec<(Floor, Vec<f64>)>,
}

impl Run<'_> {
    /// The floors, measured beside each pass: what else runs on the machine slows both.
    fn floors(&mut self, operations: &Operations) -> Result<()> {
        for cell in CELLS.iter().filter(|cell| self.options.wants(cell.name)) {
            let at = match self
                .floors
                .iter()
                .position(|(floor, _)| *floor == cell.floor)
            {
                Some(at) => at,
                None => {
                    self.floors.push((cell.floor, Vec::new()));
                    self.floors.len() - 1
                }
            };
            let rates = &mut self.floors[at].1;
            rates.push(operations.rate(cell.floor)?);
        }
        Ok(())
    }

    fn pass(&mut self) -> Result<()> {
        let ca = self.site.ca();
        self.cells(&ca, None)?;
        for journal in Journal::ALL {
            self.cells(&ca, Some(journal))?;
        }
        Ok(())
    }

    fn cells(&mut self, ca: &Ca, journal: Option<Journal>) -> Result<()> {
        let target = journal.map_or(Target::Ca, |_| Target::Ra);
        let wanted: Vec<(usize, &Cell)> = CELLS
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.target == target && self.options.wants(cell.name))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        self.site.forget()?;
        let tls = self.site.tls()?;
        let ra = journal
            .map(|journal| self.site.ra(ca, journal))
            .transpose()?;
        let idle = ra
            .as_ref()
            .map(|ra| process::resident(ra.program.id()))
            .transpose()?;
        let bench = Bench {
            ca,
            ra: ra.as_ref(),
            tls: &tls,
            subjects: &self.subjects,
            measured: self.options.measured,
        };
        let mut loaded: f64 = 0.0;
        for (at, cell) in wanted {
            for clients in cell.counts(&self.options.clients) {
                let figures = bench.measure(cell, clients)?;
                eprintln!(
                    "{}{}, {clients} clients: {:.0}/s, RA {:.3} ms",
                    journal.map_or("", |journal| journal.name()),
                    if journal.is_some() {
                        format!(", {}", cell.name)
                    } else {
                        cell.name.to_owned()
                    },
                    figures.rate,
                    figures.ra_cpu
                );
                loaded = loaded.max(figures.resident);
                let place = (journal, at, clients);
                self.figures.entry(place).or_default().push(figures);
            }
        }
        if let (Some(journal), Some(idle)) = (journal, idle) {
            let life = self
                .lives
                .entry(journal)
                .or_insert_with(|| Life::of(journal.name()));
            life.idle.push(idle);
            life.loaded.push(loaded);
        }
        Ok(())
    }

    /// How long the program takes to be there, with the journal it finds.
    fn starts(&mut self) -> Result<()> {
        let ca = self.site.ca();
        for journal in Journal::ALL {
            let Some(life) = self.lives.get_mut(&journal) else {
                continue;
            };
            for _ in 0..STARTS {
                let ra = self.site.ra(&ca, journal)?;
                life.ready.push(ra.ready.as_secs_f64() * 1000.0);
            }
        }
        Ok(())
    }

    fn rates(&self) -> Vec<(Floor, f64)> {
        let rate = |(floor, rates): &(Floor, Vec<f64>)| (*floor, middle(rates.clone()));
        self.floors.iter().map(rate).collect()
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(place, figures): (&Place, &Vec<Figures>)| {
            let (journal, at, clients) = *place;
            Row {
                cell: CELLS[at],
                journal: journal.map(Journal::name),
                clients,
                figures: median(figures),
            }
        };
        self.figures.iter().map(row).collect()
    }
}
