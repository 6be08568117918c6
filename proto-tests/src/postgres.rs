//! PostgreSQL: databases on the server that `./proto-tests/run` starts, and servers of one's own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use pki::Certificate;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;

use crate::certs::Identity;
use crate::port::Port;

/// The server that databases are made on.
const SERVER: &str = "CERTWAY_TEST_POSTGRES_URL";

/// Whether there is no server for databases. A test that needs one says so and ends, as with [`crate::peer::missing`].
///
/// # Panics
/// In CI, where a server has to be.
pub fn missing() -> bool {
    if std::env::var_os(SERVER).is_some() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "{SERVER} is not set");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the capture of a test that passes: someone has to see it.
    let _nobody = writeln!(std::io::stderr(), "LEFT OUT, {SERVER} is not set: {test}");
    true
}

/// A database of one's own. It goes with this value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// An empty one on the server that the environment names.
    ///
    /// # Panics
    /// Where there is none: see [`missing`].
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            server: std::env::var(SERVER).unwrap(),
            name: format!("certway_black_box_{}_{number}", std::process::id()),
        };
        database
            .ask(&format!("CREATE DATABASE {}", database.name))
            .unwrap();
        database
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (address, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (host, _) = address.rsplit_once('/').unwrap();
        format!("{host}/{}?{options}", self.name)
    }

    fn ask(&self, statement: &str) -> Result<(), sqlx::Error> {
        ask(&self.server, statement)
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _left_to_the_server = self.ask(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
    }
}

fn ask(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    connected(url, async |connection| {
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(connection).await.map(drop)
    })?
}

/// Does some work on a connection of its own to a database of either kind, by its URL.
///
/// # Errors
/// When there is no connection to be had.
pub fn connected<T>(
    url: &str,
    work: impl AsyncFnOnce(&mut AnyConnection) -> T,
) -> Result<T, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(url).await?;
        let done = work(&mut connection).await;
        let _closed = connection.close().await;
        Ok(done)
    })
}

/// A server of one's own, for who wants to stop it. It is stopped, and its data removed, with this value.
pub struct Server {
    port: Port,
    folder: TempDir,
}

impl Server {
    /// Makes its data and starts it; it writes durably, as one in use does.
    ///
    /// # Errors
    /// What the programs of PostgreSQL say when they cannot.
    pub fn start() -> Result<Self, String> {
        let server = Self {
            port: Port::free(),
            folder: tempfile::tempdir().map_err(|e| e.to_string())?,
        };
        if is_root() {
            run(Command::new("chown")
                .arg("postgres")
                .arg(server.folder.path()))?;
        }
        let data = server.data();
        let arguments = [
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
            "-D",
            &data,
        ];
        run(server.command("initdb")?.args(arguments))?;
        server.go()?;
        Ok(server)
    }

    /// Makes it ask everybody who comes over TCP for TLS and a password, and show that certificate; `clients`: and for a certificate
    /// below that one. The user `certway` with that password, who may do everything, is made.
    ///
    /// # Errors
    /// What it says when it cannot.
    pub fn secure(
        &self,
        identity: &Identity,
        clients: Option<&Certificate>,
        password: &str,
    ) -> Result<(), String> {
        self.ask(&format!(
            "CREATE ROLE certway SUPERUSER LOGIN PASSWORD '{password}'"
        ))?;
        self.stop()?;
        let write = |name: &str, content: &str| {
            let path = Path::new(&self.data()).join(name);
            std::fs::write(&path, content).map_err(|e| e.to_string())?;
            run(Command::new("chmod").arg("600").arg(&path))?;
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(&path))?;
            }
            Ok::<_, String>(())
        };
        write("server.crt", &identity.chain_pem())?;
        write("server.key", &identity.key_pem())?;
        let mut settings = "ssl = on\n".to_owned();
        let mut asked = "scram-sha-256".to_owned();
        if let Some(root) = clients {
            write("clients.crt", &root.to_pem())?;
            settings += "ssl_ca_file = 'clients.crt'\n";
            asked += " clientcert=verify-ca";
        }
        write("postgresql.auto.conf", &settings)?;
        let socket = "local all all trust\n";
        write(
            "pg_hba.conf",
            &format!("{socket}hostssl all all all {asked}\n"),
        )?;
        self.go()
    }

    /// Its URL by name, for the user that [`Server::secure`] makes.
    pub fn secured_url(&self) -> String {
        format!(
            "postgres://certway@localhost:{}/postgres",
            self.port.number()
        )
    }

    /// Does a statement as who may do everything, past TLS and password.
    ///
    /// # Errors
    /// What the server says.
    pub fn ask(&self, statement: &str) -> Result<(), String> {
        let folder = self.folder.path().display();
        let port = self.port.number();
        let url = format!("postgres://postgres@localhost:{port}/postgres?host={folder}");
        ask(&url, statement).map_err(|e| e.to_string())
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its URL, with the database that it has from the start.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.port.number()
        )
    }

    /// Cuts every connection and starts it again from what is on disk, as after a power failure.
    ///
    /// # Errors
    /// What `pg_ctl` says.
    pub fn crash_and_restart(&self) -> Result<(), String> {
        self.stop()?;
        self.go()
    }

    /// Cuts every connection; nothing is written that was not before.
    ///
    /// # Errors
    /// What `pg_ctl` says.
    pub fn stop(&self) -> Result<(), String> {
        run(self
            .command("pg_ctl")?
            .args(["-D", &self.data(), "-m", "immediate", "-w", "stop"]))
    }

    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    /// What `pg_ctl` says.
    pub fn go(&self) -> Result<(), String> {
        let folder = self.folder.path().display();
        let options = format!("-h 127.0.0.1 -p {} -k {folder}", self.port.number());
        let log = format!("{folder}/log");
        run(self.command("pg_ctl")?.args([
            "-D",
            &self.data(),
            "-l",
            &log,
            "-w",
            "-o",
            &options,
            "start",
        ]))
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Result<Command, String> {
        let program = find(program)?;
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        Ok(command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _stopped_before = self.stop();
    }
}

/// Debian keeps them out of PATH.
fn find(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.flatten().map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain(debian)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
        .ok_or_else(|| format!("`{program}` is missing: install PostgreSQL"))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|me| me.uid() == 0)
}

/// Its output goes to nobody: a server that inherits ours would keep it open.
fn run(command: &mut Command) -> Result<(), String> {
    use std::process::Stdio;
    let said = tempfile::tempfile().map_err(|e| e.to_string())?;
    let copy = said.try_clone().map_err(|e| e.to_string())?;
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(copy)
        .status()
        .map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() {
        return Ok(());
    }
    use std::io::{Read as _, Seek as _};
    let (mut said, mut text) = (said, String::new());
    let _nothing_said = said.rewind().and_then(|()| said.read_to_string(&mut text));
    Err(format!("{command:?}: {status}: {text}"))
}
