//! A CA that is none: an HTTP server that answers what a test wants.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pki::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::certs::Identity;

/// A request it got.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and header fields.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
    /// The certificate of its client, where TLS had one shown.
    pub client: Option<Certificate>,
}

/// What it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An HTTP answer.
    Http {
        /// Status code.
        status: u16,
        /// `Content-Type`.
        media_type: String,
        /// Body.
        body: Vec<u8>,
    },
    /// Those octets, after which the connection is closed.
    Octets(Vec<u8>),
    /// Those octets, and then zeros as long as somebody reads.
    Endless(Vec<u8>),
    /// Those octets one by one, so slowly that no deadline between two of them is missed and none over all of them kept.
    Drip(Vec<u8>),
    /// Nothing: the connection is closed.
    Close,
    /// Nothing: the connection stays open until the client gives up.
    Silence,
}

impl Reply {
    /// 200 with a CMP message.
    pub fn cmp(body: impl Into<Vec<u8>>) -> Self {
        Self::http(200, "application/pkixcmp", body)
    }

    /// An HTTP answer.
    pub fn http(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Http {
            status,
            media_type: media_type.to_owned(),
            body: body.into(),
        }
    }
}

/// The server. It ends with this value.
pub struct FakeUpstream {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    over: Arc<AtomicBool>,
}

impl FakeUpstream {
    /// Answers each request with what `reply` makes of it.
    pub fn start(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, reply)
    }

    /// The same over TLS.
    pub fn start_tls(
        tls: Arc<ServerConfig>,
        reply: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(tls), reply)
    }

    fn listen(
        tls: Option<Arc<ServerConfig>>,
        reply: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (log, stop, reply) = (Arc::clone(&received), Arc::clone(&over), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (log, reply, tls) = (Arc::clone(&log), Arc::clone(&reply), tls.clone());
                std::thread::spawn(move || meet(stream, tls, &log, reply.as_ref()));
            }
        });
        Self {
            address,
            received,
            over,
        }
    }

    /// Always the same answer.
    pub fn answering(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    /// Its URL, with that path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it got, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _wakes_it = TcpStream::connect(self.address);
    }
}

/// What such a server is over TLS: who it is, and whose clients it wants to know, if anybody's.
pub fn tls(identity: &Identity, clients_of: Option<&Certificate>) -> Arc<ServerConfig> {
    let der = |one: &Certificate| CertificateDer::from(one.der().to_vec());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients_of {
        None => builder.with_no_client_auth(),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(der(root)).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let key = identity.key.to_pkcs8_der().unwrap();
    let key = PrivateKeyDer::Pkcs8(key.to_vec().into());
    let chain = identity.chain.iter().map(der).collect();
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

/// One connection, from its handshake on.
fn meet(
    mut stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    log: &Mutex<Vec<Received>>,
    reply: &dyn Fn(&Received) -> Reply,
) {
    let _unlikely = stream.set_read_timeout(Some(Duration::from_secs(120)));
    let Some(tls) = tls else {
        return serve(&mut stream, None, log, reply);
    };
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            return;
        }
    }
    let shown = stream.conn.peer_certificates().and_then(<[_]>::first);
    let client = shown.map(|leaf| Certificate::from_der(leaf.to_vec()).unwrap());
    serve(&mut stream, client.as_ref(), log, reply);
    stream.conn.send_close_notify();
    let _gone = stream.flush();
}

fn serve(
    stream: &mut (impl Read + Write),
    client: Option<&Certificate>,
    log: &Mutex<Vec<Received>>,
    reply: &dyn Fn(&Received) -> Reply,
) {
    while let Some(request) = read(stream, client) {
        log.lock().unwrap().push(request.clone());
        let octets = match reply(&request) {
            Reply::Http {
                status,
                media_type,
                body,
            } => {
                let head = format!(
                    "HTTP/1.1 {status} Whatever\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                [head.into_bytes(), body].concat()
            }
            Reply::Octets(octets) => {
                let _gone = stream.write_all(&octets);
                return;
            }
            Reply::Endless(octets) => {
                let _gone = stream.write_all(&octets);
                while stream.write_all(&[0; 64 * 1024]).is_ok() {}
                return;
            }
            Reply::Drip(octets) => {
                for octet in octets {
                    if stream.write_all(&[octet]).is_err() {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                return;
            }
            Reply::Close => return,
            Reply::Silence => {
                let _until_it_goes = stream.read(&mut [0]);
                return;
            }
        };
        if stream.write_all(&octets).is_err() {
            return;
        }
    }
}

fn read(stream: &mut impl Read, client: Option<&Certificate>) -> Option<Received> {
    let mut octets = Vec::new();
    let mut chunk = [0; 8192];
    let mut more = |octets: &mut Vec<u8>| -> Option<()> {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        octets.extend_from_slice(&chunk[..n]);
        Some(())
    };
    let end = loop {
        match octets.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(&mut octets)?,
        }
    };
    let head = String::from_utf8_lossy(&octets[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    while octets.len() < end + length.unwrap_or(0) {
        more(&mut octets)?;
    }
    Some(Received {
        head,
        body: octets.split_off(end),
        client: client.cloned(),
    })
}
