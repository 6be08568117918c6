use jiff::Timestamp;

use pki::name::same_name_unordered;
use pki::{Certificate, chain};

use crate::{
    Anchors, Approved, By, EnrollRequest, Error, Issuance, Label, Profile, ProfileName, Proof,
    Question, Ra, Refusal, RefusalKind, Replaces, Requester, Support, SupportAnswer, decide,
};

impl Ra {
    /// Step 4. The outer error is the requester's, the inner one ours.
    pub(crate) fn profile(
        &self,
        who: &Requester,
        label: &Label,
        asked: Option<&ProfileName>,
    ) -> Result<Result<&Profile, Error>, Refusal> {
        let rules = self.labels.get(label).ok_or_else(|| {
            Refusal::new(
                RefusalKind::UnknownLabel,
                format!("there is no CA named `{label}` here"),
            )
        })?;
        if !rules.requesters.include(who) {
            let detail = format!("{} may not use `{label}`", who.credential);
            return Err(Refusal::new(RefusalKind::NotAuthorized, detail));
        }
        let name = asked.unwrap_or(&rules.default_profile);
        if !rules.profiles.contains(name) {
            let detail = format!("`{label}` has no profile named `{name}`");
            return Err(Refusal::new(RefusalKind::UnknownProfile, detail));
        }
        Ok(self
            .profiles
            .get(name)
            .ok_or_else(|| Error::NoProfile(name.clone())))
    }

    /// Steps 4 to 6.
    pub(crate) async fn approve(
        &self,
        who: &Requester,
        request: &EnrollRequest,
        now: Timestamp,
    ) -> Result<Result<(&Profile, Approved), Refusal>, Error> {
        let profile = match self.profile(who, &request.label, request.profile.as_ref()) {
            Ok(profile) => profile?,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = possession(who, request) {
            return Ok(Err(refusal));
        }
        if let Some(old) = &request.replaces {
            let known = self.journal.issuance(&old.certificate.id()).await?;
            if let Err(refusal) = renewable(who, &old.certificate, known.as_ref()) {
                return Ok(Err(refusal));
            }
            // The key that protects a message is for the CA to judge. Where it is our word that the old certificate is replaced, it has to be true.
            let by_our_word = !matches!(old.proof, Proof::Lent(_))
                && request.wanted.has_names_of(&old.certificate);
            if known.is_none() && by_our_word && !self.is_of(profile, &old.certificate, now).await?
            {
                return Ok(Err(Refusal::new(
                    RefusalKind::BadRequest,
                    "the certificate to be renewed is not known here, and it is not a valid one of this CA",
                )));
            }
        }
        let facts = self.domains.facts(&request.wanted.sans).await?;
        let begins = self.authority(&profile.authority)?.begins(now);
        let approved = decide(&Question {
            profile,
            who,
            wanted: &request.wanted,
            replaces: request.replaces.as_ref().map(|old| &old.certificate),
            facts: &facts,
            lifetime: request.lifetime,
            begins,
            now,
        });
        Ok(approved.map(|approved| (profile, approved)))
    }
}

impl Ra {
    /// Whether a certificate that the journal does not know was issued by the profile's CA and is valid now (RFC 9483 section 4.1.3).
    async fn is_of(
        &self,
        profile: &Profile,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let anchors = profile.anchors.configured();
        let chains = |pool: &[Certificate]| {
            !anchors.is_empty() && chain::assemble(certificate, pool, anchors, now).is_ok()
        };
        if chains(&[]) {
            return Ok(true);
        }
        let authority = self.authority(&profile.authority)?;
        let Ok(SupportAnswer::CaCerts(of_ca)) = authority.support(Support::CaCerts, now).await
        else {
            return Ok(false);
        };
        Ok(match &profile.anchors {
            Anchors::Configured(_) => chains(&of_ca),
            // No root is known beforehand: the CA's own hand has to be on it.
            Anchors::IssuerDn(name) => {
                let signed = |ca: &Certificate| {
                    same_name_unordered(ca.subject(), name)
                        && certificate.verify_signed_by(ca.public_key()).is_ok()
                };
                certificate.is_valid_at(now) && of_ca.iter().any(signed)
            }
        })
    }
}

/// Whether the certificate to be renewed is the one its issuer and serial number belong to, and not revoked. Anybody can
/// make a certificate that bears another's number and more names.
fn renewable(who: &Requester, old: &Certificate, known: Option<&Issuance>) -> Result<(), Refusal> {
    let own = who.certificate.iter().filter(|own| own.id() == old.id());
    let real = known.map(|issuance| &issuance.certificate);
    if own.chain(real).any(|genuine| genuine != old) {
        let detail =
            "the certificate to be renewed is not the one with its issuer and serial number";
        return Err(Refusal::new(RefusalKind::BadRequest, detail));
    }
    match known.and_then(|issuance| issuance.revoked) {
        None => Ok(()),
        Some((at, _)) => {
            let detail = format!("the certificate to be renewed was revoked at {at}");
            Err(Refusal::new(RefusalKind::AlreadyRevoked, detail))
        }
    }
}

/// Step 5: whoever asks holds the key, and the old one if it renews.
fn possession(who: &Requester, request: &EnrollRequest) -> Result<(), Refusal> {
    proves(who, &request.proof, &request.wanted.public_key)
        .map_err(|why| Refusal::new(RefusalKind::BadPop, format!("proof-of-possession: {why}")))?;
    match &request.replaces {
        None => Ok(()),
        Some(old) => owns(who, old).map_err(|why| {
            Refusal::new(
                RefusalKind::NotAuthorized,
                format!("proof-of-possession of the old certificate's key: {why}"),
            )
        }),
    }
}

fn owns(who: &Requester, old: &Replaces) -> Result<(), String> {
    match &old.proof {
        Proof::Channel if who.certificate.as_ref() == Some(&old.certificate) => Ok(()),
        // It answers for the holder, as with raVerified for the new key.
        Proof::Channel if who.acts_as_ra => Ok(()),
        Proof::Channel => Err(
            "authenticate with the old certificate itself, or sign the new request with its key"
                .to_owned(),
        ),
        proof => proves(who, proof, old.certificate.public_key()),
    }
}

fn proves(who: &Requester, proof: &Proof, key: &pki::PublicKey) -> Result<(), String> {
    match proof {
        Proof::Signature {
            over,
            algorithm,
            signature,
        } => key
            .verify(algorithm, over, signature)
            .map_err(|e| e.to_string()),
        Proof::Lent(signer) if signer.public_key() == key => Ok(()),
        Proof::Lent(_) => Err("the private key does not belong to the public key".to_owned()),
        Proof::Channel => Err("a connection shows nothing about a new key".to_owned()),
        Proof::RaVerified if who.acts_as_ra => Ok(()),
        Proof::RaVerified => Err("raVerified is for registration authorities".to_owned()),
        Proof::AtConfirmation => {
            Err("an encrypted certificate is not offered here; sign with the key".to_owned())
        }
    }
}

/// Whose protection the messages bear: a renewal under a lent key bears the old key's.
pub(crate) fn lent(request: &EnrollRequest) -> By<'_> {
    match request.replaces.as_ref().map(|old| &old.proof) {
        Some(Proof::Lent(signer)) => By::Lent(signer.as_ref()),
        _ => By::Ra,
    }
}
