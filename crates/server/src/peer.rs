//! Who is at the other end of a connection.

use std::net::SocketAddr;

use pki::Certificate;

/// The other end of a connection: an extension of every request, put there by the listener.
///
/// A request without it did not come over a connection (a test, or the demo calling itself): nobody is authenticated then.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it is.
    pub address: SocketAddr,
    /// The certificate whose key it holds and whose chain ended at a trusted client CA; `None` without mTLS.
    pub certificate: Option<Certificate>,
}
