//! An HTTP/1.1 client that can also misbehave: header names keep their case, and any octets can be sent.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use pki::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::certs::Identity;
use crate::secrets;

/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where requests go, and as whom.
#[derive(Clone)]
pub struct HttpsClient {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    keeps_secrets: bool,
}

/// One connection; requests follow each other on it.
pub struct Connection {
    stream: Box<dyn Stream>,
    host: String,
    keeps_secrets: bool,
    server: Option<Certificate>,
    /// Read and not yet looked at.
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Every header field, in order.
    pub headers: Vec<(String, String)>,
    /// The body, chunks put together.
    pub body: Vec<u8>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl HttpsClient {
    /// Over TLS: the server has to prove `localhost` under one of `roots`; we show `identity`, if any.
    pub fn tls(address: SocketAddr, roots: &[&Certificate], identity: Option<&Identity>) -> Self {
        Self::tls_versions(address, roots, identity, rustls::ALL_VERSIONS)
    }

    /// The same with only those versions of TLS.
    pub fn tls_versions(
        address: SocketAddr,
        roots: &[&Certificate],
        identity: Option<&Identity>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Self {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(der(root)).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(store);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = identity.chain.iter().map(der).collect();
                let key = identity.key.to_pkcs8_der().unwrap();
                let key = PrivateKeyDer::Pkcs8(key.to_vec().into());
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Self {
            address,
            tls: Some(Arc::new(config)),
            keeps_secrets: false,
        }
    }

    /// Without TLS.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            keeps_secrets: false,
        }
    }

    /// To a server whose answers hold secrets by their nature, as Kubernetes' do: they are not searched for any.
    #[must_use]
    pub fn of_a_keeper_of_secrets(mut self) -> Self {
        self.keeps_secrets = true;
        self
    }

    /// Where it connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection. With TLS 1.3 a server that does not take our certificate says so only when we read.
    ///
    /// # Errors
    /// Those of the socket and of the handshake.
    pub fn connect(&self) -> io::Result<Connection> {
        let tcp = TcpStream::connect(self.address)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let mut server = None;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(config) => {
                let name = ServerName::try_from("localhost").unwrap();
                let tls = ClientConnection::new(Arc::clone(config), name);
                let mut stream = StreamOwned::new(tls.map_err(io::Error::other)?, tcp);
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock)?;
                }
                let shown = stream.conn.peer_certificates().and_then(<[_]>::first);
                server = shown.map(|leaf| Certificate::from_der(leaf.to_vec()).unwrap());
                Box::new(stream)
            }
        };
        Ok(Connection {
            stream,
            host: self.address.to_string(),
            keeps_secrets: self.keeps_secrets,
            server,
            buffer: Vec::new(),
        })
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.connect()?.request(method, path, headers, body)
    }

    /// One request on a connection of its own.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.try_request(method, path, headers, body)
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// GET with header fields.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", path, headers, b"")
    }

    /// POST of a body of that media type.
    pub fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        self.request("POST", path, &[("Content-Type", media_type)], body)
    }
}

impl Connection {
    /// The certificate that the server has shown.
    ///
    /// # Panics
    /// Without TLS.
    pub fn server_certificate(&self) -> Certificate {
        self.server.clone().expect("a connection over TLS")
    }

    /// A request, and the answer to it.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        secrets::fields(headers);
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            head += &format!("Host: {}\r\n", self.host);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut octets = head.into_bytes();
        octets.extend_from_slice(body);
        // A server may answer, and close, before it has read all of it.
        let sent = self.send(&octets);
        self.answer(method == "HEAD")
            .map_err(|e| sent.err().unwrap_or(e))
    }

    /// Sends those octets.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)?;
        self.stream.flush()
    }

    /// Reads one answer; one to HEAD has no body, whatever its header says.
    ///
    /// # Errors
    /// Those of the connection, and an answer that is none.
    pub fn answer(&mut self, to_head: bool) -> io::Result<Answer> {
        let mut answer = self.head()?;
        if !to_head && answer.status != 204 && answer.status != 304 {
            answer.body = self.body(&answer)?;
        }
        if !self.keeps_secrets {
            for (_, value) in &answer.headers {
                secrets::assert_none_in("an answer's head", value.as_bytes());
            }
            secrets::assert_none_in("an answer", &answer.body);
        }
        Ok(answer)
    }

    /// Reads the head of an answer and leaves its body, for one that does not end; [`Connection::chunk`] goes on.
    ///
    /// # Errors
    /// Those of the connection, and an answer that is none.
    pub fn head(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(at) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break at;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no HTTP answer: {head}")))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Ok(Answer {
            status,
            headers,
            body: Vec::new(),
        })
    }

    /// The next chunk of a body in chunks; `None` at its end.
    ///
    /// # Errors
    /// Those of the connection, and a chunk without a size.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16)
            .map_err(io::Error::other)?;
        let chunk = self.exactly(size)?;
        self.line()?;
        Ok((size > 0).then_some(chunk))
    }

    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        if answer
            .header("transfer-encoding")
            .is_some_and(|coding| coding.contains("chunked"))
        {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk()? {
                body.extend_from_slice(&chunk);
            }
            return Ok(body);
        }
        match answer.header("content-length") {
            Some(length) => self.exactly(length.parse().map_err(io::Error::other)?),
            None => {
                while self.more().is_ok() {}
                Ok(std::mem::take(&mut self.buffer))
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line = self.buffer.drain(..at + 2).take(at).collect();
                return String::from_utf8(line).map_err(io::Error::other);
            }
            self.more()?;
        }
    }

    fn exactly(&mut self, size: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < size {
            self.more()?;
        }
        Ok(self.buffer.drain(..size).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.buffer.extend_from_slice(&chunk[..n]);
                Ok(())
            }
        }
    }
}

impl Answer {
    /// A header field, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    /// The media type, without parameters.
    pub fn media_type(&self) -> &str {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der().to_vec())
}
