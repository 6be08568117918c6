//! `certway enroll`.

use pki::Csr;

use crate::{
    acquire::{KeySource, Site},
    args::Enroll,
    connection,
    exit::{Exit, Failure},
    files,
    job::{Intent, Workplace},
    key,
    notes::Notes,
    outputs::Places,
    patience::Patience,
    report::{Report, hex},
    request::{self, Identity},
    secret::secret,
};
use api::client::with_causes;

/// Gets a first certificate.
pub(crate) async fn run(options: &Enroll, notes: &Notes) -> Result<Report, Failure> {
    let csr = options.csr.as_deref().map(csr).transpose()?;
    let source = source(options, csr.as_ref())?;
    let places = Places::of(&options.outputs)?;
    if matches!(
        (&source, &places),
        (KeySource::Elsewhere(_), Places::Store { .. })
    ) {
        return Err(Failure::usage(
            "a store needs the key: give it with --key, or use --format pem",
        ));
    }
    let identity = match csr {
        None => Some(Identity::of(&options.wanted, None)?),
        Some(_) => None,
    };
    let client = connection::client(&options.connection, None)?;
    let workplace = Workplace::beside(places.certificate())?;
    let site = Site {
        places: &places,
        workplace: &workplace,
        notes,
    };

    let key = match (&csr, &source) {
        (Some(csr), _) => format!("csr {}", csr.to_pem()),
        (None, KeySource::Make(kind)) => format!("make {kind}"),
        (None, KeySource::Given(key, _)) => format!("key {}", hex(&key.public_key().key_id())),
        (None, KeySource::Elsewhere(key)) => format!("key {}", hex(&key.key_id())),
    };
    let intent = Intent {
        is_ca: options.is_ca,
        idempotency_key: options.idempotency_key.as_ref().map(ToString::to_string),
        ..request::intent(&options.connection, &options.wanted, key)
    };
    site.acquire(
        &client,
        Patience::of(&options.connection),
        intent,
        source,
        |key| {
            let built = match (identity, key) {
                (Some(identity), Some(key)) => Some(identity.csr(key)?),
                _ => None,
            };
            let csr = built
                .or(csr)
                .ok_or_else(|| Failure::usage("there is no key to make a request with"))?;
            let mut request = request::around(&csr, &options.wanted);
            request.is_ca = options.is_ca.then_some(true);
            Ok(request)
        },
    )
    .await
}

/// A CSR out of a PEM or DER file, its signature verified: the service would refuse it, and later.
fn csr(path: &std::path::Path) -> Result<Csr, Failure> {
    let bytes = files::read(path, files::LARGEST_INPUT)?;
    let csr = if bytes.first() == Some(&0x30) {
        Csr::from_der(bytes)
    } else {
        Csr::from_pem(&bytes)
    };
    let csr = csr.map_err(|e| Failure::file(path, &e))?;
    csr.verify().map_err(|e| {
        Failure::new(
            Exit::Local,
            format!(
                "{}: the request's own signature does not hold: {}",
                path.display(),
                with_causes(&e)
            ),
        )
    })?;
    Ok(csr)
}

fn source(options: &Enroll, csr: Option<&Csr>) -> Result<KeySource, Failure> {
    let given = match &options.key {
        Some(path) => Some((
            key::read(
                path,
                secret(options.key_password_file.as_deref(), "CERTWAY_KEY_PASSWORD")?.as_ref(),
            )?,
            path,
        )),
        None => None,
    };
    match (given, csr) {
        (Some((key, path)), Some(csr)) if key.public_key() != csr.public_key() => {
            Err(Failure::new(
                Exit::Local,
                format!("{} is not the key of the request", path.display()),
            ))
        }
        (Some((key, path)), _) => Ok(KeySource::Given(key, Some(path.clone()))),
        (None, Some(csr)) => Ok(KeySource::Elsewhere(csr.public_key().clone())),
        (None, None) => Ok(KeySource::Make(options.key_type)),
    }
}
