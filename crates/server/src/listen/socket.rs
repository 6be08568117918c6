//! Sockets: bound with room for a burst, and as many of them as the system lets us have.

use std::io;
use std::net::SocketAddr;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait until they are taken: a thousand clients that come at once shall all be let in. The system's own bound
/// (`net.core.somaxconn`) counts where it is lower.
const BACKLOG: u32 = 4096;

/// A socket that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened on: {error}")]
pub struct ListenError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    pub error: io::Error,
}

/// A socket that listens at `address`. Connections wait in it until it is served.
///
/// # Errors
/// [`ListenError`]: the address is taken, not ours, or not allowed to us.
pub fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    listening(address).map_err(|error| ListenError { address, error })
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As the standard library has it: a connection of the process before us, not yet forgotten, does not keep us out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Files, upstream connections and the like, beside the connections of clients.
const OTHER_DESCRIPTORS: u64 = 128;

/// Takes as many file descriptors as the system grants, and warns when they do not suffice for `connections` clients: most systems grant
/// 1024 to who does not ask.
pub fn make_room(connections: usize) {
    let mut granted = getrlimit(Resource::Nofile);
    let soft = granted.current;
    granted.current = granted.maximum;
    let most = match setrlimit(Resource::Nofile, granted) {
        Ok(()) => granted.current,
        Err(error) => {
            tracing::debug!(%error, "the limit of file descriptors stays as it is");
            soft
        }
    };
    let needed = connections as u64 + OTHER_DESCRIPTORS;
    // None: without limit.
    if let Some(most) = most.filter(|most| *most < needed) {
        tracing::warn!(
            most,
            needed,
            "fewer file descriptors may be open than `listen.max_connections` asks for: connections beyond them wait"
        );
    }
}
