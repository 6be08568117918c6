//! The PKI of the demo and its secrets: made once, kept by later runs in the same folder.

use std::sync::Arc;

use anyhow::Context;
use authority::local::{HierarchySettings, LocalAuthority, LocalSettings};
use jiff::{SignedDuration, Timestamp};
use pki::{Certificate, Csr, KeyKind, Name, ObjectIdentifier, PrivateKey, Template, usage};
use ra::AuthorityName;
use ra::memory::MemoryJournal;

use super::folder::Folder;

/// The root of the CA.
pub(super) const ROOT_SUBJECT: &str = "O=Certway Demo,CN=Demo Root CA";
/// The CA.
pub(super) const ISSUING_SUBJECT: &str = "O=Certway Demo,CN=Demo Issuing CA";
/// What the device that speaks CMP is known by.
pub(super) const DEVICE: &str = "device";

const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);
/// A certificate that ends sooner is made anew.
const LEFT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What clients of the demo need.
pub(super) struct Material {
    /// The root the server's certificate ends at.
    pub(super) root: Certificate,
    /// A client certificate with its chain and key, PEM.
    pub(super) client: String,
    /// The secret of [`DEVICE`].
    pub(super) device_secret: String,
}

impl Material {
    /// Makes what is not there yet.
    pub(super) async fn prepare(folder: &Folder) -> anyhow::Result<Self> {
        let now = Timestamp::now();
        let ca = authority(folder, now)
            .await
            .context("the CA cannot be made")?;
        let maker = Maker { folder, ca, now };
        maker
            .identity(
                "tls/server",
                "O=Certway Demo,CN=certway-ra",
                &["dns:localhost", "ip:127.0.0.1"],
                usage::SERVER_AUTH,
            )
            .await?;
        maker
            .identity(
                "tls/cmp-signer",
                "O=Certway Demo,CN=certway-ra CMP",
                &[],
                usage::CMC_RA,
            )
            .await?;
        let client = maker
            .identity(
                "tls/client",
                "O=Certway Demo,CN=demo client",
                &[],
                usage::CLIENT_AUTH,
            )
            .await?;
        secret(folder, "secrets/certway-ra-at-ca")?;
        to_be_tried(folder)?;
        Ok(Self {
            root: maker
                .ca
                .roots()
                .first()
                .context("the CA has no root")?
                .clone(),
            client,
            device_secret: secret(folder, "secrets/device")?,
        })
    }
}

async fn authority(folder: &Folder, now: Timestamp) -> anyhow::Result<LocalAuthority> {
    let hierarchy = HierarchySettings::new(name(ROOT_SUBJECT)?, name(ISSUING_SUBJECT)?);
    let settings = LocalSettings {
        default_validity: YEAR,
        ..LocalSettings::default()
    };
    let ca = folder.path("ca");
    let opened = LocalAuthority::open_or_create(
        AuthorityName::new("signer"),
        &ca,
        &hierarchy,
        settings,
        Arc::new(MemoryJournal::by_system_clock()),
        now,
    );
    Ok(opened.await?)
}

struct Maker<'a> {
    folder: &'a Folder,
    ca: LocalAuthority,
    now: Timestamp,
}

impl Maker<'_> {
    /// A key with its certificate, in two files, and both as one PEM text.
    async fn identity(
        &self,
        file: &str,
        subject: &str,
        sans: &[&str],
        usage: ObjectIdentifier,
    ) -> anyhow::Result<String> {
        let (key_file, chain_file) = (format!("{file}.key"), format!("{file}.crt"));
        let kept = (self.folder.read(&key_file)?, self.folder.read(&chain_file)?);
        if let (Some(key), Some(chain)) = kept
            && self.is_good(&chain)
        {
            return Ok(key + &chain);
        }
        let key = PrivateKey::generate(KeyKind::P256)?;
        let mut template = Template::new(name(subject)?, key.public_key().clone());
        for san in sans {
            template.sans.push(san.parse()?);
        }
        template.ext_key_usage = vec![usage];
        let leaf = self.ca.issue(&template, self.now).await?;
        let key = key.to_pkcs8_pem()?.to_string();
        let chain = leaf.to_pem() + &self.ca.certificate().to_pem();
        self.folder.write_secret(&key_file, &key)?;
        self.folder.write(&chain_file, &chain)?;
        Ok(key + &chain)
    }

    fn is_good(&self, chain: &str) -> bool {
        Certificate::from_pem(chain.as_bytes()).is_ok_and(|leaf| {
            leaf.not_after().duration_since(self.now) > LEFT
                && leaf
                    .verify_signed_by(self.ca.certificate().public_key())
                    .is_ok()
        })
    }
}

/// A key and a request that people can send by hand.
fn to_be_tried(folder: &Folder) -> anyhow::Result<()> {
    if folder.read("try.csr")?.is_some() && folder.read("try.key")?.is_some() {
        return Ok(());
    }
    let key = PrivateKey::generate(KeyKind::P256)?;
    let csr = request(&key, "O=Certway Demo,CN=try", "dns:try.demo.example")?;
    folder.write_secret("try.key", &key.to_pkcs8_pem()?)?;
    folder.write("try.csr", &csr.to_pem())
}

/// A request for a certificate with one alternative name.
pub(super) fn request(key: &PrivateKey, subject: &str, san: &str) -> anyhow::Result<Csr> {
    Ok(Csr::build(&template(key, subject, san)?, key)?)
}

/// What is asked for, with one alternative name.
pub(super) fn template(key: &PrivateKey, subject: &str, san: &str) -> anyhow::Result<Template> {
    let mut template = Template::new(name(subject)?, key.public_key().clone());
    template.sans = vec![san.parse()?];
    Ok(template)
}

fn name(text: &str) -> anyhow::Result<Name> {
    Ok(pki::name::onap::parse(text)?)
}

fn secret(folder: &Folder, file: &str) -> anyhow::Result<String> {
    if let Some(kept) = folder.read(file)?.filter(|kept| !kept.is_empty()) {
        return Ok(kept);
    }
    let made = hex::encode(pki::random::bytes::<16>()?);
    folder.write_secret(file, &made)?;
    Ok(made)
}
