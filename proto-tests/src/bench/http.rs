//! A small HTTP/1.1 client for one connection: what a load client costs is taken from the programs it measures.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// One connection, kept.
pub(crate) struct Http {
    stream: Box<dyn Stream>,
    out: Vec<u8>,
    received: Vec<u8>,
}

/// Longer answers are not ours.
const LONGEST: usize = 1 << 20;

impl Http {
    /// Connects, with TLS where there is a configuration for it.
    pub(crate) async fn connect(to: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> Result<Self> {
        let tcp = TcpStream::connect(to).await.context("connecting")?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(tcp),
            Some(config) => {
                let name = ServerName::try_from("localhost")?;
                let connector = TlsConnector::from(Arc::clone(config));
                Box::new(connector.connect(name, tcp).await.context("TLS")?)
            }
        };
        Ok(Self {
            stream,
            out: Vec::with_capacity(4096),
            received: Vec::with_capacity(16 << 10),
        })
    }

    /// Sends a request whose head lacks only `Content-Length` and the empty line; gives status and body.
    pub(crate) async fn post(&mut self, head: &[&[u8]], body: &[u8]) -> Result<(u16, &[u8])> {
        self.out.clear();
        head.iter()
            .for_each(|part| self.out.extend_from_slice(part));
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        self.out.extend_from_slice(length.as_bytes());
        self.out.extend_from_slice(body);
        self.exchange().await
    }

    /// Sends a request whose head lacks only the empty line and that has no body.
    pub(crate) async fn get(&mut self, head: &[&[u8]]) -> Result<(u16, &[u8])> {
        self.out.clear();
        head.iter()
            .for_each(|part| self.out.extend_from_slice(part));
        self.out.extend_from_slice(b"\r\n");
        self.exchange().await
    }

    async fn exchange(&mut self) -> Result<(u16, &[u8])> {
        self.stream.write_all(&self.out).await?;
        self.stream.flush().await?;
        self.received.clear();
        let mut looked_at = 0;
        let end = loop {
            let found = find(&self.received[looked_at..], b"\r\n\r\n");
            if let Some(at) = found {
                break looked_at + at + 4;
            }
            looked_at = self.received.len().saturating_sub(3);
            self.more().await?;
        };
        let (status, length) = head_of(&self.received[..end])?;
        ensure!(length <= LONGEST, "an answer of {length} octets");
        while self.received.len() < end + length {
            self.more().await?;
        }
        ensure!(
            self.received.len() == end + length,
            "more came than one answer"
        );
        Ok((status, &self.received[end..]))
    }

    async fn more(&mut self) -> Result<()> {
        ensure!(self.received.len() <= 2 * LONGEST, "an endless answer");
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }
}

/// Status and length of the body.
fn head_of(head: &[u8]) -> Result<(u16, usize)> {
    let text = std::str::from_utf8(head).context("the head of an answer")?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .context("no status line")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    match length {
        Some(length) => Ok((status, length)),
        None => bail!("an answer without Content-Length: {text}"),
    }
}

/// Where `wanted` begins in `text`.
pub(crate) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|octet| *octet == first) {
        from += at;
        if text[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_gives_status_and_length_whatever_the_case() {
        let head = b"HTTP/1.1 201 Created\r\ncontent-LENGTH: 17\r\nx: y\r\n\r\n";
        assert_eq!(head_of(head).unwrap(), (201, 17));
        assert!(head_of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_part_is_found_where_it_begins() {
        assert_eq!(find(b"aab", b"ab"), Some(1));
        assert_eq!(find(b"aab", b"abc"), None);
        assert_eq!(find(b"", b"a"), None);
        assert_eq!(find(b"\r\r\n\r\n", b"\r\n\r\n"), Some(1));
    }
}
