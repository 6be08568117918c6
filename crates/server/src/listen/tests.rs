use axum::Extension;
use axum::routing::get;
use pki::keystore::KeyEntry;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;
use crate::config::Tls;
use crate::{testing, tls};

/// A server that answers with the subject of the client's certificate.
struct Served {
    address: SocketAddr,
    tls: tls::Exchangeable,
    drain: Drain,
    gate: Arc<Gate>,
}

async fn material(subject: &str) -> Tls {
    Tls {
        identity: KeyEntry {
            alias: "server".to_owned(),
            key: testing::key("p256-pkcs8"),
            chain: vec![testing::certificate(subject, &["localhost"]).await],
        },
        client_cas: vec![testing::root().await],
        client_required: true,
    }
}

impl Served {
    async fn with(limits: Limits) -> Self {
        // One process-wide root would do; each has its own, under the same name and key.
        let tls = tls::Exchangeable::new(tls::server_config(&material("CN=one").await).unwrap());
        let socket = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let drain = Drain::default();
        let gate = Arc::new(Gate::default());
        let router = Router::new()
            .route("/", get(subject))
            .route("/slow", get(slow))
            .layer(Extension(Arc::clone(&gate)));
        let door = Door::new(router, Some(tls.clone()), &limits, &drain);
        tokio::spawn(serve(socket, door));
        Self {
            address,
            tls,
            drain,
            gate,
        }
    }
}

async fn subject(Extension(peer): Extension<Peer>) -> String {
    peer.certificate
        .map(|certificate| pki::name::onap::display(certificate.subject()))
        .unwrap_or_default()
}

/// Says that it has begun, and ends when it may.
#[derive(Default)]
struct Gate {
    begun: tokio::sync::Notify,
    may_end: tokio::sync::Notify,
}

async fn slow(Extension(gate): Extension<Arc<Gate>>) -> &'static str {
    gate.begun.notify_one();
    gate.may_end.notified().await;
    "done"
}

/// One request over a connection of its own; the answer and the server's certificate.
async fn ask(
    served: &Served,
    path: &str,
    client: Option<&str>,
) -> io::Result<(String, Certificate)> {
    let mut connection = connect(served, client).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let server = connection.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    Ok((
        String::from_utf8(answer).unwrap(),
        Certificate::from_der(server).unwrap(),
    ))
}

async fn connect(
    served: &Served,
    client: Option<&str>,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    // The server's certificate is not what is tested here, and its root is made anew each time.
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .dangerous()
    .with_custom_certificate_verifier(Arc::new(AnyServer));
    let config = match client {
        None => config.with_no_client_auth(),
        Some(subject) => {
            let chain = vec![CertificateDer::from(
                testing::certificate(subject, &[]).await.der().to_vec(),
            )];
            let key = testing::key("p256-pkcs8").to_pkcs8_der().unwrap().to_vec();
            config
                .with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key.into()))
                .unwrap()
        }
    };
    let stream = TcpStream::connect(served.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[derive(Debug)]
struct AnyServer;

impl rustls::client::danger::ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[tokio::test]
async fn a_request_knows_the_certificate_of_the_client() {
    let served = Served::with(Limits::default()).await;
    let (answer, _) = ask(&served, "/", Some("O=Example,CN=client"))
        .await
        .unwrap();
    assert!(answer.ends_with("O=Example,CN=client"), "{answer}");
}

#[tokio::test]
async fn a_client_without_a_certificate_gets_no_answer() {
    let served = Served::with(Limits::default()).await;
    assert!(ask(&served, "/", None).await.is_err());
    // And the next one is served all the same.
    assert!(ask(&served, "/", Some("CN=client")).await.is_ok());
}

#[tokio::test]
async fn one_connection_more_than_allowed_is_closed_and_a_freed_seat_is_taken_again() {
    let served = Served::with(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = connect(&served, Some("CN=first")).await.unwrap();
    // The seat is taken when the first answer is here.
    first
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    first.read_u8().await.unwrap();
    assert!(ask(&served, "/", Some("CN=second")).await.is_err());
    first.shutdown().await.unwrap();
    drop(first);
    while ask(&served, "/", Some("CN=third")).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn new_tls_material_serves_new_connections() {
    let served = Served::with(Limits::default()).await;
    let renewed = tls::server_config(&material("CN=two").await).unwrap();
    served.tls.exchange(renewed);
    let (_, server) = ask(&served, "/", Some("CN=client")).await.unwrap();
    assert_eq!(pki::name::onap::display(server.subject()), "CN=two");
}

#[tokio::test]
async fn a_request_under_way_is_answered_after_the_signal_to_stop() {
    let served = Served::with(Limits::default()).await;
    let mut connection = connect(&served, Some("CN=client")).await.unwrap();
    connection
        .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    served.gate.begun.notified().await;
    let ending = tokio::spawn({
        let drain = served.drain.clone();
        async move { drain.run(Duration::from_secs(5)).await }
    });
    served.drain.begun().await;
    served.gate.may_end.notify_one();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.ends_with(b"done"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    ending.await.unwrap();
}

#[tokio::test]
async fn a_header_block_that_never_ends_is_cut_off() {
    let limits = Limits {
        header_read: std::time::Duration::from_millis(100),
        ..Limits::default()
    };
    let served = Served::with(limits).await;
    let mut connection = connect(&served, Some("CN=client")).await.unwrap();
    connection
        .write_all(b"GET / HTTP/1.1\r\nX-Slow: ")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _cut = connection.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}
