use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::AnyConnectOptions;
use url::{Host, Url};

/// Gives the password each time a connection is made, so that a new one counts without a restart; an error says why
/// there is none, without showing it.
pub type Password = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// Where a database is and how it is reached. Its text never has a password in it.
#[derive(Clone)]
pub struct Target(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    /// The URL as given.
    Sqlite(String),
    Postgres(Box<Postgres>),
}

#[derive(Clone)]
pub(crate) struct Postgres {
    url: Url,
    password: Option<Password>,
    tls: Tls,
}

/// TLS to a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// What is asked of it.
    pub mode: TlsMode,
    /// A file with the CAs that its certificate may come from, PEM, beside the public ones. Read for each connection.
    pub roots: Option<PathBuf>,
    /// Our own certificate with its chain and its key, two files of PEM. Read for each connection.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What is asked of TLS to a PostgreSQL server. Its `verify-ca` is not here: the driver always counts the public CAs, so
/// that anybody with a certificate of one of them could stand in for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// TLS, a certificate of a CA that counts, and the server's name in it.
    VerifyFull,
    /// TLS with whoever answers: nobody can only listen, but anybody in between can read and change everything.
    Require,
    /// No TLS.
    Disable,
}

impl TlsMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyFull => "verify-full",
            Self::Require => "require",
            Self::Disable => "disable",
        }
    }
}

/// Why a text names no database. Never quotes a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Another scheme, or none.
    #[error("the database URL must begin with sqlite:// or postgres://")]
    Scheme,
    /// Not a URL.
    #[error(
        "the database URL cannot be used ({0}): sqlite:///path/file.db or postgres://user@host/database"
    )]
    Malformed(String),
    /// SQLite without a file.
    #[error(
        "a journal in memory would forget what was issued: name a file, as sqlite:///path/file.db"
    )]
    Memory,
    /// A server without a name.
    #[error(
        "the database URL names no host: postgres://user@host/database, or ?host=/path for a socket"
    )]
    NoHost,
    /// A parameter that is not taken.
    #[error(
        "the database URL has the parameter `{0}`: only host, port, user, dbname, application_name and options may stand there"
    )]
    Parameter(String),
}

/// What may stand in the query of a URL. TLS and password are told in other ways.
const PARAMETERS: [&str; 6] = [
    "host",
    "port",
    "user",
    "dbname",
    "application_name",
    "options",
];

impl Target {
    /// Reads `sqlite:///path/file.db` or `postgres://user@host/database`. A password in it counts, but is not kept in the text.
    ///
    /// A server is asked for TLS and its name in its certificate, unless it is on this machine.
    ///
    /// # Errors
    /// [`TargetError`]
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        match text.split_once(':') {
            Some(("sqlite", rest)) => {
                let query = rest.split_once('?').map_or("", |(_, query)| query);
                if text.contains(":memory:") || query.contains("mode=memory") {
                    return Err(TargetError::Memory);
                }
                Ok(Self(Place::Sqlite(text.to_owned())))
            }
            Some(("postgres" | "postgresql", _)) => {
                Postgres::parse(text).map(|postgres| Self(Place::Postgres(Box::new(postgres))))
            }
            _ => Err(TargetError::Scheme),
        }
    }

    /// Whether it is a PostgreSQL server.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self.0, Place::Postgres(_))
    }

    /// Whether its text had a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        matches!(&self.0, Place::Postgres(postgres) if postgres.password.is_some())
    }

    /// With that password, read for each connection. A file has none.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        if let Place::Postgres(postgres) = &mut self.0 {
            postgres.password = Some(password);
        }
        self
    }

    /// With TLS as told. A file needs none.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        if let Place::Postgres(postgres) = &mut self.0 {
            postgres.tls = tls;
        }
        self
    }

    /// TLS as it is asked for.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        match &self.0 {
            Place::Sqlite(_) => None,
            Place::Postgres(postgres) => Some(&postgres.tls),
        }
    }
}

/// The same place, reached the same way. What the password is does not count: it is read for each connection.
impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Sqlite(one), Place::Sqlite(two)) => one == two,
            (Place::Postgres(one), Place::Postgres(two)) => {
                one.url == two.url
                    && one.tls == two.tls
                    && one.password.is_some() == two.password.is_some()
            }
            _ => false,
        }
    }
}

impl Eq for Target {}

