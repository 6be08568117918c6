use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
};

use pki::{GeneralName, KeyKind, PrivateKey, Template, name::onap};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use super::State;

/// A server certificate for 127.0.0.1, and clients only with certificates of the same CA.
pub(super) fn config(state: &State) -> ServerConfig {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut template = Template::new(onap::parse("CN=ra").unwrap(), key.public_key().clone());
    template.sans = vec![GeneralName::Ip([127, 0, 0, 1].into())];
    let issued = state.certificate(template);
    let der = |pem: &str| {
        CertificateDer::from(
            pki::Certificate::from_pem(pem.as_bytes())
                .unwrap()
                .der()
                .to_vec(),
        )
    };
    let chain = vec![der(&issued.certificate), der(&issued.chain[0])];

    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(der(&issued.roots[0])).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            chain,
            PrivatePkcs8KeyDer::from(key.to_pkcs8_der().unwrap().to_vec()).into(),
        )
        .unwrap()
}

pub(super) fn serve(stream: TcpStream, config: &Arc<ServerConfig>, state: &Mutex<State>) {
    let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
    super::serve(&mut stream, state);
    stream.conn.send_close_notify();
    let _ = stream.flush();
    // Closing with unread bytes would reset the connection, and an alert might not arrive.
    let _ = stream.sock.shutdown(Shutdown::Write);
    let _ = stream.sock.read_to_end(&mut Vec::new());
}
