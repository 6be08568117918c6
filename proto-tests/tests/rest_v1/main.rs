//! REST v1 as the clients of ONAP's CertService meet it: over TLS, against the program as built.

mod answers;
mod bad_requests;
mod ca_failures;
mod chains;
mod csit;
mod endpoints;
mod readiness;
mod requests;
mod servers_file;
mod through_cmp;
mod transport;
mod updates;
mod wire;

use proto_tests::service::Setup;
use proto_tests::v1::Request;
use proto_tests::{EmbeddedCa, Keys, Service};
use serde_json::Value;

/// Names as ONAP's own tests have them.
const SUBJECT: &str = "C=US,ST=California,L=San-Francisco,O=Linux-Foundation,OU=ONAP,CN=onap.org";
const NAMES: [&str; 2] = ["dns:onap.org", "dns:test.onap.org"];

const BAD_CSR: &str = "Wrong certificate signing request (CSR) format";
const BAD_KEY: &str = "Wrong key (PK) format";
const BAD_CERTIFICATE: &str = "Wrong certificate format";
const NO_CA: &str = "Certification authority not found for given CAName";

/// A request that nothing is wrong with.
fn request() -> Request {
    Request::for_names(SUBJECT, &NAMES, &Keys::rsa())
}

/// Nothing of what a request carried as a key, nor any other secret, stands in the log.
#[track_caller]
fn assert_log_keeps_secrets(service: &Service, secrets: &[&str]) {
    let log = service.log();
    for secret in secrets {
        assert!(
            !secret.is_empty() && !log.contains(secret),
            "a secret is in the log"
        );
    }
}

/// A CA, and certway-ra before it.
struct Pair {
    service: Service,
    ca: EmbeddedCa,
}

impl Pair {
    fn start() -> Self {
        let ca = EmbeddedCa::start();
        Self {
            service: Service::before(&ca),
            ca,
        }
    }
}

/// A service that holds a call for half a second only while its CA says nothing it can use.
fn impatient(entries: &[Value]) -> Service {
    let setup = Setup::new();
    setup.servers(entries);
    let launch = setup.launch().env("CERTWAY_RA_V1__HOLD", "500ms");
    setup.start_as(launch)
}
