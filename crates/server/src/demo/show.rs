//! What people see.

use std::io::{self, Write};

use jiff::Timestamp;
use pki::Certificate;
use pki::chain::Chain;
use pki::name::onap;

use super::client;
use super::environment::Environment;
use super::folder::Folder;
use super::next::LINES;
use super::ports::Ports;

/// What is written when everything is done and the demo stays.
pub(super) const READY: &str = "The demo keeps running; Ctrl-C ends it.";

/// Where it is written to.
pub struct Screen<'a>(pub &'a mut (dyn Write + Send));

impl Screen<'_> {
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.0, "{text}")?;
        self.0.flush()
    }

    /// A heading with its blank lines.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        self.line(&format!("\n{text}\n"))
    }

    /// A value behind its name.
    pub(super) fn row(&mut self, name: &str, value: &str) -> io::Result<()> {
        self.line(&format!("    {name:<10}{value}"))
    }

    /// Several values behind one name.
    fn rows(&mut self, name: &str, values: impl IntoIterator<Item = String>) -> io::Result<()> {
        values.into_iter().enumerate().try_for_each(|(at, value)| {
            let name = if at == 0 { name } else { "" };
            self.row(name, &value)
        })
    }
}

/// What there is before anything happens.
pub(super) fn beginning(screen: &mut Screen<'_>, folder: &Folder, ports: &Ports) -> io::Result<()> {
    screen.line(
        "Certway: a CA, a certway-ra before it, and certificates through each of its doors",
    )?;
    screen.line("")?;
    screen.row(
        "folder",
        &format!("{} has all that is made here", folder.root().display()),
    )?;
    screen.row(
        "REST",
        &format!("{} (v1 and v2; CMP too)", client::rest(ports)),
    )?;
    screen.row("CMP", &client::cmp(ports))?;
    screen.row("the CA", &format!("http://127.0.0.1:{}", ports.ca))?;
    screen.row(
        "settings",
        "certway-ra.toml and ca.toml, as certway-ra serve takes them",
    )?;
    screen.row("log", "demo.log")?;
    for port in &ports.taken {
        screen.row(
            "note",
            &format!("port {port} is taken, so another one is used"),
        )?;
    }
    Ok(())
}

/// A certificate with all that its holder needs.
pub(super) fn certificate(screen: &mut Screen<'_>, chain: &Chain) -> io::Result<()> {
    if let Some(leaf) = chain.certificates.first() {
        screen.row("subject", &onap::display(leaf.subject()))?;
        screen.rows("names", leaf.sans().iter().map(ToString::to_string))?;
        screen.row(
            "valid",
            &format!("{} to {}", time(leaf.not_before()), time(leaf.not_after())),
        )?;
    }
    let subject = |certificate: &Certificate| onap::display(certificate.subject());
    screen.rows("chain", chain.certificates.iter().map(subject))?;
    screen.rows("roots", chain.anchors.iter().map(subject))
}

/// What to try now.
pub(super) fn next(screen: &mut Screen<'_>, environment: &Environment) -> io::Result<()> {
    screen.heading("Try next, in another terminal")?;
    screen.line(&format!("    {}", environment.source_line()))?;
    for line in LINES {
        screen.line(&format!("\n  # {}", line.what))?;
        screen.line(&format!("    {}", line.command))?;
    }
    match environment.remark() {
        Some(remark) => screen.line(&format!("\n  ({remark})")),
        None => Ok(()),
    }
}

/// That everything is done.
pub(super) fn ready(screen: &mut Screen<'_>) -> io::Result<()> {
    screen.line(&format!("\n{READY}"))
}

fn time(time: Timestamp) -> String {
    time.strftime("%F %T UTC").to_string()
}
