//! An issuer whom the RA knows by a ServiceAccount's token: the API server signs it, and the RA verifies it by the keys that the API server shows. Each
//! test has a cluster of its own, as the API server is started again.

use proto_tests::kube::{Certway, Cluster, Namespace, Settings, Stack};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::checks;

const ACCOUNT: &str = "certway-issuer";
const AUDIENCE: &str = "certway-ra";

fn by_token(namespace: &Namespace<'_>, certway: &Certway) -> Value {
    certway.create_issuer(namespace, &json!({ "auth": { "serviceAccountToken": {} } }))
}

/// Has a Certificate issued, and looks at all of it.
fn issued(namespace: &Namespace<'_>, certway: &Certway, name: &str) {
    let spec = json!({
        "dnsNames": [format!("{name}.example")],
        "secretName": name,
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": "certway", "kind": "Issuer", "group": "certway.dev" },
    });
    let made = namespace.create("Certificate", name, &spec);
    namespace.api().until_condition(&made, "Ready", "True");
    let secret = namespace.secret(name).expect("the Secret is there");
    let chain = secret.chain();
    checks::verifies(&chain[0], &chain[1..], &[certway.root()]);
}

/// Waits until the issuer's `Ready` condition is of that reason and says that.
fn until_says(namespace: &Namespace<'_>, issuer: &Value, reason: &str, words: &str) {
    let what = format!("{reason}: {words}");
    namespace.api().until_object(issuer, &what, |object| {
        let all = object["status"]["conditions"].as_array()?;
        let ready = all.iter().find(|condition| condition["type"] == "Ready")?;
        let said = ready["message"].as_str()?;
        (ready["reason"] == reason && said.contains(words)).then_some(())
    });
}

#[test]
fn a_certificate_is_issued_by_token_also_after_the_api_server_signs_with_another_key() {
    let Some(stack) = Stack::here() else { return };
    let mut cluster = Cluster::start(stack, &Settings::default());
    let certway = Certway::by_token(&cluster);
    let name = {
        let namespace = cluster.namespace("token");
        let issuer = by_token(&namespace, &certway);
        namespace.api().until_condition(&issuer, "Ready", "True");
        issued(&namespace, &certway, "first");
        namespace.name
    };
    let audit = format!("jwt:cluster/system:serviceaccount:certway:{ACCOUNT}");
    certway.ra.program.log_has(&audit);

    let mark = certway.ra.program.output().mark();
    cluster.rotate_account_key();
    Certway::give_token(&cluster, ACCOUNT, AUDIENCE);
    certway
        .ra
        .program
        .log_has_since(mark, "the keys of a token issuer are here");
    let namespace = cluster.existing_namespace(&name);
    issued(&namespace, &certway, "second");
}

#[test]
fn a_token_for_another_audience_or_of_another_service_account_leaves_the_issuer_not_authorized() {
    let Some(stack) = Stack::here() else { return };
    let cluster = Cluster::start(stack, &Settings::default());
    let certway = Certway::by_token(&cluster);
    let namespace = cluster.namespace("token");
    let issuer = by_token(&namespace, &certway);
    namespace.api().until_condition(&issuer, "Ready", "True");
    for (account, audience, words) in [
        (
            ACCOUNT,
            "somebody-else",
            "get one with the audience `certway-ra`",
        ),
        (
            "another",
            AUDIENCE,
            "`system:serviceaccount:certway:another`",
        ),
        ("another", AUDIENCE, "name it in one of `callers`"),
    ] {
        Certway::give_token(&cluster, account, audience);
        until_says(&namespace, &issuer, "NotAuthorized", words);
    }
    Certway::give_token(&cluster, ACCOUNT, AUDIENCE);
    until_says(&namespace, &issuer, "Checked", "RA and CA answer");
    let refused = certway.ra.program.output().text();
    assert!(refused.contains("a request was refused"));
    eventually("nothing was issued to them", || certway.ra.issued() == 0);
}
