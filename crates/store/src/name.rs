use pki::{CertificateId, Name};

/// The key of a certificate's issuance and revocation: the first 16 bytes of SHA-256 over issuer and serial number.
/// Short, because each issuance puts one into an index.
pub(crate) fn name_of(id: &CertificateId) -> Vec<u8> {
    let mut text = Vec::with_capacity(8 + id.issuer.len() + id.serial.len());
    // The length keeps issuer and serial number apart.
    text.extend_from_slice(&(id.issuer.len() as u64).to_be_bytes());
    text.extend_from_slice(&id.issuer);
    text.extend_from_slice(&id.serial);
    pki::digest::sha256(&text)[..16].to_vec()
}

/// The same for every encoding of one name: the first 16 bytes of SHA-256 over it as RFC 5280 section 7.1 compares it.
pub(crate) fn folded(name: &Name) -> Vec<u8> {
    pki::digest::sha256(&pki::name::folded(name))[..16].to_vec()
}
