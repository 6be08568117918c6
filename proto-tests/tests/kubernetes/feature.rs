//! What an issuer can do or cannot.

/// Something that a case needs of an issuer. cert-manager's conformance suite has the same list, under these names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feature {
    CommonName,
    Duration,
    EcdsaKeys,
    Ed25519Keys,
    EmailSans,
    IpAddresses,
    IssueCa,
    KeyUsages,
    LiteralSubject,
    LongDomain,
    /// A certificate without a common name.
    OnlySan,
    OtherNames,
    ReusePrivateKey,
    /// `ca.crt` ends the chain of `tls.crt`.
    SaveCa,
    UriSans,
    Wildcards,
}
