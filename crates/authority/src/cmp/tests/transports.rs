use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;

use super::ca::{Act, http, root_at, under_at};
use super::*;
use ra::Health;

#[track_caller]
fn not_sent(step: Result<Step, AskError>) -> (Option<SignedDuration>, String) {
    match step {
        Err(AskError::NotSent { retry_after, why }) => (retry_after, why),
        other => panic!("{other:?}"),
    }
}

async fn answered(ca: &Arc<Ca>, octets: Vec<u8>) -> Result<Step, AskError> {
    ca.will([Act::Raw(octets)]);
    asked(&authority(config(ca)), &lent(&key())).await
}

#[tokio::test]
async fn the_message_is_posted_to_the_path_as_configured_with_its_media_type() {
    let ca = Ca::start().await;
    enrolled(&authority(config(&ca)), &lent(&key())).await;
    let head = ca.heads()[0].to_ascii_lowercase();
    assert!(head.starts_with("post /pkix/ http/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/pkixcmp\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn html_with_503_was_not_processed_and_says_when_to_come_again() {
    let ca = Ca::start().await;
    let html = "HTTP/1.1 503 Slow down\r\nContent-Type: text/html\r\nRetry-After: 17\r\nContent-Length: 6\r\n\r\n<html>";
    let (retry_after, why) = not_sent(answered(&ca, html.as_bytes().to_vec()).await);
    assert_eq!(retry_after, Some(SignedDuration::from_secs(17)));
    assert!(why.contains("503") && why.contains("text/html"), "{why}");
}

#[tokio::test]
async fn a_path_the_server_does_not_know_was_not_processed() {
    let ca = Ca::start().await;
    let (_, why) = not_sent(answered(&ca, http("404 Not Found", "text/plain", b"no")).await);
    assert!(why.contains("404"), "{why}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (ca, other) = (Ca::start().await, Ca::start().await);
    let head = format!(
        "HTTP/1.1 307 Elsewhere\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        other.url
    );
    not_sent(answered(&ca, head.into_bytes()).await);
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn html_with_500_leaves_it_open_what_happened() {
    let ca = Ca::start().await;
    unknown(answered(&ca, http("500 Oops", "text/html", b"<html>")).await);
    unknown(answered(&ca, http("502 Bad Gateway", "text/html", b"<html>")).await);
    unknown(answered(&ca, http("200 OK", "text/html", b"<html>")).await);
}

#[tokio::test]
async fn a_cmp_body_is_read_under_any_status() {
    let ca = Ca::start().await;
    for status in ["400 Bad Request", "500 Oops", "503 Slow down"] {
        ca.will([Act::Http(status, "application/pkixcmp")]);
        issued(asked(&authority(config(&ca)), &lent(&key())).await);
    }
}

#[tokio::test]
async fn another_media_type_is_read_only_by_its_quirk() {
    let ca = Ca::start().await;
    ca.will([Act::Http("200 OK", "application/octet-stream")]);
    unknown(asked(&authority(config(&ca)), &lent(&key())).await);
    ca.will([Act::Http("200 OK", "application/octet-stream")]);
    let quirks = Quirks {
        any_media_type: true,
        ..Quirks::default()
    };
    issued(
        asked(
            &authority(CmpConfig {
                quirks,
                ..config(&ca)
            }),
            &lent(&key()),
        )
        .await,
    );
}

#[tokio::test]
async fn a_refused_connection_sends_nothing_and_shows_in_the_health() {
    let ca = Ca::start().await;
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let endpoint = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let authority = guarded(CmpConfig {
        endpoint,
        ..config(&ca)
    });
    let (_, why) = not_sent(asked(&authority, &lent(&key())).await);
    let Health::Down(text) = authority.health().await else {
        panic!("the CA counts as up")
    };
    assert!(why.ends_with(&text) && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_name_that_is_none_sends_nothing() {
    let ca = Ca::start().await;
    let endpoint = "http://ca.invalid/pkix/".parse().unwrap();
    not_sent(
        asked(
            &authority(CmpConfig {
                endpoint,
                ..config(&ca)
            }),
            &lent(&key()),
        )
        .await,
    );
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_deadline() {
    let ca = Ca::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let transport = TransportSettings {
        total: Duration::from_millis(50),
        ..TransportSettings::default()
    };
    unknown(
        asked(
            &authority(CmpConfig {
                endpoint,
                transport,
                ..config(&ca)
            }),
            &lent(&key()),
        )
        .await,
    );
}

#[tokio::test]
async fn connections_are_kept_for_the_next_message() {
    let ca = Ca::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let authority = authority(CmpConfig {
        endpoint,
        ..config(&ca)
    });
    let serving = Arc::clone(&ca);
    // One connection is accepted, and no other ever.
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serving.connection(stream).await;
    });
    for _ in 0..3 {
        enrolled(&authority, &lent(&key())).await;
    }
}

#[tokio::test]
async fn an_http_proxy_is_asked_for_the_whole_url() {
    let ca = Ca::start().await;
    let endpoint = "http://ca.invalid/pkix/".parse().unwrap();
    let proxy = Proxy::Through(format!("http://{}", ca.address).parse().unwrap());
    let transport = TransportSettings {
        proxy,
        ..TransportSettings::default()
    };
    enrolled(
        &authority(CmpConfig {
            endpoint,
            transport,
            ..config(&ca)
        }),
        &lent(&key()),
    )
    .await;
    assert!(
        ca.heads()[0].starts_with("POST http://ca.invalid/pkix/ HTTP/1.1"),
        "{}",
        ca.heads()[0]
    );
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name() {
    let ca = Ca::start().await;
    let socks = socks5(ca.address).await;
    let endpoint = "http://ca.invalid/pkix/".parse().unwrap();
    let proxy = Proxy::Through(format!("socks5h://{socks}").parse().unwrap());
    let transport = TransportSettings {
        proxy,
        ..TransportSettings::default()
    };
    enrolled(
        &authority(CmpConfig {
            endpoint,
            transport,
            ..config(&ca)
        }),
        &lent(&key()),
    )
    .await;
}

#[tokio::test]
async fn a_proxy_of_another_kind_is_refused_at_the_start() {
    let ca = Ca::start().await;
    let proxy = Proxy::Through("ftp://proxy.example".parse().unwrap());
    let transport = TransportSettings {
        proxy,
        ..TransportSettings::default()
    };
    match CmpAuthority::new(CmpConfig {
        transport,
        ..config(&ca)
    }) {
        Err(CmpConfigError::Transport(TransportError::Proxy(why))) => assert!(why.contains("ftp")),
        _ => panic!("taken"),
    }
}

/// A SOCKS5 server (RFC 1928) that leads every name to `target`.
async fn socks5(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 2];
        client.read_exact(&mut greeting).await.unwrap();
        client
            .read_exact(&mut vec![0; greeting[1].into()])
            .await
            .unwrap();
        client.write_all(&[5, 0]).await.unwrap();
        let mut head = [0; 5];
        client.read_exact(&mut head).await.unwrap();
        assert_eq!(head[3], 3, "a name, not an address");
        let mut name = vec![0; usize::from(head[4]) + 2];
        client.read_exact(&mut name).await.unwrap();
        assert!(name.starts_with(b"ca.invalid"));
        client
            .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut upstream = TcpStream::connect(target).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
    });
    address
}

/// A TLS front of `ca` that wants a client certificate below `root`.
async fn tls(
    ca: &Arc<Ca>,
    root: &Certificate,
    certificate: &Certificate,
    key: &PrivateKey,
) -> SocketAddr {
    let der = |certificate: &Certificate| {
        rustls::pki_types::CertificateDer::from(certificate.der().to_vec())
    };
    let mut clients = rustls::RootCertStore::empty();
    clients.add(der(root)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(clients),
        Arc::clone(&provider),
    )
    .build()
    .unwrap();
    let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.to_pkcs8_der().unwrap().to_vec());
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![der(certificate)], private.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ca = Arc::clone(ca);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                ca.connection(stream).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn tls_believes_only_the_roots_of_this_ca_and_shows_our_certificate() {
    let ca = Ca::start().await;
    let (root_key, server_key, client_key) = (key(), key(), key());
    // TLS certificates are checked against the real clock.
    let today = jiff::Timestamp::now();
    let root = root_at("O=Test,CN=TLS root", &root_key, today).await;
    let of = |key: &PrivateKey| Template {
        sans: vec!["ip:127.0.0.1".parse().unwrap()],
        ..template_of(key)
    };
    let server = under_at(&root, &root_key, of(&server_key), today).await;
    let client = under_at(&root, &root_key, of(&client_key), today).await;
    let address = tls(&ca, &root, &server, &server_key).await;
    let with = |roots: Vec<Certificate>, identity| {
        let tls = TlsSettings {
            roots: TlsRoots::Only(roots),
            identity,
        };
        let transport = TransportSettings {
            tls,
            ..TransportSettings::default()
        };
        let endpoint = format!("https://{address}/pkix/").parse().unwrap();
        authority(CmpConfig {
            endpoint,
            transport,
            ..config(&ca)
        })
    };
    let ours = || {
        Some(TlsIdentity {
            chain: vec![client.clone()],
            key: Arc::clone(&client_key),
        })
    };
    enrolled(&with(vec![root.clone()], ours()), &lent(&key())).await;
    let (_, why) =
        not_sent(asked(&with(vec![ca.certificate.clone()], ours()), &lent(&key())).await);
    assert!(why.to_ascii_lowercase().contains("issuer"), "{why}");
    // TLS 1.3 tells a client that its certificate is missing only after it has begun to send.
    assert!(asked(&with(vec![root], None), &lent(&key())).await.is_err());
    assert_eq!(ca.received().len(), 1);
}

#[tokio::test]
async fn our_certificate_can_be_shown_to_a_server_below_a_public_root_too() {
    let ca = Ca::start().await;
    let key = key();
    let certificate = under_at(
        &ca.certificate,
        &ca.key,
        template_of(&key),
        jiff::Timestamp::now(),
    )
    .await;
    let identity = Some(TlsIdentity {
        chain: vec![certificate],
        key,
    });
    let tls = TlsSettings {
        roots: TlsRoots::System,
        identity,
    };
    let transport = TransportSettings {
        tls,
        ..TransportSettings::default()
    };
    CmpAuthority::new(CmpConfig {
        transport,
        ..config(&ca)
    })
    .unwrap();
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_for_tls_at_the_start() {
    let ca = Ca::start().await;
    let identity = Some(TlsIdentity {
        chain: vec![ca.certificate.clone()],
        key: key(),
    });
    let tls = TlsSettings {
        roots: TlsRoots::Only(vec![ca.certificate.clone()]),
        identity,
    };
    let transport = TransportSettings {
        tls,
        ..TransportSettings::default()
    };
    assert!(matches!(
        CmpAuthority::new(CmpConfig {
            transport,
            ..config(&ca)
        }),
        Err(CmpConfigError::Transport(TransportError::Identity(_)))
    ));
}
