//! certway-issuer, through a certway-ra with a CA of its own.

use std::sync::OnceLock;

use proto_tests::kube::{Certway, Namespace};
use serde_json::json;

use crate::tested::{Provided, Tested};

/// It forwards to the RA, which signs.
pub const CERTWAY: Tested = Tested {
    unsupported: &[],
    provide,
};

/// The one that the tests of this binary share, as they share the cluster.
pub fn certway(namespace: &Namespace<'_>) -> &'static Certway {
    static CERTWAY: OnceLock<Certway> = OnceLock::new();
    CERTWAY.get_or_init(|| Certway::install(namespace.cluster))
}

fn provide(namespace: &Namespace<'_>) -> Provided {
    let certway = certway(namespace);
    certway.issuer_in(namespace);
    Provided {
        reference: json!({ "name": "certway", "kind": "Issuer", "group": "certway.dev" }),
        signer_name: format!("issuers.certway.dev/{}.certway", namespace.name),
        root: certway.root(),
    }
}
