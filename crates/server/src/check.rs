//! `check-config`: everything that is wrong with a configuration, said at once, without serving it.

use std::path::Path;

use authority::cmp::GuardedCmp;

use crate::config::{self, AuthorityConfig, Config, Problems};
use crate::{Files, onap, tls};

/// A configuration that is right.
#[derive(Debug)]
pub struct Checked {
    /// What it would serve, in a few words.
    pub summary: String,
    /// What works, and is probably not meant.
    pub warnings: Problems,
}

/// Reads a configuration as serving it would.
///
/// A file whose name ends in `.json` is taken for CertService's `cmpServers.json`, anything else for TOML. Nothing is made, opened or sent.
///
/// # Errors
/// Everything that is wrong.
pub fn check(path: &Path) -> Result<Checked, Problems> {
    if path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    {
        return check_servers(path);
    }
    let config = config::read(path).map_err(|(problems, _)| problems)?;
    let mut problems = Problems::default();
    if let Some(Err(problem)) = config.listen.tls.as_ref().map(tls::server_config) {
        problems.0.push(problem);
    }
    let (summary, warnings) = (summary(&config), config.warnings);
    for (name, authority) in config.authorities {
        if let AuthorityConfig::Cmp(cmp) = authority
            && let Err(e) = cmp.build(None)
        {
            problems.add(format!("authorities.{name}.cmp"), e.to_string(), "");
        }
    }
    if problems.is_empty() {
        Ok(Checked { summary, warnings })
    } else {
        Err(problems)
    }
}

fn check_servers(path: &Path) -> Result<Checked, Problems> {
    let entries =
        onap::load(path, &mut Files::default()).map_err(|error| error.problems().clone())?;
    let mut problems = Problems::default();
    for entry in &entries {
        if let Err(e) = GuardedCmp::from(entry.authority()).build(None) {
            problems.add(format!("caName `{}`", entry.ca_name), e.to_string(), "");
        }
    }
    let names: Vec<_> = entries.iter().map(|entry| entry.ca_name.as_str()).collect();
    let summary = format!("{} CMP servers: {}", entries.len(), names.join(", "));
    if problems.is_empty() {
        Ok(Checked {
            summary,
            warnings: Problems::default(),
        })
    } else {
        Err(problems)
    }
}

fn summary(config: &Config) -> String {
    let mut labels: Vec<_> = config.labels.keys().map(ra::Label::as_str).collect();
    labels.sort_unstable();
    format!(
        "{} authorities, {} profiles, labels: {}",
        config.authorities.len(),
        config.profiles.len(),
        labels.join(", ")
    )
}
