use jiff::Timestamp;

use crate::{
    Approved, By, EnrollRequest, Error, Label, Profile, ProfileName, Proof, Question, Ra, Refusal,
    RefusalKind, Requester, decide,
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
            if let Some((at, _)) = known.and_then(|issuance| issuance.revoked) {
                let detail = format!("the certificate to be renewed was revoked at {at}");
                return Ok(Err(Refusal::new(RefusalKind::AlreadyRevoked, detail)));
            }
        }
        let facts = self.domains.facts(&request.wanted.sans).await?;
        let approved = decide(&Question {
            profile,
            who,
            wanted: &request.wanted,
            replaces: request.replaces.as_ref().map(|old| &old.certificate),
            facts: &facts,
            now,
        });
        Ok(approved.map(|approved| (profile, approved)))
    }
}

/// Step 5: whoever asks holds the key, and the old one if it renews.
fn possession(who: &Requester, request: &EnrollRequest) -> Result<(), Refusal> {
    proves(who, &request.proof, &request.wanted.public_key)
        .map_err(|why| Refusal::new(RefusalKind::BadPop, format!("proof-of-possession: {why}")))?;
    match &request.replaces {
        None => Ok(()),
        Some(old) => proves(who, &old.proof, old.certificate.public_key()).map_err(|why| {
            Refusal::new(
                RefusalKind::NotAuthorized,
                format!("proof-of-possession of the old certificate's key: {why}"),
            )
        }),
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
