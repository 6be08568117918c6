//! Connections in: TLS, who is at the other end, and bounds on what strangers may cost.

mod passed;
mod socket;
mod write_limited;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use pki::Certificate;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::config::Limits;
use crate::drain::Drain;
use crate::{Peer, tls};
pub use passed::{Passed, PassedError};
pub use socket::{ListenError, bind, make_room};
use write_limited::WriteLimited;

/// What a header block may exceed its bound by before the connection is cut: enough to answer 431 in place of a reset.
const GRACE: usize = 2 << 20;
/// How long nothing is taken when the system has no room for one more connection.
const NO_ROOM: Duration = Duration::from_millis(50);

/// What every connection of a listener meets.
pub struct Door {
    router: Router,
    tls: Option<tls::Exchangeable>,
    http: http1::Builder,
    seats: Arc<Semaphore>,
    handshake: Duration,
    write: Duration,
    drain: Drain,
}

impl Door {
    /// Before `router`. With `tls` every request knows the peer's certificate.
    #[must_use]
    pub fn new(
        router: Router,
        tls: Option<tls::Exchangeable>,
        limits: &Limits,
        drain: &Drain,
    ) -> Arc<Self> {
        Arc::new(Self {
            router,
            tls,
            http: http(limits),
            seats: Arc::new(Semaphore::new(limits.connections)),
            handshake: limits.handshake,
            write: limits.write,
            drain: drain.clone(),
        })
    }
}

/// Takes connections from `socket` until the process is told to end; they go on by themselves.
pub async fn serve(socket: TcpListener, door: Arc<Door>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = door.drain.begun() => return,
            accepted = socket.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Not only ours to mend: descriptors may be free again as soon as a connection ends.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(NO_ROOM).await;
                continue;
            }
        };
        // Taken before the handshake: that is what costs.
        let Ok(seat) = Arc::clone(&door.seats).try_acquire_owned() else {
            tracing::debug!(peer = %address, "a connection was closed: as many as are allowed are open");
            continue;
        };
        let taking = Arc::clone(&door);
        door.drain.connection(async move {
            let _seat = seat;
            taking.take(stream, address).await;
        });
    }
}

/// HTTP/1.1 alone, with bounds on a header block.
fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header + GRACE);
    http
}

impl Door {
    async fn take(&self, stream: TcpStream, address: SocketAddr) {
        // Answers are written whole; waiting for more of them only costs time.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(peer = %address, %error, "a connection was gone at once");
            return;
        }
        let stream = WriteLimited::new(stream, self.write);
        let Some(tls) = &self.tls else {
            return self.serve(stream, address, None).await;
        };
        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
        // Apart from the connection, which would else keep the room for it as long as it lives.
        let handshake = Box::pin(tokio::time::timeout(self.handshake, handshake));
        let shaken = tokio::select! {
            biased;
            shaken = handshake => shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            () = self.drain.closing() => return,
        };
        let known = shaken.and_then(|stream| Ok((certificate(&stream)?, stream)));
        match known {
            Ok((certificate, stream)) => self.serve(stream, address, certificate).await,
            Err(error) => {
                tracing::debug!(peer = %address, %error, "no TLS connection came about");
            }
        }
    }

    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send,
        address: SocketAddr,
        certificate: Option<Certificate>,
    ) {
        let service = WithPeer {
            inner: self.router.clone(),
            peer: Peer {
                address,
                certificate,
            },
        };
        let connection = self
            .http
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = self.drain.closing() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    ended = connection.as_mut() => ended,
                    () = self.drain.cut() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %address, %error, "a connection ended badly");
        }
    }
}

/// The certificate that the other end has shown, if any.
fn certificate(stream: &TlsStream<WriteLimited<TcpStream>>) -> io::Result<Option<Certificate>> {
    let Some(leaf) = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
    else {
        return Ok(None);
    };
    let certificate = Certificate::from_der(leaf.to_vec()).map_err(io::Error::other)?;
    // A resumed session is not verified again; the certificate may have expired since.
    if certificate.is_valid_at(Timestamp::now()) {
        Ok(Some(certificate))
    } else {
        Err(io::Error::other(
            "the client's certificate has expired since the session began",
        ))
    }
}

/// Puts the [`Peer`] into every request of a connection.
#[derive(Clone)]
struct WithPeer {
    inner: Router,
    peer: Peer,
}

impl<B> Service<Request<B>> for WithPeer
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests;
