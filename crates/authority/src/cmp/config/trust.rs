use pki::Certificate;

/// What a signed answer has to be signed with.
#[derive(Clone, Debug)]
pub enum AnswerTrust {
    /// No signed answer is believed; the MAC is enough.
    MacOnly,
    /// A certificate with a path to one of these, of a CA or with the purpose id-kp-cmcCA (RFC 6402 section 2.10).
    Anchors {
        /// Where the path has to end.
        anchors: Vec<Certificate>,
        /// Which signers may have a path.
        signer: SignerRule,
    },
    /// One of exactly these certificates, whatever is above them.
    Pinned(Vec<Certificate>),
    /// Nothing is known beforehand (`cmpServers.json` names no certificates): the signer must bear the name configured as
    /// `recipient` and must have issued the certificate in the answer. Each use is logged as a warning; configure anchors.
    IssuerDn,
}

/// Which signers with a path to an anchor are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SignerRule {
    /// A CA certificate, or one with extended key usage id-kp-cmcCA.
    #[default]
    CaOrCmcCa,
    /// Any with a path: for CAs whose CMP signer has no purpose of its own. Everyone who holds a certificate below the
    /// anchors can then answer in the CA's place.
    AnyBelowAnchors,
}
