//! Our programs as child processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::https::HttpsClient;
use crate::output::{Output, PATIENCE};
use crate::secrets;

/// How a program is started: which, with what arguments and environment, and where.
///
/// The environment is the given one and `PATH`; nothing of the developer's own gets in.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    folder: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, OsString>,
    sockets: Vec<(&'static str, Arc<TcpListener>)>,
    /// Told its own process number, as a service manager does.
    is_managed: bool,
    /// Whether what it says is searched for secrets.
    watched: bool,
}

/// How a program that was run to its end went.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Launch {
    /// `certway-ra`, in `folder`.
    ///
    /// Its admin listener is at a port that the system chooses: [`Program::admin`].
    pub fn certway_ra(folder: impl Into<PathBuf>) -> Self {
        Self::of(binary("certway-ra"), folder)
            .env("CERTWAY_RA_ADMIN__PORT", "0")
            .watched()
    }

    /// `certway`, the command line tool, in `folder`.
    pub fn certway(folder: impl Into<PathBuf>) -> Self {
        Self::of(binary("certway"), folder).watched()
    }

    /// Any program, in `folder`: `openssl cmp` as a server, say.
    pub fn of(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: folder.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            sockets: Vec::new(),
            is_managed: false,
            watched: false,
        }
    }

    /// With all that it says searched for secrets when it ends, as is done for every program of ours.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Without that environment variable.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// As a service manager starts it that listens for notifications at `socket`, and for signs of life every `watchdog`.
    #[must_use]
    pub fn managed(mut self, socket: &Path, watchdog: Duration) -> Self {
        self.is_managed = true;
        self.env("NOTIFY_SOCKET", socket)
            .env("WATCHDOG_USEC", watchdog.as_micros().to_string())
    }

    /// With one more socket that was opened for it, at most two, under that `FileDescriptorName`. It stays open here.
    #[must_use]
    pub fn passing(mut self, name: &'static str, socket: TcpListener) -> Self {
        self.sockets.push((name, Arc::new(socket)));
        self.is_managed = true;
        let names: Vec<_> = self.sockets.iter().map(|(name, _)| *name).collect();
        let count = names.len().to_string();
        let names = names.join(":");
        self.env("LISTEN_FDS", count).env("LISTEN_FDNAMES", names)
    }

    /// Under another program, which is given this one and its arguments behind its own.
    #[must_use]
    pub fn under(mut self, program: &str, arguments: &[&str]) -> Self {
        let inner = std::mem::replace(&mut self.program, program.into());
        let outer = arguments.iter().map(OsString::from);
        let inner = std::iter::once(inner.into_os_string());
        self.arguments = outer.chain(inner).chain(self.arguments).collect();
        self
    }

    /// Where it is started.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it, and does not wait for anything.
    pub fn spawn(self) -> Program {
        let output = Output::default();
        let child = self.child(&output);
        Program {
            launch: self,
            child,
            output,
        }
    }

    /// Starts it, and waits until it listens on `sockets` sockets.
    pub fn start(self, sockets: usize) -> Program {
        let program = self.spawn();
        program.listening(0, sockets);
        program
    }

    /// Runs it to its end, with nothing on standard input.
    pub fn run(&self) -> Ended {
        let output = self.command().stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        self.assert_silent(&[&output.stdout, &output.stderr]);
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// # Panics
    /// When a secret is in what it said.
    fn assert_silent(&self, said: &[&[u8]]) {
        if !self.watched {
            return;
        }
        secrets::folder(&self.folder);
        for (name, value) in &self.environment {
            secrets::variable(name, &value.to_string_lossy());
        }
        let who = self.program.display().to_string();
        for said in said {
            secrets::assert_none_in(&who, said);
        }
    }

    fn command(&self) -> Command {
        let mut command = if self.is_managed {
            // Only it knows its number, and only a shell puts descriptors where they have to be.
            let descriptors = ["", "3<&0 0</dev/null", "3<&0 4<&2 0</dev/null 2>&1"];
            let script = format!(
                "exec {}; export WATCHDOG_PID=$$ LISTEN_PID=$$; exec \"$0\" \"$@\"",
                descriptors[self.sockets.len()]
            );
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(script).arg(&self.program);
            shell
        } else {
            Command::new(&self.program)
        };
        command
            .current_dir(&self.folder)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&self.environment);
        command
    }

    fn child(&self, output: &Output) -> Child {
        let mut sockets = self.sockets.iter().map(|(_, socket)| {
            let copy = socket.try_clone().unwrap();
            Stdio::from(OwnedFd::from(copy))
        });
        let mut child = self
            .command()
            .stdin(sockets.next().unwrap_or_else(Stdio::null))
            .stdout(Stdio::piped())
            .stderr(sockets.next().unwrap_or_else(Stdio::piped))
            .spawn()
            .unwrap_or_else(|e| {
                panic!(
                    "{}: {e}; ./proto-tests/run builds the programs",
                    self.program.display()
                )
            });
        output.keep(child.stdout.take().unwrap(), self.folder.join("stdout.log"));
        if let Some(errors) = child.stderr.take() {
            output.keep(errors, self.folder.join("stderr.log"));
        }
        child
    }
}