/// Without password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Sqlite(url) => f.write_str(url),
            Place::Postgres(postgres) => postgres.url.fmt(f),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Postgres {
    fn parse(text: &str) -> Result<Self, TargetError> {
        let mut url = Url::parse(text).map_err(|e| TargetError::Malformed(e.to_string()))?;
        let (mut host, mut password) = (host_of(&url), url.password().map(decoded));
        // There is a host, or setting one would fail; without a host there is no password either.
        let _no_host = url.set_password(None);
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.set_query(None);
        for (name, value) in parameters {
            if name == "password" {
                password = Some(value);
                continue;
            }
            if !PARAMETERS.contains(&name.as_str()) {
                return Err(TargetError::Parameter(name));
            }
            if name == "host" {
                host = Some(value.clone());
            }
            url.query_pairs_mut().append_pair(&name, &value);
        }
        let host = host.ok_or(TargetError::NoHost)?;
        let mode = if is_here(&host) {
            TlsMode::Disable
        } else {
            TlsMode::VerifyFull
        };
        let password = password.map(SecretString::from);
        Ok(Self {
            url,
            password: password.map(|secret| Arc::new(move || Ok(secret.clone())) as Password),
            tls: Tls {
                mode,
                roots: None,
                identity: None,
            },
        })
    }

    /// What the driver makes a connection from: everything is read anew.
    pub(crate) fn options(&self) -> Result<AnyConnectOptions, String> {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("sslmode", self.tls.mode.as_str());
            if let Some(roots) = &self.tls.roots {
                query.append_pair("sslrootcert", &roots.to_string_lossy());
            }
            if let Some((certificate, key)) = &self.tls.identity {
                query.append_pair("sslcert", &certificate.to_string_lossy());
                query.append_pair("sslkey", &key.to_string_lossy());
            }
            if let Some(password) = &self.password {
                let password = password().map_err(|e| format!("the database's password: {e}"))?;
                query.append_pair("password", password.expose_secret());
            }
            if !self
                .url
                .query_pairs()
                .any(|(name, _)| name == "application_name")
            {
                query.append_pair("application_name", "certway-ra");
            }
        }
        // The error could quote the URL.
        AnyConnectOptions::from_str(url.as_str())
            .map(sqlx::ConnectOptions::disable_statement_logging)
            .map_err(|_| {
                TargetError::Malformed("the driver does not take it".to_owned()).to_string()
            })
    }
}

fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(decoded(host))
}

/// Whether nothing leaves this machine on the way there.
fn is_here(host: &str) -> bool {
    if host.starts_with('/') {
        return true;
    }
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        Err(_) => false,
    }
}

fn decoded(text: &str) -> String {
    // As a query would be, but for `+`, which stands for itself here.
    let query = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(text: &str) -> TlsMode {
        Target::parse(text).unwrap().tls().unwrap().mode
    }

    #[test]
    fn a_server_elsewhere_has_to_prove_its_name_and_one_on_this_machine_does_not() {
        for far in [
            "postgres://u@db.example/d",
            "postgresql://u@10.0.0.1/d",
            "postgres://u@localhost.example/d",
            "postgres://u@127.0.0.1/d?host=db.example",
        ] {
            assert_eq!(mode(far), TlsMode::VerifyFull, "{far}");
        }
        for near in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.1:5433/d",
            "postgres://u@[::1]/d",
            "postgres:///d?host=/run/postgresql",
            "postgres://u@%2Frun%2Fpostgresql/d",
        ] {
            assert_eq!(mode(near), TlsMode::Disable, "{near}");
        }
    }

    #[test]
    fn a_password_counts_and_is_in_no_text() {
        for text in [
            "postgres://u:p%40ss+w%25rd@db.example/d",
            "postgres://u@db.example/d?password=p%40ss%2Bw%25rd",
        ] {
            let target = Target::parse(text).unwrap();
            assert!(target.has_password());
            let shown = format!("{target} {target:?}");
            assert!(
                !shown.contains("p%40ss") && !shown.contains("p@ss"),
                "{shown}"
            );
            let Place::Postgres(postgres) = &target.0 else {
                panic!("{target}")
            };
            let password = postgres.password.as_ref().unwrap()().unwrap();
            assert_eq!(password.expose_secret(), "p@ss+w%rd");
        }
    }

    #[test]
    fn what_would_undo_the_checks_of_tls_cannot_stand_in_the_url() {
        for name in ["sslmode", "ssl-mode", "sslrootcert", "hostaddr", "x"] {
            let text = format!("postgres://u@db.example/d?{name}=disable");
            assert_eq!(
                Target::parse(&text).err(),
                Some(TargetError::Parameter(name.to_owned()))
            );
        }
    }

    #[test]
    fn a_server_without_a_name_is_refused() {
        assert_eq!(
            Target::parse("postgres:///d").err(),
            Some(TargetError::NoHost)
        );
    }
}
