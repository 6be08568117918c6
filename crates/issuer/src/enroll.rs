//! One request put to the RA, and what came of it. The same for CertificateRequests and CertificateSigningRequests.

use std::time::Duration;

use api::client::{Answer, Client, ClientError, IdempotencyKey, Progress};
use api::v2::{Issued, Replaces};
use jiff::Timestamp;
use pki::KnownCas;

use crate::answer::{self, Sound};
use crate::kinds::TrustMode;
use crate::request::Wanted;
use crate::trouble::Trouble;

/// What came of asking.
#[derive(Debug)]
pub enum Outcome {
    /// A certificate that holds.
    Issued {
        /// The certificate.
        sound: Box<Sound>,
        /// Why it does not replace the old one in the CA's eyes, where it was to.
        not_replaced: Option<String>,
    },
    /// The CA has not decided.
    Waiting {
        /// When to ask again.
        check_after: Duration,
    },
    /// No certificate.
    Trouble(Trouble),
}

/// Asks for a certificate under a name of the request's own: however often and by whomever this is done for one `uid`, there is one certificate.
///
/// `replaces` is the certificate (PEM) that the new one succeeds. Where the RA does not take it as such, the certificate is asked for without it, under a second name
/// that is used in no other case: the refusal stands in the RA's journal, so this goes the same way each time.
pub async fn enroll(
    client: &Client,
    uid: &str,
    wanted: &Wanted,
    replaces: Option<&str>,
    mode: TrustMode,
    known: &KnownCas,
) -> Outcome {
    let Some(old) = replaces else {
        let asked = ask(client, uid, wanted, None).await;
        return outcome(asked, wanted, mode, known, None);
    };
    match ask(client, uid, wanted, Some(old)).await {
        Err(Trouble::Replaced(why)) => {
            let asked = ask(client, &format!("{uid}.new"), wanted, None).await;
            outcome(asked, wanted, mode, known, Some(why))
        }
        asked => outcome(asked, wanted, mode, known, None),
    }
}

async fn ask(
    client: &Client,
    name: &str,
    wanted: &Wanted,
    replaces: Option<&str>,
) -> Result<Progress<Issued>, Trouble> {
    let key: IdempotencyKey = name.parse().map_err(|e| Trouble::Final(format!("{e}")))?;
    let mut request = wanted.request.clone();
    request.replaces = replaces.map(|certificate| Replaces {
        certificate: certificate.to_owned(),
        proof: None,
    });
    let answered: Result<Answer<_>, ClientError> = client.enroll(&wanted.ca, &request, &key).await;
    match answered {
        Ok(answer) => Ok(answer.body),
        Err(error) => Err(Trouble::of(&error, replaces.is_some())),
    }
}

fn outcome(
    asked: Result<Progress<Issued>, Trouble>,
    wanted: &Wanted,
    mode: TrustMode,
    known: &KnownCas,
    not_replaced: Option<String>,
) -> Outcome {
    match asked {
        Err(trouble) => Outcome::Trouble(trouble),
        Ok(Progress::Waiting(pending)) => Outcome::Waiting {
            check_after: pending.check_after(),
        },
        Ok(Progress::Done(issued)) => {
            match answer::check(&issued, &wanted.public_key, mode, known, Timestamp::now()) {
                Ok(sound) => Outcome::Issued {
                    sound: Box::new(sound),
                    not_replaced,
                },
                Err(unsound) => Outcome::Trouble(Trouble::Final(format!(
                    "what the RA answered is not taken: {unsound}"
                ))),
            }
        }
    }
}
