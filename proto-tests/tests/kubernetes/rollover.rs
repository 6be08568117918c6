//! A CA whose root was replaced under its name, with a cross-certificate, beside a root of somebody else.

use pki::{CaConstraint, Certificate, KeyUsages, Template};
use proto_tests::certs::{self, Issuer, pkcs8_pem, write};
use proto_tests::kube::{Cluster, Namespace, OwnRa, Replica, namespaced};
use proto_tests::service::Setup;
use serde_json::json;

use crate::apart::apart;

const RA: &str = r#"
[authorities.RA.local]
folder = "ca"
[profiles.RA]
authority = "RA"
anchors = ["old.pem", "cross.pem", "new.pem"]
[labels.RA]
profile = "RA"
"#;

/// The certificates of such a CA.
pub struct Rollover {
    /// The root that was.
    pub old: Issuer,
    /// The root that is, of the same name.
    pub new: Issuer,
    /// Its key, certified by the old one.
    pub cross: Certificate,
    /// A root that has nothing to do with it.
    pub other: Issuer,
    /// What issues, below the new root.
    pub issuing: Issuer,
}

impl Rollover {
    /// Another one each time.
    pub fn new() -> Self {
        let subject = "O=Certway Tests,CN=Rolled Root";
        let (old, new) = (Issuer::root(subject), Issuer::root(subject));
        let mut template = Template::new(certs::dn(subject), new.key.public_key().clone());
        template.ca = Some(CaConstraint { path_len: None });
        template.key_usage = Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN);
        Self {
            cross: old.sign(template),
            issuing: new.issuing("O=Certway Tests,CN=Issuing CA"),
            other: Issuer::root("O=Certway Tests,CN=Another Root"),
            old,
            new,
        }
    }

    /// An RA with such a CA.
    pub fn ra(&self, cluster: &Cluster, with_other: bool) -> OwnRa {
        OwnRa::start(cluster, RA, |setup| self.write(setup, with_other))
    }

    /// A CA of the RA's own that was here before, and what it trusts.
    fn write(&self, setup: &Setup, with_other: bool) {
        let folder = setup.folder();
        write(folder, "ca/root.crt", self.new.certificate.to_pem());
        write(folder, "ca/issuing.crt", self.issuing.certificate.to_pem());
        write(folder, "ca/issuing.key", pkcs8_pem(&self.issuing.key));
        write(folder, "cross.pem", self.cross.to_pem());
        write(folder, "new.pem", self.new.certificate.to_pem());
        self.write_old(setup, with_other);
    }

    /// The file with what is trusted beside the CA's root.
    pub fn write_old(&self, setup: &Setup, with_other: bool) {
        let mut old = self.old.certificate.to_pem();
        if with_other {
            old.push_str(&self.other.certificate.to_pem());
        }
        write(setup.folder(), "old.pem", old);
    }

    /// All roots as they are to be written: that of the chain, then by subject.
    pub fn all(&self) -> Vec<Certificate> {
        let roots = [&self.new, &self.other, &self.old];
        roots.iter().map(|root| root.certificate.clone()).collect()
    }
}

/// A namespace with an issuer process that looks often, and such a CA.
pub struct World {
    /// Where Issuers are answered.
    pub namespace: Namespace<'static>,
    /// What Issuers lead to.
    pub ra: OwnRa,
    /// The CA behind it.
    pub rollover: Rollover,
    _issuer: Replica,
}

impl World {
    /// Starts one on the cluster of those apart; `None` where there may be none.
    pub fn start(name: &str, with_other: bool) -> Option<Self> {
        let cluster = apart()?;
        let namespace = cluster.namespace(name);
        let rollover = Rollover::new();
        let ra = rollover.ra(cluster, with_other);
        let issuer = namespaced::start(&[&namespace], &[("checkEvery", json!("1s"))]);
        Some(Self {
            namespace,
            ra,
            rollover,
            _issuer: issuer,
        })
    }
}
