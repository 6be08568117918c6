use std::ops::RangeInclusive;

use jiff::SignedDuration;
use pki::{GeneralName, KeyKind, KeyUsages, ObjectIdentifier};
use serde::{Deserialize, Serialize};

use crate::{Anchors, AuthorityName, DnsPattern, IpPattern, OnChange, Requester, TextPattern};

/// The name of a profile, as configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProfileName(String);

impl ProfileName {
    /// A name from configuration or a request.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProfileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is allowed, which CA issues it and what its answers have to chain to.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// The CA that issues.
    pub authority: AuthorityName,
    /// What an answer has to chain to.
    pub anchors: Anchors,
    /// Who may use it.
    pub requesters: Requesters,
    /// Which keys.
    pub keys: KeyRules,
    /// Which names.
    pub names: NameRules,
    /// How long.
    pub validity: ValidityRules,
    /// For what.
    pub usages: UsageRules,
    /// Whether CA certificates may be asked for.
    pub ca_certificates: bool,
    /// What to do when the CA issued something other than was asked for.
    pub on_change: OnChange,
    /// How long a client that confirms itself has for it.
    pub confirm_within: SignedDuration,
}

/// Who may use a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requesters {
    /// Whoever is authenticated for the label.
    Any,
    /// Whoever has a principal that fits one of these.
    Only(Vec<TextPattern>),
}

impl Requesters {
    /// Whether `who` is among them.
    pub fn include(&self, who: &Requester) -> bool {
        match self {
            Self::Any => true,
            Self::Only(patterns) => who.principals.iter().any(|name| {
                patterns
                    .iter()
                    .any(|pattern| pattern.matches(name.as_str()))
            }),
        }
    }
}

/// Which keys may be certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// Sizes of RSA moduli in bits; `None`: no RSA.
    pub rsa: Option<RangeInclusive<u32>>,
    /// The other kinds.
    pub kinds: Vec<KeyKind>,
}

impl KeyRules {
    /// Whether a key of this kind may be certified.
    pub fn allow(&self, kind: KeyKind) -> bool {
        match kind {
            KeyKind::Rsa { bits } => self.rsa.as_ref().is_some_and(|sizes| sizes.contains(&bits)),
            other => self.kinds.contains(&other),
        }
    }
}

impl Default for KeyRules {
    /// RSA 2048–8192 and every other kind we can verify.
    fn default() -> Self {
        Self {
            rsa: Some(2048..=8192),
            kinds: vec![
                KeyKind::P256,
                KeyKind::P384,
                KeyKind::P521,
                KeyKind::Ed25519,
                KeyKind::MlDsa44,
                KeyKind::MlDsa65,
                KeyKind::MlDsa87,
            ],
        }
    }
}

/// The kinds of subjectAltName (RFC 5280 4.2.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// dNSName.
    Dns,
    /// iPAddress.
    Ip,
    /// rfc822Name.
    Email,
    /// uniformResourceIdentifier.
    Uri,
    /// directoryName.
    Directory,
    /// registeredID.
    RegisteredId,
    /// otherName.
    Other,
    /// x400Address.
    X400,
    /// ediPartyName.
    EdiParty,
}

impl NameKind {
    /// The kind of a name.
    pub fn of(name: &GeneralName) -> Self {
        match name {
            GeneralName::Dns(_) => Self::Dns,
            GeneralName::Ip(_) => Self::Ip,
            GeneralName::Email(_) => Self::Email,
            GeneralName::Uri(_) => Self::Uri,
            GeneralName::Directory(_) => Self::Directory,
            GeneralName::RegisteredId(_) => Self::RegisteredId,
            GeneralName::Other { .. } => Self::Other,
            GeneralName::X400(_) => Self::X400,
            GeneralName::EdiParty(_) => Self::EdiParty,
        }
    }
}

/// Which names may be certified. A list of patterns limits its kind; `None` leaves the kind free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRules {
    /// The kinds of subjectAltName allowed at all.
    pub kinds: Vec<NameKind>,
    /// dNSNames.
    pub dns: Option<Vec<DnsPattern>>,
    /// iPAddresses.
    pub ip: Option<Vec<IpPattern>>,
    /// rfc822Names.
    pub email: Option<Vec<TextPattern>>,
    /// uniformResourceIdentifiers.
    pub uri: Option<Vec<TextPattern>>,
    /// The subject as `CN=a,O=b`, left to right as encoded.
    pub subject: Option<Vec<TextPattern>>,
    /// How many subjectAltNames at most.
    pub most: usize,
}

impl Default for NameRules {
    /// The kinds CertService passes on, without a limit on their values.
    fn default() -> Self {
        Self {
            kinds: vec![
                NameKind::Dns,
                NameKind::Ip,
                NameKind::Email,
                NameKind::Uri,
                NameKind::Directory,
                NameKind::RegisteredId,
                NameKind::Other,
            ],
            dns: None,
            ip: None,
            email: None,
            uri: None,
            subject: None,
            most: 100,
        }
    }
}

/// How long a certificate may be valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidityRules {
    /// Asked of the CA when the request says nothing; `None` leaves it to the CA.
    pub default: Option<SignedDuration>,
    /// The most that may be asked for; `None`: no limit but the CA's.
    pub most: Option<SignedDuration>,
}

/// What a certificate may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRules {
    /// keyUsage bits that may be asked for; `None`: any but keyCertSign and cRLSign, which go with CA certificates.
    pub key_usage: Option<KeyUsages>,
    /// extendedKeyUsages that may be asked for; `None`: any but those of CMP components.
    pub ext_key_usage: Option<Vec<ObjectIdentifier>>,
    /// Whether the CMP component usages cmcCA, cmcRA and cmKGA (RFC 9483 3.2) may be asked for.
    pub cmp_components: bool,
    /// Asked of the CA when the request names no keyUsage.
    pub default_key_usage: Option<KeyUsages>,
    /// Asked of the CA when the request names no extendedKeyUsage.
    pub default_ext_key_usage: Vec<ObjectIdentifier>,
}
