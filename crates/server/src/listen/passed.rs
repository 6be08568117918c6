//! Sockets that a service manager has opened for us (`sd_listen_fds(3)`): connections wait in them also while no process of ours runs.

use std::collections::BTreeMap;
use std::io;

use listenfd::ListenFd;
use tokio::net::TcpListener;

/// What sockets can be for: the `FileDescriptorName=` of systemd.
const NAMES: [&str; 3] = ["rest", "cmp", "admin"];

/// The sockets that were passed, by what they are for.
#[derive(Default)]
pub struct Passed(BTreeMap<&'static str, std::net::TcpListener>);

/// Sockets that were passed and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PassedError {
    /// It is none that connections come from.
    #[error("a socket that was passed is none for TCP connections: {0}")]
    NotTcp(#[from] io::Error),
    /// Its name says nothing to us.
    #[error("a socket named `{0}` was passed; `FileDescriptorName=` is `rest`, `cmp` or `admin`")]
    Name(String),
    /// One is enough.
    #[error("two sockets named `{0}` were passed")]
    Twice(&'static str),
    /// Nothing listens there by the configuration.
    #[error("a socket named `{0}` was passed, and the configuration has no listener for it")]
    Unwanted(&'static str),
}

impl Passed {
    /// What `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` say. To be called before there are threads: the variables are taken out of the
    /// environment.
    ///
    /// # Errors
    /// [`PassedError`]
    pub fn of_process() -> Result<Self, PassedError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut sockets = ListenFd::from_env();
        let count = sockets.len();
        let mut passed = Self::default();
        for (index, name) in purposes(&names, count)?.into_iter().enumerate() {
            if let Some(socket) = sockets.take_tcp_listener(index)?
                && passed.0.insert(name, socket).is_some()
            {
                return Err(PassedError::Twice(name));
            }
        }
        Ok(passed)
    }

    /// The one of that name, if it was passed.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn take(&mut self, name: &str) -> io::Result<Option<TcpListener>> {
        let Some(socket) = self.0.remove(name) else {
            return Ok(None);
        };
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket).map(Some)
    }

    /// That each was taken.
    ///
    /// # Errors
    /// [`PassedError::Unwanted`]
    pub(crate) fn all_taken(self) -> Result<(), PassedError> {
        match self.0.into_keys().next() {
            Some(name) => Err(PassedError::Unwanted(name)),
            None => Ok(()),
        }
    }
}

/// What each of `count` sockets is for. One alone may have any name, as the unit's that systemd gives it: it is for REST.
fn purposes(names: &str, count: usize) -> Result<Vec<&'static str>, PassedError> {
    let named = |name: &str| NAMES.into_iter().find(|known| *known == name);
    let mut given = names.split(':');
    (0..count)
        .map(|_| {
            let name = given.next().unwrap_or_default();
            match named(name) {
                Some(known) => Ok(known),
                None if count == 1 => Ok("rest"),
                None => Err(PassedError::Name(name.to_owned())),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_sockets_are_for() {
        assert_eq!(purposes("cmp:rest", 2).unwrap(), ["cmp", "rest"]);
        assert!(purposes("", 0).unwrap().is_empty());
    }

    #[test]
    fn one_alone_is_for_rest_whatever_its_unit_is_called() {
        assert_eq!(purposes("certway-ra.socket", 1).unwrap(), ["rest"]);
        assert_eq!(purposes("", 1).unwrap(), ["rest"]);
        assert_eq!(purposes("cmp", 1).unwrap(), ["cmp"]);
    }

    #[test]
    fn of_several_each_has_to_be_named() {
        let error = purposes("rest:certway-ra.socket", 2).unwrap_err();
        assert!(matches!(error, PassedError::Name(name) if name == "certway-ra.socket"));
        assert!(purposes("rest", 2).is_err());
    }
}
