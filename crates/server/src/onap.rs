//! ONAP CertService's way of being configured: its environment and `cmpServers.json`, made into the same [`Config`] a file gives.
//!
//! docs/COMPAT-ONAP.md has every variable, member and rule, and where we do better than the original.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use crate::config::{
    self, Config, Context, Problems, RawConfig, RawKeystore, RawSecret, RawTruststore,
};
use crate::files::Files;

mod entry;
mod reader;
mod servers;

pub use entry::ServerEntry;
pub(crate) use servers::add;
pub use servers::{ServersError, load};

/// Where CertService keeps its configuration.
const DEFAULT_FOLDER: &str = "/etc/onap/oom/certservice";
const SERVERS_FILE: &str = "cmpServers.json";

/// What CertService reads from its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// `HTTPS_PORT`.
    port: Option<String>,
    /// `KEYSTORE_PATH`.
    keystore: String,
    /// `KEYSTORE_KEY_PATH`, ours: the key where a PEM keystore does not hold it.
    keystore_key: Option<String>,
    /// `KEYSTORE_PASSWORD`.
    keystore_password: Password,
    /// `TRUSTSTORE_PATH`.
    truststore: String,
    /// `TRUSTSTORE_PASSWORD`.
    truststore_password: Password,
    /// `APP_CONFIG_PATH`: the folder of `cmpServers.json`.
    folder: PathBuf,
    /// `CERTWAY_JOURNAL`, ours: URL or path of the journal.
    journal: Option<String>,
}

/// Where a store's password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Password {
    /// A variable; it is read when it is needed.
    Variable(&'static str),
    /// What CertService takes when there is no variable.
    Literal(&'static str),
}

impl Environment {
    /// Out of the process's own environment.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from(|name| std::env::var(name).ok())
    }

    /// Out of any lookup by name.
    pub fn from(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let certs = format!("{DEFAULT_FOLDER}/certs");
        let password = |name| match lookup(name) {
            Some(_) => Password::Variable(name),
            None => Password::Literal("secret"),
        };
        Self {
            port: lookup("HTTPS_PORT"),
            keystore: lookup("KEYSTORE_PATH")
                .unwrap_or_else(|| format!("{certs}/certServiceServer-keystore.jks")),
            keystore_key: lookup("KEYSTORE_KEY_PATH"),
            keystore_password: password("KEYSTORE_PASSWORD"),
            truststore: lookup("TRUSTSTORE_PATH")
                .unwrap_or_else(|| format!("{certs}/truststore.jks")),
            truststore_password: password("TRUSTSTORE_PASSWORD"),
            folder: lookup("APP_CONFIG_PATH")
                .unwrap_or_else(|| DEFAULT_FOLDER.to_owned())
                .into(),
            journal: lookup("CERTWAY_JOURNAL").filter(|text| !text.is_empty()),
        }
    }

    /// The path of `cmpServers.json`.
    #[must_use]
    pub fn servers_file(&self) -> PathBuf {
        self.folder.join(SERVERS_FILE)
    }

    /// Everything but the servers: listener, TLS, journal, and what `CERTWAY_RA_…` variables say beyond CertService.
    ///
    /// # Errors
    /// Everything that is wrong, by the variable's name.
    pub fn read(&self) -> Result<Config, (Problems, Files)> {
        let mut cx = Context::new(Files::default());
        let mut raw = config::raw_environment(&mut cx);
        self.fill(&mut raw, &mut cx);
        config::check(&raw, cx).map_err(|(problems, files)| (by_variable(problems), files))
    }

    fn fill(&self, raw: &mut RawConfig, cx: &mut Context) {
        let secret = |password: Password| match password {
            Password::Variable(name) => RawSecret {
                env: Some(name.to_owned()),
                ..RawSecret::default()
            },
            Password::Literal(text) => RawSecret {
                literal: Some(text),
                ..RawSecret::default()
            },
        };
        if let Some(text) = &self.port {
            match text.trim().parse() {
                Ok(port) => raw.listen.port = Some(port),
                Err(_) => cx.wrong(
                    "listen.port",
                    format!("`{text}` is not a number"),
                    "0 to 65535",
                ),
            }
        }
        raw.listen.tls = Some(RawKeystore {
            keystore: Some(self.keystore.clone()),
            key: self.keystore_key.clone(),
            password: Some(secret(self.keystore_password)),
        });
        raw.listen.client_ca = Some(RawTruststore {
            truststore: Some(self.truststore.clone()),
            password: Some(secret(self.truststore_password)),
        });
        raw.listen.client_auth = Some("required".to_owned());
        if let Some(journal) = &self.journal {
            let url = if journal.contains(':') {
                journal.clone()
            } else {
                format!("sqlite://{journal}")
            };
            raw.journal.url = Some(url);
        }
    }
}

/// Keys as whoever set the variables knows them.
fn by_variable(mut problems: Problems) -> Problems {
    const NAMES: [(&str, &str); 7] = [
        ("listen.port", "HTTPS_PORT"),
        ("listen.tls.keystore", "KEYSTORE_PATH"),
        ("listen.tls.key", "KEYSTORE_KEY_PATH"),
        ("listen.tls.password", "KEYSTORE_PASSWORD"),
        ("listen.client_ca.truststore", "TRUSTSTORE_PATH"),
        ("listen.client_ca.password", "TRUSTSTORE_PASSWORD"),
        ("journal.url", "CERTWAY_JOURNAL"),
    ];
    for problem in &mut problems.0 {
        if let Some((_, name)) = NAMES.iter().find(|(key, _)| problem.key == *key) {
            problem.key = (*name).to_owned();
        }
    }
    problems
}

/// How a secret looks in a log.
const MASK: &str = "*****";

fn masked(secret: &secrecy::SecretString) -> &'static str {
    if secret.expose_secret().is_empty() {
        ""
    } else {
        MASK
    }
}

#[cfg(test)]
mod tests;
