//! `certway trust`.

use api::{headers::DEFAULT_STORE_PASSWORD, v2::TrustFormat};
use jiff::Timestamp;
use pki::keystore::Keystore;
use secrecy::SecretString;

use crate::{
    args::Trust,
    bundle::{certificates, to_pem},
    connection,
    exit::{Exit, Failure},
    files::{FileSet, Readers},
    notes::Notes,
    outputs::StoreKind,
    patience::Patience,
    report::{Report, hex},
    secret::secret,
};

/// Gets every root. Stores are made here, so that their password stays here.
pub(crate) async fn run(options: &Trust, notes: &Notes) -> Result<Report, Failure> {
    if options.out.is_none() && matches!(options.format, TrustFormat::Pkcs12 | TrustFormat::Jks) {
        return Err(Failure::usage(
            "a store is not written to a terminal: name the file with --out",
        ));
    }
    let client = connection::client(&options.connection, None)?;
    let answer = Patience::of(&options.connection)
        .repeat(notes, async || client.trust(&options.connection.ca).await)
        .await?;
    let texts: Vec<_> = answer
        .body
        .roots
        .iter()
        .map(|root| root.certificate.clone())
        .collect();
    let roots = certificates(&texts)?;
    if roots.is_empty() {
        return Err(Failure::answer("the service named no root at all"));
    }
    for (root, said) in roots.iter().zip(&answer.body.roots) {
        if hex(&root.fingerprint()) != said.fingerprint {
            return Err(Failure::answer(format!(
                "the fingerprint that came for {} is that of another certificate",
                said.subject
            )));
        }
    }

    let content = match options.format {
        TrustFormat::Pem => to_pem(&roots).into_bytes(),
        TrustFormat::Json => {
            let mut text = serde_json::to_vec_pretty(&answer.body)
                .map_err(|e| Failure::new(Exit::Local, e.to_string()))?;
            text.push(b'\n');
            text
        }
        TrustFormat::Pkcs12 => store(options, StoreKind::Pkcs12, &roots)?,
        TrustFormat::Jks => store(options, StoreKind::Jks, &roots)?,
    };
    let Some(out) = &options.out else {
        return Ok(Report::raw(&content));
    };
    let mut set = FileSet::default();
    set.stage(out, Readers::Everyone, &content)?;
    set.commit()?;
    Ok(Report::trust(&roots, out))
}

fn store(options: &Trust, kind: StoreKind, roots: &[pki::Certificate]) -> Result<Vec<u8>, Failure> {
    let password = secret(options.password_file.as_deref(), "CERTWAY_PASSWORD")?
        .unwrap_or_else(|| SecretString::from(DEFAULT_STORE_PASSWORD));
    kind.written(
        &Keystore::of_trusted(roots.iter().cloned()),
        &password,
        Timestamp::now(),
    )
}
