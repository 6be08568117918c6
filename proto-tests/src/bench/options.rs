//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

/// The text for `--help`.
pub const HELP: &str = "\
./proto-tests/bench [--guided] [OPTION …]

  --guided         certway-ra as deploy/profile-guided builds it, which takes long once
  --seconds N      measured seconds of a cell (2; 1 to 60)
  --runs N         runs of every cell; the median is shown (1; 1 to 15)
  --clients A,B    numbers of clients (1,8,64; each 1 to 1024)
  --only TEXT      only cells with TEXT in their name; may be given again
  --cells          the cells alone, not what is measured beside them
  --long           also a million enrollments in one process and a journal of ten million rows, both on SQLite: half an
                   hour, and 20 GB in the folder
  --starts         nothing but starts of certway-ra, with each journal; for deploy/profile-guided
  --folder PATH    where databases, keys and logs go (target/bench; emptied at the start)
  --programs PATH  where certway-ra is (beside this program)
  --help           this";

/// How to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long one cell is measured, after its warm-up.
    pub measured: Duration,
    /// How often each cell is measured.
    pub runs: usize,
    /// How many clients at a time.
    pub clients: Vec<usize>,
    /// Parts of names of cells; none means all.
    pub only: Vec<String>,
    /// Whether nothing is measured beside the cells.
    pub cells_alone: bool,
    /// Whether what takes long is done too.
    pub long: bool,
    /// Whether the program is only started.
    pub starts_alone: bool,
    /// Where files go.
    pub folder: Option<PathBuf>,
    /// Where the programs are.
    pub programs: Option<PathBuf>,
    /// Whether only the help is wanted.
    pub help: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            measured: Duration::from_secs(2),
            runs: 1,
            clients: vec![1, 8, 64],
            only: Vec::new(),
            cells_alone: false,
            long: false,
            starts_alone: false,
            folder: None,
            programs: None,
            help: false,
        }
    }
}

impl Options {
    /// Reads arguments.
    ///
    /// # Errors
    /// Which one is wrong and what would be right.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let flag = match name.as_str() {
                "--help" => Some(&mut options.help),
                "--cells" => Some(&mut options.cells_alone),
                "--long" => Some(&mut options.long),
                "--starts" => Some(&mut options.starts_alone),
                _ => None,
            };
            if let Some(flag) = flag {
                *flag = true;
                continue;
            }
            let mut value = || {
                arguments
                    .next()
                    .ok_or(format!("{name}: a value is missing"))
            };
            match name.as_str() {
                "--seconds" => {
                    let seconds = number(&name, &value()?, 60)?;
                    options.measured = Duration::from_secs(seconds as u64);
                }
                "--runs" => options.runs = number(&name, &value()?, 15)?,
                "--clients" => {
                    let counts = value()?;
                    let counts = counts.split(',').map(|count| number(&name, count, 1024));
                    options.clients = counts.collect::<Result<_, _>>()?;
                }
                "--only" => options.only.push(value()?),
                "--folder" => options.folder = Some(value()?.into()),
                "--programs" => options.programs = Some(value()?.into()),
                _ => return Err(format!("{name}: not an option")),
            }
        }
        Ok(options)
    }

    /// Whether a cell of that name is to be measured.
    pub fn wants(&self, cell: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| cell.contains(part.as_str()))
    }
}

fn number(name: &str, text: &str, most: usize) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or(format!("{name}: `{text}` is not a number from 1 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn numbers_are_bounded_and_named_when_they_are_wrong() {
        assert!(parse("--seconds 0").unwrap_err().starts_with("--seconds"));
        assert!(parse("--runs 16").unwrap_err().starts_with("--runs"));
        assert!(parse("--clients 1,x").unwrap_err().contains("`x`"));
        assert!(parse("--clients").unwrap_err().contains("missing"));
        assert!(parse("--fast").unwrap_err().contains("not an option"));
    }

    #[test]
    fn cells_are_chosen_by_parts_of_their_names() {
        let options = parse("--only sqlite --only alone --clients 1,64").unwrap();
        assert_eq!(options.clients, [1, 64]);
        assert!(options.wants("v2, sqlite") && options.wants("CA alone"));
        assert!(!options.wants("v2, memory"));
        assert!(Options::default().wants("anything"));
        let options = parse("--long --clients 8").unwrap();
        assert!(options.long && !options.cells_alone);
    }
}
