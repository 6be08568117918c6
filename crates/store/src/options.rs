use std::time::Duration;

/// How much the journal holds at once, and how long it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Connections that read, beside the one that writes.
    pub readers: u32,
    /// Writes that may queue; whoever comes then waits. At least 1.
    pub queue: usize,
    /// Audit events of refusals that may queue; more are dropped and counted. At least 1.
    pub records: usize,
    /// How long a connection may take to come about, or to be free.
    pub connect_within: Duration,
    /// How long the database may take to answer before its connection is given up.
    pub answer_within: Duration,
    /// How long a server that cannot be reached is waited for when the journal is opened.
    pub start_within: Duration,
    /// How long a change of an entry is tried again while the database is away or its disk full: what it holds may be
    /// a certificate that nobody else has. Shorter than any lease.
    pub persist_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            queue: 1024,
            records: 1024,
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(10),
            start_within: Duration::from_secs(30),
            persist_within: Duration::from_secs(30),
        }
    }
}
