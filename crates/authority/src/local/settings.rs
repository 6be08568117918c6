use jiff::SignedDuration;
use pki::{CaConstraint, Certificate, KeyKind, KeyUsages, ObjectIdentifier, Template, usage};
use ra::{AskError, Refusal, RefusalKind};

/// What an embedded CA puts into its certificates beyond what is asked for.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// How long a certificate is valid when nobody says.
    pub default_validity: SignedDuration,
    /// How long it may be at most.
    pub max_validity: SignedDuration,
    /// By how much validity begins before the moment of issue, for clocks that are late.
    pub backdate: SignedDuration,
    /// keyUsage where none is asked for; `None`: digitalSignature, with keyEncipherment for RSA keys.
    pub key_usage: Option<KeyUsages>,
    /// extKeyUsage where none is asked for.
    pub ext_key_usage: Vec<ObjectIdentifier>,
    /// Other extensions that are copied out of requests; every one not named here is left out.
    pub copied_extensions: Vec<ObjectIdentifier>,
    /// Where the CRL can be had: cRLDistributionPoints.
    pub crl_urls: Vec<String>,
    /// How long a CRL is good for; it is made anew after half of that, and when something was revoked.
    pub crl_life: SignedDuration,
    /// Who ends a transaction.
    pub confirmation: Confirmation,
}

/// Who ends a transaction with an embedded CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Confirmation {
    /// Nobody has to: the journal has the certificate before anyone sees it.
    #[default]
    Implicit,
    /// The CA is told that the certificate was taken, as a CMP CA would be.
    Explicit,
}

impl Default for LocalSettings {
    /// 90 days, at most 398; server and client authentication; a CRL for a week.
    fn default() -> Self {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        Self {
            default_validity: days(90),
            max_validity: days(398),
            backdate: SignedDuration::from_mins(1),
            key_usage: None,
            ext_key_usage: vec![usage::SERVER_AUTH, usage::CLIENT_AUTH],
            copied_extensions: Vec::new(),
            crl_urls: Vec::new(),
            crl_life: days(7),
            confirmation: Confirmation::default(),
        }
    }
}

impl LocalSettings {
    /// The template as it is issued: names, key and constraint as asked for, usages filled in, no stray extension.
    pub(super) fn filled_in(
        &self,
        asked: &Template,
        issuer: &Certificate,
    ) -> Result<Template, AskError> {
        let mut template = asked.clone();
        template
            .other_extensions
            .retain(|extension| self.copied_extensions.contains(&extension.extn_id));
        if let Some(wanted) = asked.ca {
            template.ca = Some(sub_ca(wanted, issuer)?);
            template.key_usage.get_or_insert(
                KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN | KeyUsages::DIGITAL_SIGNATURE,
            );
            return Ok(template);
        }
        template
            .key_usage
            .get_or_insert_with(|| self.default_key_usage(asked.public_key.kind()));
        if template.ext_key_usage.is_empty() {
            template.ext_key_usage.clone_from(&self.ext_key_usage);
        }
        Ok(template)
    }

    fn default_key_usage(&self, kind: KeyKind) -> KeyUsages {
        self.key_usage.unwrap_or(match kind {
            KeyKind::Rsa { .. } => KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_ENCIPHERMENT,
            _ => KeyUsages::DIGITAL_SIGNATURE,
        })
    }
}

/// A CA below `issuer` gets one level less than it (RFC 5280 section 4.2.1.9).
fn sub_ca(wanted: CaConstraint, issuer: &Certificate) -> Result<CaConstraint, AskError> {
    let allowed = match issuer.ca_constraint().and_then(|own| own.path_len) {
        None => return Ok(wanted),
        Some(own) => own.checked_sub(1).ok_or_else(|| {
            let why =
                "the issuing CA may not have another CA below it (its pathLenConstraint is 0); its operator can make one that may";
            AskError::Refused(Refusal::new(RefusalKind::CaNotAllowed, why))
        })?,
    };
    Ok(CaConstraint {
        path_len: Some(
            wanted
                .path_len
                .map_or(allowed, |wanted| wanted.min(allowed)),
        ),
    })
}
