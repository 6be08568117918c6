//! What the command line of `./proto-tests/soak` may say.

/// What it says about itself.
pub const HELP: &str = "\
./proto-tests/soak [OPTION]…

  --seconds N      of chaos (300); afterwards what was begun is finished
  --seed N         which chaos (1)
  --clients N      at a time (8)
  --ca KIND        what the CA does with bytes it has seen: `repeats` its answer (default), or `forgets`: it
                   refuses them, takes back what was not confirmed, and does not know that it was told

Ends with 0 when the CA, the journal and the clients agree on every certificate.";

/// What the CA does with bytes it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It repeats its answer.
    Repeats,
    /// It refuses them, and forgets what it was told.
    Forgets,
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seconds of chaos.
    pub seconds: u64,
    /// Which chaos.
    pub seed: u64,
    /// Clients at a time.
    pub clients: usize,
    /// The CA.
    pub ca: Kind,
    /// Only say what there is to choose.
    pub help: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seconds: 300,
            seed: 1,
            clients: 8,
            ca: Kind::Repeats,
            help: false,
        }
    }
}

impl Options {
    /// Reads arguments.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                options.help = true;
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("`{name}` needs a value"))?;
            let wrong = || format!("`{name} {value}` is not understood");
            match name.as_str() {
                "--seconds" => options.seconds = value.parse().map_err(|_| wrong())?,
                "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
                "--clients" => options.clients = value.parse().map_err(|_| wrong())?,
                "--ca" => {
                    options.ca = match value.as_str() {
                        "repeats" => Kind::Repeats,
                        "forgets" => Kind::Forgets,
                        _ => return Err(wrong()),
                    }
                }
                _ => return Err(format!("`{name}` is no option")),
            }
        }
        Ok(options)
    }
}