/// A program that was started. It is killed when this value goes; when a test fails, the end of its output is shown.
pub struct Program {
    launch: Launch,
    child: Child,
    output: Output,
}

impl Program {
    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote, over all its starts.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Waits until it has written `sentence`, whenever that was.
    ///
    /// # Panics
    /// When it ends, or patience does, before it has.
    pub fn log_has(&self, sentence: &str) {
        self.log_has_since(0, sentence);
    }

    /// Waits until it has written `sentence` after `mark`, which is [`Output::mark`].
    ///
    /// # Panics
    /// When it ends, or patience does, before it has.
    pub fn log_has_since(&self, mark: usize, sentence: &str) {
        let found = self
            .output
            .wait(mark, |text| text.contains(sentence).then_some(()));
        assert!(
            found.is_some(),
            "the log does not say `{sentence}`:\n{}",
            self.output.text()
        );
    }

    /// The sockets it says it listens on, after `mark`, once there are `count` of them.
    pub fn listening(&self, mark: usize, count: usize) -> Vec<SocketAddr> {
        let sockets = |text: &str| {
            let named = text.split("listening on ").skip(1);
            let found: Vec<SocketAddr> = named
                .filter_map(|rest| rest.split([' ', '\n', '"']).next()?.parse().ok())
                .collect();
            (found.len() >= count).then_some(found)
        };
        self.output
            .wait(mark, sockets)
            .unwrap_or_else(|| panic!("it does not listen:\n{}", self.output.text()))
    }

    /// A client of its admin listener: the one of its last start.
    ///
    /// # Panics
    /// When it does not say where that is.
    pub fn admin(&self) -> HttpsClient {
        let address = self.output.wait(0, |text| {
            let named = text.rsplit("the admin listener is at ").next()?;
            named.split([' ', '\n', '"']).next()?.parse().ok()
        });
        HttpsClient::plain(address.unwrap_or_else(|| panic!("no admin listener")))
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
        self.output.ended();
    }

    /// Sends SIGTERM and waits for its end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Sends a signal by its name: `HUP`, `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "no SIG{name} could be sent"
        );
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When patience ends first.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(
            self.output.ended(),
            "it does not end:\n{}",
            self.output.text()
        );
        self.child.wait().unwrap()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Starts it again, after it ended or was killed, and waits until it listens on `sockets` sockets.
    pub fn restart(&mut self, sockets: usize) {
        self.restart_with(sockets, |launch| launch);
    }

    /// As [`Program::restart`], with something changed: another environment, say.
    pub fn restart_with(&mut self, sockets: usize, change: impl FnOnce(Launch) -> Launch) {
        assert!(!self.runs(), "it still runs");
        let mark = self.output.mark();
        self.launch = change(self.launch.clone());
        self.child = self.launch.child(&self.output);
        self.listening(mark, sockets);
    }

    /// The folder it was started in.
    pub fn folder(&self) -> &Path {
        self.launch.folder()
    }
}

impl Program {
    /// What its admin listener shows at the end, if it has one and answers at once.
    fn shown(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let text = self.output.text();
        let address = text
            .rsplit_once("the admin listener is at ")
            .and_then(|(_, rest)| {
                rest.split([' ', '\n', '"'])
                    .next()?
                    .parse::<SocketAddr>()
                    .ok()
            });
        let Some(address) = address.filter(|_| self.launch.watched && self.runs()) else {
            return all;
        };
        for path in ["/metrics", "/configz", "/readyz"] {
            let _gone = ask(address, path, &mut all);
        }
        all
    }
}

/// A stopped process does not answer, and is not waited for.
const AT_ONCE: Duration = Duration::from_secs(1);

fn ask(address: SocketAddr, path: &str, said: &mut Vec<u8>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, AT_ONCE)?;
    stream.set_read_timeout(Some(AT_ONCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )?;
    stream.read_to_end(said)?;
    Ok(())
}

impl Drop for Program {
    fn drop(&mut self) {
        let shown = self.shown();
        self.kill();
        if std::thread::panicking() {
            let text = self.output.text();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.len().saturating_sub(40);
            eprintln!("--- {}", self.launch.program.display());
            eprintln!("{}\n---", lines[last..].join("\n"));
            return;
        }
        let said = self.output.text();
        self.launch.assert_silent(&[said.as_bytes(), &shown]);
    }
}

/// A program of ours, where cargo puts it.
pub fn binary(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    // Beside us when there is something, or beside the folder of a test: another profile, another target directory.
    let beside = std::env::current_exe().ok().and_then(|us| {
        let mut folders = us.ancestors().skip(1).take(2);
        folders.find_map(|folder| {
            let path = folder.join(name);
            path.is_file().then_some(path)
        })
    });
    beside.unwrap_or_else(|| target.join("debug").join(name))
}

/// Waits until `condition` holds. For what announces itself nowhere; prefer [`Program::log_has`].
///
/// # Panics
/// When patience ends first.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
