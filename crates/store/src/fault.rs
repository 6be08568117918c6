use ra::JournalError;
use sqlx::Error;

/// What a failed statement means for the rest of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// One row cannot be written; the others may.
    Row,
    /// Two transactions got in each other's way: the same again may work.
    Conflict,
    /// The connection is gone: another one may work.
    Connection,
    /// Nothing can be written or read for now.
    Store,
    /// We are being stopped.
    Closing,
}

/// A failure that can be told to everyone who waited for it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) blame: Blame,
    /// A unique index refused a row.
    pub(crate) clash: bool,
    /// It may have happened all the same.
    pub(crate) unsure: bool,
    /// The server did not take the password.
    pub(crate) password: bool,
    text: String,
}

impl Fault {
    /// The store as a whole, for a reason of our own.
    pub(crate) fn store(text: impl Into<String>) -> Self {
        Self {
            blame: Blame::Store,
            clash: false,
            unsure: false,
            password: false,
            text: text.into(),
        }
    }

    /// No connection came about, for a reason of our own.
    pub(crate) fn connection(text: impl Into<String>) -> Self {
        Self {
            blame: Blame::Connection,
            ..Self::store(text)
        }
    }

    /// We are being stopped.
    pub(crate) fn closing() -> Self {
        Self {
            blame: Blame::Closing,
            ..Self::store("the journal is being closed: ask again once certway-ra runs again")
        }
    }

    /// Nothing was heard of the transaction in time.
    pub(crate) fn no_answer() -> Self {
        Self::store("the database did not answer in time: is its disk or its host overloaded?")
            .unsure()
    }

    /// The connection broke while committing: it may have happened, and doing it again could find its own traces and
    /// take them for another's.
    pub(crate) fn at_commit(self) -> Self {
        match self.blame {
            Blame::Connection => self.unsure(),
            _ => self,
        }
    }

    fn unsure(mut self) -> Self {
        self.unsure = true;
        self
    }

    /// Whether the same may work later, when the database is back or its disk has room.
    pub(crate) fn passes(&self) -> bool {
        matches!(
            self.blame,
            Blame::Store | Blame::Connection | Blame::Conflict
        )
    }

    /// For whoever waits.
    pub(crate) fn to_error(&self) -> JournalError {
        JournalError::Unavailable(self.text.clone())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let clash = matches!(&error, Error::Database(e) if e.is_unique_violation());
        let password = matches!(&error, Error::Database(e) if e.code().is_some_and(|code| code.starts_with("28")));
        let (blame, what, hint) = judge(&error);
        let text = if hint.is_empty() {
            what
        } else {
            format!("{what}: {hint}")
        };
        Self {
            blame,
            clash,
            unsure: false,
            password,
            text,
        }
    }
}

impl From<Fault> for JournalError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault.text)
    }
}

/// The error of a read, in words.
pub(crate) fn unavailable(error: Error) -> JournalError {
    Fault::from(error).into()
}

fn judge(error: &Error) -> (Blame, String, &'static str) {
    match error {
        Error::Database(e) => {
            // The message only: PostgreSQL's detail quotes the row.
            let message = e.message().to_owned();
            let code = e.code().unwrap_or_default();
            let (blame, hint) = match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => sqlite(number),
                Ok(_) | Err(_) => postgres(&code),
            };
            (blame, message, hint)
        }
        // What rustls does not accept.
        Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => (
            Blame::Connection,
            format!("TLS to the database failed ({e})"),
            "see journal.tls",
        ),
        Error::Io(e) => (
            Blame::Connection,
            format!("the connection to the database broke ({e})"),
            "is it running?",
        ),
        Error::Tls(e) => (
            Blame::Connection,
            format!("TLS to the database failed ({e})"),
            "see journal.tls",
        ),
        Error::Protocol(_) | Error::WorkerCrashed => (
            Blame::Connection,
            "the connection to the database broke".to_owned(),
            "",
        ),
        Error::PoolClosed => (
            Blame::Closing,
            "the journal is being closed".to_owned(),
            "ask again once certway-ra runs again",
        ),
        Error::PoolTimedOut => (
            Blame::Store,
            "no connection to the database was free in time".to_owned(),
            "is it running, and fast enough?",
        ),
        Error::Configuration(e) => (
            Blame::Store,
            format!("the database URL cannot be used ({e})"),
            "sqlite:///path/file.db or postgres://…",
        ),
        Error::Encode(_)
        | Error::Decode(_)
        | Error::ColumnDecode { .. }
        | Error::ColumnNotFound(_) => (
            Blame::Row,
            "a row does not have the expected columns".to_owned(),
            "",
        ),
        _ => (Blame::Row, "the database did not do as told".to_owned(), ""),
    }
}

/// Result codes of SQLite, the low byte being the primary one (<https://sqlite.org/rescode.html>).
fn sqlite(code: u32) -> (Blame, &'static str) {
    match code & 0xff {
        5 | 6 => (
            Blame::Store,
            "another process holds the file; one certway-ra per SQLite file",
        ),
        7 => (Blame::Store, "there is no memory left"),
        8 => (
            Blame::Store,
            "give this user write access to the file and its directory",
        ),
        10 => (
            Blame::Store,
            "reading or writing the disk failed; look at the system's log",
        ),
        11 => (
            Blame::Store,
            "the file is damaged; restore it from a backup",
        ),
        13 => (Blame::Store, "free some space"),
        14 => (
            Blame::Store,
            "check that the directory exists and that this user may write to it",
        ),
        26 => (
            Blame::Store,
            "the file is something else, or damaged; name another one or restore it from a backup",
        ),
        _ => (Blame::Row, ""),
    }
}

/// SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn postgres(state: &str) -> (Blame, &'static str) {
    match (state, state.get(..2)) {
        ("40001" | "40P01", _) => (Blame::Conflict, ""),
        ("25006", _) => (
            Blame::Connection,
            "the database is a read-only standby; name the primary",
        ),
        ("42501", _) => (Blame::Store, "grant this user the rights on the schema"),
        (_, Some("08" | "57")) => (
            Blame::Connection,
            "the database is stopping, starting or cannot be reached",
        ),
        (_, Some("28")) => (Blame::Store, "check user and password"),
        (_, Some("3D")) => (Blame::Store, "create the database, or name another one"),
        (_, Some("53" | "58" | "XX")) => (
            Blame::Store,
            "the database server is out of resources or damaged",
        ),
        _ => (Blame::Row, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_broke_while_committing_says_nothing_of_the_store_and_leaves_open_what_happened()
     {
        let fault = Fault::connection("gone").at_commit();
        assert_eq!((fault.blame, fault.unsure), (Blame::Connection, true));
        assert!(fault.passes());
    }
}
