//! Asking a program of ours whether it is alive or ready: for what starts programs and cannot ask over HTTP by itself, and has no `curl`
//! in the image either.
//!
//! The paths are those of the admin listener, which speaks plain HTTP on this machine. Nothing is configured but where that is: a
//! configuration that was just spoilt must not make a program look dead that serves on with the last good one.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long everything may take. Whoever asks from a kubelet has its own, shorter time-out around it.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of an answer, in bytes.
const MOST: usize = 256 << 10;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the process runs and answers: `/livez`.
    Live,
    /// Whether requests can be served: `/readyz`.
    Ready,
}

impl Question {
    /// Where it is asked.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Live => "/livez",
            Self::Ready => "/readyz",
        }
    }
}

/// A word that is no [`Question`].
#[derive(Debug, thiserror::Error)]
#[error("`live` or `ready` can be asked")]
pub struct UnknownQuestion;

impl FromStr for Question {
    type Err = UnknownQuestion;

    fn from_str(text: &str) -> Result<Self, UnknownQuestion> {
        match text {
            "live" => Ok(Self::Live),
            "ready" => Ok(Self::Ready),
            _ => Err(UnknownQuestion),
        }
    }
}

/// Why the answer is not yes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Nobody is there.
    #[error("nothing answers at {0}: {1}")]
    NotReached(SocketAddr, std::io::Error),
    /// Somebody is, and does not speak HTTP, or stops in the middle.
    #[error("what answers at {0} does not end its answer: {1}")]
    Broken(SocketAddr, Box<dyn std::error::Error + Send + Sync>),
    /// Nothing came in time.
    #[error("no answer from {0} within {time} s", time = PATIENCE.as_secs())]
    TimedOut(SocketAddr),
    /// The answer is no.
    #[error("{0}: {1}")]
    No(StatusCode, String),
}

/// Asks the admin listener at `address`; `Ok` is yes.
///
/// # Errors
/// [`ProbeError`], which holds what the program says of itself where it answers.
pub async fn ask(address: SocketAddr, question: Question) -> Result<(), ProbeError> {
    tokio::time::timeout(PATIENCE, exchange(address, question))
        .await
        .unwrap_or(Err(ProbeError::TimedOut(address)))
}

async fn exchange(address: SocketAddr, question: Question) -> Result<(), ProbeError> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| ProbeError::NotReached(address, error))?;
    let (status, body) = get(stream, address, question.path())
        .await
        .map_err(|error| ProbeError::Broken(address, error))?;
    if status == StatusCode::OK {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&body).trim().to_owned();
        Err(ProbeError::No(status, said))
    }
}

async fn get(
    stream: TcpStream,
    address: SocketAddr,
    path: &str,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let exchange = async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer, MOST).collect().await?;
        Ok((status, body.to_bytes()))
    };
    // The connection has to be driven while the answer is awaited, and ends with its sender; whatever else ends it shows in the exchange.
    let (answer, _ended) = tokio::join!(exchange, connection);
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Takes one connection, answers what it is given, and tells what was asked.
    async fn asked(answer: &'static str, question: Question) -> (String, Result<(), ProbeError>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(head).unwrap()
        });
        let result = ask(address, question).await;
        let head = serving.await.unwrap();
        (head.lines().next().unwrap().to_owned(), result)
    }

    #[tokio::test]
    async fn yes_is_the_status_200() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (asked, result) = asked(answer, Question::Live).await;
        assert_eq!(asked, "GET /livez HTTP/1.1");
        result.unwrap();
    }

    #[tokio::test]
    async fn no_comes_with_what_the_program_says() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwait\n\r\n0\r\n\r\n";
        let (asked, result) = asked(answer, Question::Ready).await;
        assert_eq!(asked, "GET /readyz HTTP/1.1");
        assert_eq!(
            result.unwrap_err().to_string(),
            "503 Service Unavailable: wait"
        );
    }

    #[tokio::test]
    async fn half_an_answer_is_no_yes() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok";
        let (_, result) = asked(answer, Question::Live).await;
        assert!(matches!(result, Err(ProbeError::Broken(..))), "{result:?}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let answer: &'static str = Box::leak(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                MOST + 1,
                "x".repeat(MOST + 1)
            )
            .into_boxed_str(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The reader goes away before the end.
            let _gone = stream.write_all(answer.as_bytes()).await;
        });
        let result = ask(address, Question::Live).await;
        assert!(matches!(result, Err(ProbeError::Broken(..))), "{result:?}");
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = ask(address, Question::Live).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("nothing answers at {address}")),
            "{error}"
        );
    }

    #[test]
    fn questions_are_live_and_ready() {
        assert_eq!("live".parse::<Question>().unwrap(), Question::Live);
        assert_eq!("ready".parse::<Question>().unwrap(), Question::Ready);
        assert!("Live".parse::<Question>().is_err());
    }
}
