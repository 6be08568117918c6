//! From text to raw values, with every error of form reported, not only the first.

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};

use super::problem::Problems;
use super::raw::RawConfig;

/// Environment variables that override keys: `CERTWAY_RA_LISTEN__PORT` is `listen.port`.
pub(crate) const ENV_PREFIX: &str = "CERTWAY_RA_";

/// No configuration has more wrong keys that anyone wants to hear of at once.
const MOST_ERRORS: usize = 100;

/// The raw configuration out of TOML text and environment.
pub(crate) fn read(toml: &str, problems: &mut Problems) -> RawConfig {
    let environment = Env::prefixed(ENV_PREFIX).split("__");
    let merged = Figment::new().merge(Toml::string(toml)).merge(environment);
    match merged.extract::<Dict>() {
        Ok(tree) => deserialize(tree, problems),
        Err(errors) => {
            for error in errors {
                problems.add(error.path.join("."), error.kind.to_string(), "TOML");
            }
            RawConfig::default()
        }
    }
}

/// Serde stops at the first error: it is noted, what it is about is taken out, and the rest is tried again.
fn deserialize(tree: Dict, problems: &mut Problems) -> RawConfig {
    let mut tree = Value::from(tree);
    for _ in 0..MOST_ERRORS {
        let error = match tree.deserialize::<RawConfig>() {
            Ok(config) => return config,
            Err(error) => error,
        };
        let mut path = error.path.clone();
        let (wrong, valid) = match &error.kind {
            Kind::UnknownField(name, known) => {
                if path.last() != Some(name) {
                    path.push(name.clone());
                }
                ("no such key".to_owned(), keys(known))
            }
            Kind::InvalidType(found, expected) => {
                (format!("{found} is not valid"), expected.clone())
            }
            other => (other.to_string(), String::new()),
        };
        problems.add(path.join("."), wrong, valid);
        if !remove(&mut tree, &path) {
            break;
        }
    }
    RawConfig::default()
}

fn keys(known: &[&str]) -> String {
    let mut known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
    known.sort();
    known.join(", ")
}

/// Takes out what stands at `path`, or the list it stands in.
fn remove(tree: &mut Value, path: &[String]) -> bool {
    let Value::Dict(_, dict) = tree else {
        return false;
    };
    match path {
        [] => false,
        [last] => dict.remove(last).is_some(),
        [first, rest @ ..] => match dict.get_mut(first) {
            Some(inner @ Value::Dict(..)) => remove(inner, rest),
            Some(_) => dict.remove(first).is_some(),
            None => false,
        },
    }
}
