//! One whole run: every cell, as often as asked, and the table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::ClientConfig;

use super::cells::{CELLS, Cell, Key, REST_V2, Target};
use super::crowd::{CROWDS, Crowd};
use super::figures::{Figures, median, middle};
use super::floor::{Floor, Operations};
use super::goals::Goals;
use super::load::{Bench, Subjects};
use super::long;
use super::options::Options;
use super::site::{Ca, Journal, Ra, Site};
use super::table::{Half, Life, Row, Table};
use super::{machine, process, requests};

/// With how many clients at once what is beside the cells is measured.
const MOST: usize = 64;
/// How often the start of the program is timed.
const STARTS: usize = 5;

/// How long nothing is asked of the program before its memory counts as idle.
const AT_REST: Duration = Duration::from_secs(3);

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
    if options.starts_alone {
        let ca = site.ca()?;
        for journal in Journal::all() {
            site.ra(&ca, journal)?;
        }
        return Ok(String::new());
    }
    let machine = machine::describe(&folder)?;
    eprintln!("{machine}");
    let operations = Operations::new()?;
    let costs = operations.costs();

    let mut run = Run {
        options,
        site,
        subjects: Subjects {
            p256: requests::subjects(Key::P256)?,
            rsa2048: requests::subjects(Key::Rsa2048)?,
        },
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
    let mut table = Table {
        machine,
        load_after: String::new(),
        options,
        costs,
        floors: run.rates(),
        rows: run.rows(),
        lives: Vec::new(),
        halves: Vec::new(),
        crowds: Vec::new(),
        idle_connection: None,
        beside: None,
        looks: Vec::new(),
        filled: None,
    };
    if !options.cells_alone {
        run.starts()?;
        run.beside(&mut table)?;
    }
    if options.long {
        run.long(&mut table)?;
    }
    table.lives = run.lives.into_values().collect();
    table.load_after = machine::load();
    Ok(format!("{table}\n{}", Goals(&table)))
}

struct Run<'a> {
    options: &'a Options,
    site: Site,
    subjects: Subjects,
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
        let ca = self.site.ca()?;
        self.cells(&ca, None)?;
        for journal in Journal::all() {
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
        let idle = ra.as_ref().map(idle).transpose()?;
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
        let ca = self.site.ca()?;
        for journal in Journal::all() {
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

    /// What is measured beside the cells: REST v2, and each journal where it matters.
    fn beside(&self, table: &mut Table<'_>) -> Result<()> {
        let cell = rest_v2()?;
        for journal in Journal::all() {
            let of = |clients| table.row(cell.name, Some(journal.name()), clients);
            let (Some(alone), Some(loaded)) = (of(1), of(MOST)) else {
                continue;
            };
            let (unloaded, rate) = (alone.figures.p50, loaded.figures.rate / 2.0);
            self.with_ra(journal, |bench| {
                let load = bench.half_load(cell, MOST, rate)?;
                table.halves.push(Half {
                    journal: journal.name(),
                    unloaded,
                    load,
                });
                Ok(())
            })?;
        }
        self.with_ra(Journal::Sqlite, |bench| {
            table.idle_connection = Some(bench.idle_connection(cell, MOST)?);
            Ok(())
        })?;
        self.with_ra(Journal::Sqlite, |bench| {
            let crowds = CROWDS.map(|clients| bench.crowd(cell, clients));
            table.crowds = crowds.into_iter().collect::<Result<Vec<Crowd>>>()?;
            Ok(())
        })?;
        self.with_ra(Journal::Memory, |bench| {
            let ca = std::net::TcpListener::bind(self.site.stubborn.address())?;
            table.beside = Some(bench.beside_stubborn(cell, 8, ca)?);
            Ok(())
        })
    }

    /// A million enrollments, and a journal that is full.
    fn long(&self, table: &mut Table<'_>) -> Result<()> {
        let cell = rest_v2()?;
        self.with_ra(Journal::Sqlite, |bench| {
            table.looks = bench.million(cell, MOST)?;
            Ok(())
        })?;
        let filled = |rows| -> Result<Figures> {
            let journal = self.site.sqlite();
            // One certificate to take the sizes from.
            self.with_ra(Journal::Sqlite, |bench| bench.crowd(cell, 1).map(drop))?;
            long::fill(&journal, rows)?;
            eprintln!("{rows} rows are in the journal");
            let ca = self.site.ca()?;
            let ra = self.site.ra(&ca, Journal::Sqlite)?;
            self.bench(&ca, &ra, &self.site.tls()?).steady(cell, MOST)
        };
        table.filled = Some([filled(long::NEW)?, filled(long::OLD)?]);
        Ok(())
    }

    /// On a new certway-ra with an empty journal.
    fn with_ra<T>(
        &self,
        journal: Journal,
        what: impl FnOnce(&Bench<'_>) -> Result<T>,
    ) -> Result<T> {
        self.site.forget()?;
        let ca = self.site.ca()?;
        let ra = self.site.ra(&ca, journal)?;
        what(&self.bench(&ca, &ra, &self.site.tls()?))
    }

    fn bench<'b>(&'b self, ca: &'b Ca, ra: &'b Ra, tls: &'b Arc<ClientConfig>) -> Bench<'b> {
        Bench {
            ca,
            ra: Some(ra),
            tls,
            subjects: &self.subjects,
            measured: self.options.measured,
        }
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

/// MiB of a program that has been left alone.
fn idle(ra: &Ra) -> Result<f64> {
    std::thread::sleep(AT_REST);
    process::resident(ra.program.id())
}

fn rest_v2() -> Result<&'static Cell> {
    let found = CELLS.iter().find(|cell| cell.name == REST_V2);
    found.context("the cell of REST v2")
}
