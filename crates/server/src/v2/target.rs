//! Which certificate a revocation means.

use api::v2::RevokeTarget;
use bytes::Bytes;
use pki::{Certificate, CertificateId, Name};
use ra::Profile;

use super::Failure;
use super::call::Call;
use super::request;

/// RFC 5280 section 4.1.2.2 allows 20 octets.
const LONGEST_SERIAL: usize = 20;

/// The certificate's issuer as encoded, and its serial number.
///
/// A CA knows its certificates by the encoding of its name, and text does not say which string types that has. So the journal is asked, which
/// compares names by what they say; then the caller's own certificate counts, and last the encoding that is usual.
///
/// # Errors
/// 400 that names the member; those of the journal.
pub(super) async fn resolve(call: &Call, target: &RevokeTarget) -> Result<CertificateId, Failure> {
    let (issuer, serial) = match target {
        RevokeTarget::Certificate(text) => {
            return Ok(request::certificate("certificate", text)?.id());
        }
        RevokeTarget::Id { issuer, serial } => (issuer, serial),
    };
    let name =
        pki::name::onap::parse(issuer).map_err(|e| Failure::bad_request(format!("issuer: {e}")))?;
    let serial = integer(serial)?;
    let usual = encoded(&name)?;
    let issued = call.site.ra.journal.issuance_by(&name, &serial).await;
    if let Some(issued) = issued.map_err(ra::Error::from)? {
        return Ok(issued.certificate.id());
    }
    // The journal does not know it; its owner may be the one who asks.
    let mut likely = Vec::new();
    for known in known_names(call).filter(|known| pki::name::same_name(known, &name)) {
        likely.push(encoded(known)?);
    }
    let id = |issuer| CertificateId {
        issuer,
        serial: serial.clone(),
    };
    let held = likely.into_iter().map(id).find(|id| call.who.holds(id));
    Ok(held.unwrap_or_else(|| id(usual)))
}

/// Names of issuers as they are encoded: that of the caller's own certificate, and those of the configured CAs.
fn known_names(call: &Call) -> impl Iterator<Item = &Name> {
    let own = call.who.certificate.iter().map(Certificate::issuer);
    let profiles = call.site.ra.profiles.values();
    let anchors = profiles.flat_map(|profile: &Profile| match &profile.anchors {
        ra::Anchors::IssuerDn(name) => vec![name],
        anchors => anchors
            .configured()
            .iter()
            .map(Certificate::subject)
            .collect(),
    });
    own.chain(anchors)
}

fn encoded(name: &Name) -> Result<Bytes, Failure> {
    pki::name::to_der(name).map_err(|e| Failure::bad_request(format!("issuer: {e}")))
}

/// Hexadecimal digits, `0x` and colons allowed, as the contents of a positive INTEGER.
fn integer(text: &str) -> Result<Bytes, Failure> {
    let bad = |why: &str| Failure::bad_request(format!("serial: {why}"));
    let text = text.trim();
    let text = text
        .strip_prefix("0x")
        .or(text.strip_prefix("0X"))
        .unwrap_or(text);
    if text.len() > 3 * (LONGEST_SERIAL + 1) {
        return Err(bad("no serial number is as long"));
    }
    let mut digits = text.replace(':', "");
    if digits.len() % 2 == 1 {
        digits.insert(0, '0');
    }
    let bytes = hex::decode(&digits).map_err(|_| bad("write it in hexadecimal digits"))?;
    let start = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = &bytes[start..];
    match significant {
        [] => Err(bad("a serial number is not zero")),
        long if long.len() > LONGEST_SERIAL => Err(bad("no serial number is as long")),
        [first, ..] if first & 0x80 != 0 => Ok([&[0], significant].concat().into()),
        _ => Ok(Bytes::copy_from_slice(significant)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_read_in_every_usual_form() {
        for text in ["5f3a", "5F:3A", "0x5f3a", "005f3a", " 5f3a "] {
            assert_eq!(integer(text).unwrap(), [0x5f, 0x3a][..], "{text}");
        }
        assert_eq!(integer("f00").unwrap(), [0x0f, 0x00][..]);
        assert_eq!(integer("ff").unwrap(), [0x00, 0xff][..]);
    }

    #[test]
    fn what_is_no_serial_number_is_refused() {
        let long = "1".repeat(2 * LONGEST_SERIAL + 1);
        for text in ["", "0", "00", "xyz", "-1", &long, &"0".repeat(10_000)] {
            assert!(integer(text).is_err(), "{text}");
        }
    }
}
