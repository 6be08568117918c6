//! A whole certway-ra in this process: configured by a file, over the CA of its own and a journal in memory.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, issue};
use pki::{Certificate, KeyKind, KeyUsages, PrivateKey, Template};
use ra::memory::MemoryJournal;
use server::config::Limits;
use server::metrics::{Metrics, Watch};
use server::{App, Peer, config, router, site};
use tokio::runtime::{Builder, Runtime};

/// The reference and the secret of a CMP client, and a token of a REST caller.
pub(crate) const REFERENCE: &[u8] = b"device";
pub(crate) const SECRET: &[u8] = b"fuzz-secret-of-the-device";
const TOKEN: &str = "fuzz-token";

/// After so many calls everything is made anew, so that what a CA and a journal keep stays small.
const CALLS: u32 = 4000;

pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    /// Of a client of the CMP front, and of REST over mTLS.
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
    calls: u32,
}

thread_local! {
    static HOUSE: RefCell<Option<House>> = const { RefCell::new(None) };
}

/// Calls `visit` with this thread's house.
pub(crate) fn with_house(visit: impl FnOnce(&House)) {
    HOUSE.with_borrow_mut(|kept| {
        if kept.as_ref().is_some_and(|house| house.calls >= CALLS) {
            *kept = None;
        }
        let house = kept.get_or_insert_with(House::build);
        house.calls += 1;
        visit(house);
    });
}

impl House {
    fn build() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let (app, key, certificate) = runtime.block_on(Self::wired(folder.path()));
        let router = router::router(Arc::clone(&app), &Limits::default());
        Self {
            runtime,
            app,
            router,
            key,
            certificate,
            calls: 0,
        }
    }

    /// In two steps: the CA's certificate is the anchor of the clients that sign.
    async fn wired(folder: &Path) -> (Arc<App>, PrivateKey, Certificate) {
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let token = hex::encode(pki::digest::sha256(TOKEN.as_bytes()));
        let base = BASE.replace("@TOKEN@", &token);
        let secret = String::from_utf8_lossy(SECRET);
        file("secret", &secret);
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        drop(Self::site(&file("first.toml", &base), &metrics).await);
        let read = |name: &str| std::fs::read(folder.join("ca").join(name)).expect("the CA's");
        let issuer = Certificate::from_pem(&read("issuing.crt")).expect("a certificate");
        let issuer_key = PrivateKey::from_pem(&read("issuing.key"), None).expect("a key");
        let key = PrivateKey::generate(KeyKind::P256).expect("a key");
        let certificate = client(&issuer, &issuer_key, &key).await;
        let site = Self::site(&file("second.toml", &(base + CMP)), &metrics).await;
        (App::new(site, metrics), key, certificate)
    }

    async fn site(file: &Path, metrics: &Arc<Metrics>) -> site::Site {
        let config = config::read(file).map_err(|(problems, _)| problems.to_string());
        let config = config.expect("a configuration");
        let journal = Arc::new(MemoryJournal::by_system_clock());
        let witness = Arc::new(Watch(Arc::clone(metrics)));
        let site = site::wire(config, journal, witness, None).await;
        site.map_err(|problems| problems.to_string())
            .expect("a site")
    }

    /// The other end of a connection of the client with the certificate.
    pub(crate) fn peer(&self) -> Peer {
        Peer {
            address: ([192, 0, 2, 1], 40000).into(),
            certificate: Some(self.certificate.clone()),
        }
    }
}

async fn client(issuer: &Certificate, issuer_key: &PrivateKey, key: &PrivateKey) -> Certificate {
    let subject = pki::name::onap::parse("CN=client").expect("a name");
    let mut template = Template::new(subject, key.public_key().clone());
    template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    let now = Timestamp::now();
    let (from, until) = (
        now - SignedDuration::from_hours(1),
        now + SignedDuration::from_hours(24),
    );
    let serial = Serial::random().expect("randomness");
    let tbs = TbsParameters::under(issuer, template, serial, from, until);
    issue(&tbs, issuer_key).await.expect("a certificate")
}

const BASE: &str = r#"
[authorities.own.local]
folder = "ca"
[profiles.web]
authority = "own"
[labels.RA]
profile = "web"
[callers.issuer]
token_sha256 = ["@TOKEN@"]
"#;

const CMP: &str = r#"
[labels.RA.cmp]
client_ca = ["ca/root.crt"]
signer = { keystore = "ca/issuing.crt", key = "ca/issuing.key" }
sha1 = "everywhere"
time_window = "any"
max_iterations = 1000
hold = "0s"
[labels.RA.cmp.clients.device]
secret = { file = "secret" }
acts_as_ra = true
"#;
