//! Connections in: TLS, who is at the other end, and bounds on what strangers may cost.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::http::Request;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use jiff::Timestamp;
use pki::Certificate;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::Peer;
use crate::config::Limits;

/// What a header block may exceed its bound by before the connection is cut: enough to answer 431 in place of a reset.
const GRACE: usize = 2 << 20;

/// Serves `router` on `listener` until `handle` says stop. With `tls` every request knows the peer's certificate.
///
/// # Errors
/// Those of the socket.
pub async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    tls: Option<RustlsConfig>,
    limits: &Limits,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let seats = Arc::new(Semaphore::new(limits.connections));
    let server = axum_server::from_tcp(listener)?.handle(handle);
    let service = router.into_make_service();
    match tls {
        Some(config) => {
            let inner = RustlsAcceptor::new(config)
                .handshake_timeout(limits.handshake)
                .acceptor(NoDelayAcceptor::new());
            bounded(server.acceptor(Known { inner, seats }), limits)
                .serve(service)
                .await
        }
        None => {
            bounded(
                server.acceptor(Known {
                    inner: NoDelayAcceptor::new(),
                    seats,
                }),
                limits,
            )
            .serve(service)
            .await
        }
    }
}

/// HTTP/1.1 alone, with bounds on a header block. The last step: exchanging the acceptor forgets the version.
fn bounded<A>(server: Server<SocketAddr, A>, limits: &Limits) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header + GRACE);
    server
}

/// Takes connections as `inner` does, as long as there are seats, and tells each request who is at the other end.
#[derive(Clone)]
struct Known<A> {
    inner: A,
    seats: Arc<Semaphore>,
}

impl<A, S> Accept<TcpStream, S> for Known<A>
where
    A: Accept<TcpStream, S> + Clone + Send + 'static,
    A::Future: Send,
    A::Stream: End + Send,
    A::Service: Send,
    S: Send + 'static,
{
    type Stream = A::Stream;
    type Service = WithPeer<A::Service>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // Taken before the handshake: that is what costs.
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        let inner = self.inner.clone();
        Box::pin(async move {
            let seat = seat.map_err(|_| {
                tracing::debug!("a connection was closed: as many as are allowed are open");
                io::Error::other("too many connections")
            })?;
            let address = stream.peer_addr()?;
            let (stream, service) = inner.accept(stream, service).await.inspect_err(|e| {
                tracing::debug!(peer = %address, error = %e, "no TLS connection came about");
            })?;
            let certificate = stream.certificate()?;
            let peer = Peer {
                address,
                certificate,
            };
            Ok((
                stream,
                WithPeer {
                    inner: service,
                    peer,
                    _seat: Arc::new(seat),
                },
            ))
        })
    }
}

/// The other end of a stream.
trait End {
    fn certificate(&self) -> io::Result<Option<Certificate>>;
}

impl End for TcpStream {
    fn certificate(&self) -> io::Result<Option<Certificate>> {
        Ok(None)
    }
}

impl End for TlsStream<TcpStream> {
    fn certificate(&self) -> io::Result<Option<Certificate>> {
        let Some(leaf) = self.get_ref().1.peer_certificates().and_then(<[_]>::first) else {
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
}

/// Puts the [`Peer`] into every request of a connection, and keeps its seat.
#[derive(Clone)]
struct WithPeer<S> {
    inner: S,
    peer: Peer,
    _seat: Arc<OwnedSemaphorePermit>,
}

impl<S, B> Service<Request<B>> for WithPeer<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests;
