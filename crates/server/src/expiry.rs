//! Which certificates a configuration rests on, and when they expire.

use jiff::Timestamp;
use pki::Certificate;

use ::authority::cmp::{AnswerTrust, CmpConfig, Protection, TlsRoots};

use crate::config::{AuthorityConfig, Config, TokenKeys};

/// A certificate of the configuration, as `/metrics` and `/configz` show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// What it is for, as one word (docs/LOGGING.md).
    pub role: &'static str,
    /// Of which authority, profile or label; empty for the listener's.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Its serial number, in lower-case hexadecimal.
    pub serial: String,
    /// Its end.
    pub not_after: Timestamp,
}

impl KnownCertificate {
    pub(crate) fn new(role: &'static str, name: &str, certificate: &Certificate) -> Self {
        Self {
            role,
            name: name.to_owned(),
            subject: pki::name::onap::display(certificate.subject()),
            serial: certificate.serial_text(),
            not_after: certificate.not_after(),
        }
    }
}

/// Every certificate that `config` names; those of embedded CAs are in folders of their own.
pub(crate) fn of(config: &Config) -> Vec<KnownCertificate> {
    let mut all = Vec::new();
    let mut add = |role, name: &str, list: &[Certificate]| {
        for certificate in list {
            let known = KnownCertificate::new(role, name, certificate);
            if !all.contains(&known) {
                all.push(known);
            }
        }
    };
    if let Some(tls) = &config.listen.tls {
        add("listener", "", &tls.identity.chain);
        add("client-ca", "", &tls.client_cas);
    }
    for (name, authority) in &config.authorities {
        if let AuthorityConfig::Cmp(cmp) = authority {
            of_cmp(name.as_str(), &cmp.cmp, &mut add);
        }
    }
    for (name, profile) in &config.profiles {
        add("trust-anchor", name.as_str(), profile.anchors.configured());
    }
    for (label, settings) in &config.labels {
        if let Some(cmp) = &settings.settings.cmp {
            add("cmp-client-ca", label.as_str(), &cmp.trusted_clients);
            let chain = cmp.signer.as_ref().map(|signer| signer.chain.as_slice());
            add("cmp-signer", label.as_str(), chain.unwrap_or_default());
        }
    }
    for issuer in &config.token_issuers {
        if let TokenKeys::Server(server) = &issuer.keys {
            let roots = server.roots.as_deref().unwrap_or_default();
            add("token-issuer-tls-ca", &issuer.name, roots);
        }
    }
    all
}

fn of_cmp(name: &str, cmp: &CmpConfig, add: &mut impl FnMut(&'static str, &str, &[Certificate])) {
    if let Protection::Signature(identity) = &cmp.protection {
        add("upstream-protection", name, &identity.chain);
    }
    match &cmp.trust {
        AnswerTrust::Anchors { anchors: list, .. } | AnswerTrust::Pinned(list) => {
            add("upstream-trust", name, list);
        }
        AnswerTrust::MacOnly | AnswerTrust::IssuerDn => {}
    }
    if let TlsRoots::Only(roots) = &cmp.transport.tls.roots {
        add("upstream-tls-ca", name, roots);
    }
    if let Some(identity) = &cmp.transport.tls.identity {
        add("upstream-tls", name, &identity.chain);
    }
}
