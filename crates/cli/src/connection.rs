//! From the options to a client: roots, identity, token.

use std::time::Duration;

use api::client::{Bearer, Client, with_causes};
use secrecy::ExposeSecret;

use crate::{
    args::Connection,
    credential::Credential,
    exit::{Exit, Failure},
    files,
    secret::secret,
};

/// Longer than any network takes to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// A client that comes as whom the options say; as `holder`, the owner of the certificate that the command is about, if they say nobody.
pub(crate) fn client(options: &Connection, holder: Option<&Credential>) -> Result<Client, Failure> {
    let token = secret(options.token_file.as_deref(), "CERTWAY_TOKEN")?;
    let own = match &options.tls_cert {
        Some(cert) => Some(Credential::read(
            cert,
            options.tls_key.as_deref(),
            secret(options.tls_password_file.as_deref(), "CERTWAY_TLS_PASSWORD")?.as_ref(),
        )?),
        None => None,
    };
    let identity = own.as_ref().or(holder.filter(|_| token.is_none()));

    let mut http = reqwest::Client::builder()
        .user_agent(concat!("certway/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT);
    if let Some(path) = &options.cacert {
        let text = files::read(path, files::LARGEST_INPUT)?;
        let roots = pki::Certificate::all_from_pem(&text).map_err(|e| Failure::file(path, &e))?;
        if roots.is_empty() {
            return Err(Failure::new(
                Exit::Local,
                format!(
                    "{}: no certificate in it; --cacert takes roots as PEM",
                    path.display()
                ),
            ));
        }
        let roots = roots
            .iter()
            .map(|r| reqwest::Certificate::from_der(r.der()))
            .collect::<Result<Vec<_>, _>>();
        http = http.tls_certs_only(roots.map_err(|e| Failure::file(path, &e))?);
    }
    if let Some(identity) = identity {
        http = http.identity(identity.for_tls()?);
    }
    let http = http.build().map_err(|e| Failure::new(Exit::Local, format!("TLS cannot be set up ({}); is there a set of system roots, or should --cacert name one?", with_causes(&e))))?;

    let client = Client::new(http, options.url.clone()).with_timeout(options.timeout);
    match token {
        Some(token) => {
            let bearer: Bearer = token
                .expose_secret()
                .parse()
                .map_err(|e| Failure::new(Exit::Local, format!("the token: {e}")))?;
            Ok(client.with_bearer(bearer))
        }
        None => Ok(client),
    }
}
