//! `check-config`: everything that is wrong with a configuration, said at once, without serving it.

use std::path::Path;

use crate::config::{self, Problems};
use crate::{Files, onap, tls};

/// What a configuration that is right would serve, in a few words.
///
/// A file whose name ends in `.json` is taken for CertService's `cmpServers.json`, anything else for TOML.
///
/// # Errors
/// Everything that is wrong.
pub fn check(path: &Path) -> Result<String, Problems> {
    if path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    {
        let mut files = Files::default();
        return match onap::load(path, &mut files) {
            Ok(entries) => {
                let names: Vec<_> = entries.iter().map(|entry| entry.ca_name.as_str()).collect();
                Ok(format!(
                    "{} CMP servers: {}",
                    entries.len(),
                    names.join(", ")
                ))
            }
            Err(error) => Err(error.problems().clone()),
        };
    }
    let config = config::read(path).map_err(|(problems, _)| problems)?;
    if let Some(material) = &config.listen.tls {
        tls::server_config(material).map_err(|problem| Problems(vec![problem]))?;
    }
    let mut labels: Vec<_> = config.labels.keys().map(ra::Label::as_str).collect();
    labels.sort_unstable();
    Ok(format!(
        "{} authorities, {} profiles, labels: {}",
        config.authorities.len(),
        config.profiles.len(),
        labels.join(", ")
    ))
}
