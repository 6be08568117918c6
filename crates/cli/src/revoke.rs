//! `certway revoke`.

use api::{
    ProblemSlug,
    client::Revoked,
    v2::{RevokeRequest, RevokeTarget},
};

use crate::{
    args::Revoke,
    connection,
    credential::{Credential, certificates},
    exit::{Exit, Failure},
    files,
    job::random_key,
    notes::Notes,
    patience::Patience,
    report::Report,
    secret::secret,
};

/// Revokes a certificate. One that is revoked already is what was wanted.
pub(crate) async fn run(options: &Revoke, notes: &Notes) -> Result<Report, Failure> {
    let (target, holder) = target(options)?;
    let client = connection::client(&options.connection, holder.as_ref())?;
    let request = RevokeRequest {
        target,
        reason: options.reason,
    };
    let key = random_key()?;
    let sent = Patience::of(&options.connection)
        .see_through::<Revoked>(notes, async || {
            client.revoke(&options.connection.ca, &request, &key).await
        })
        .await;
    match sent {
        Ok(answer) => Ok(Report::revoked(
            Some(&answer.body.id),
            options.reason,
            answer.correlation_id.as_deref(),
        )),
        Err(failure) if failure.slug() == Some(ProblemSlug::AlreadyRevoked) => {
            Ok(Report::revoked(None, options.reason, None))
        }
        Err(failure) => Err(failure),
    }
}

/// What is to be revoked, and its holder if the key is here.
fn target(options: &Revoke) -> Result<(RevokeTarget, Option<Credential>), Failure> {
    let Some(path) = &options.cert else {
        let (Some(issuer), Some(serial)) = (&options.issuer, &options.serial) else {
            return Err(Failure::usage(
                "which certificate? Give --cert, or --issuer and --serial",
            ));
        };
        pki::name::onap::parse(issuer).map_err(|e| Failure::usage(format!("--issuer: {e}")))?;
        return Ok((
            RevokeTarget::Id {
                issuer: issuer.clone(),
                serial: serial_number(serial)?,
            },
            None,
        ));
    };
    let password = secret(options.key_password_file.as_deref(), "CERTWAY_KEY_PASSWORD")?;
    if options.key.is_some() || password.is_some() {
        let holder = Credential::read(path, options.key.as_deref(), password.as_ref())?;
        return Ok((
            RevokeTarget::Certificate(holder.certificate.to_pem()),
            Some(holder),
        ));
    }
    let bytes = files::read(path, files::LARGEST_INPUT)?;
    let certificate = certificates(path, &bytes)?.into_iter().next();
    let certificate = certificate.ok_or_else(|| {
        Failure::new(
            Exit::Local,
            format!("{}: no certificate in it", path.display()),
        )
    })?;
    Ok((RevokeTarget::Certificate(certificate.to_pem()), None))
}

/// A serial number as people copy it: with colons, 0x, capitals, leading zeros.
fn serial_number(text: &str) -> Result<String, Failure> {
    let digits: String = text
        .trim()
        .trim_start_matches("0x")
        .chars()
        .filter(|c| !matches!(c, ':' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Failure::usage(format!(
            "--serial: {text} is not a serial number in hex"
        )));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_may_be_written_as_tools_show_it() {
        for text in ["5F:3A:90", "0x5f3a90", " 5f3a90 "] {
            assert_eq!(serial_number(text).unwrap(), "5f3a90");
        }
        for text in ["", "xyz", &"a".repeat(65)] {
            assert_eq!(serial_number(text).unwrap_err().exit, Exit::Usage);
        }
    }
}
