//! What bad input gets: a condition and an Event that say what to do, and nobody else waits for it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use proto_tests::Keys;
use proto_tests::certs::{Identity, Issuer as Ca};
use proto_tests::fake_ra::{Asked, Desk, FakeRa, leaf, problem, reply};
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Cluster, Namespace, Resource, Settings, Stack, certway, cluster};
use proto_tests::upstream::Reply;
use serde_json::{Value, json};

use crate::admission::request;

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// A certificate, after the trouble.
    Issued,
    /// `Ready=False/Failed` with that Event, and what the message says among other things.
    Failed(&'static str, &'static str),
    /// `Ready=False/Pending` with that Event, and what the message says; it is tried again.
    Pending(&'static str, &'static str),
    /// Nothing while the test looks; nobody else waits for it.
    Open,
}

/// A row: the label that the RA is asked for, what it answers, and what that makes of the request.
type Row = (&'static str, fn(&Desk, &Asked) -> Reply, Ends);

/// Every way in which an RA can answer that is not a certificate for the request.
const ANSWERS: &[Row] = &[
    (
        "bad-request",
        |_, _| problem(400, "bad-request", &json!({})),
        Ends::Pending("Retrying", "bad-request"),
    ),
    (
        "unauthenticated",
        |_, _| problem(401, "unauthenticated", &json!({})),
        Ends::Pending("Retrying", "unauthenticated"),
    ),
    (
        "not-authorized",
        |_, _| problem(403, "not-authorized", &json!({})),
        Ends::Pending("Retrying", "not-authorized"),
    ),
    (
        "unknown-ca",
        |_, _| problem(404, "unknown-ca", &json!({})),
        Ends::Pending("Retrying", "unknown-ca"),
    ),
    (
        "page-not-found",
        |_, _| Reply::http(404, "text/html", "<h1>no</h1>"),
        Ends::Pending("Retrying", "404"),
    ),
    (
        "other-request",
        |_, _| problem(409, "other-request-under-key", &json!({})),
        Ends::Failed("Rejected", "other-request-under-key"),
    ),
    (
        "name-not-allowed",
        |_, _| problem(422, "name-not-allowed", &json!({ "detail": "dns:a" })),
        Ends::Failed("InvalidRequest", "dns:a"),
    ),
    (
        "rejected",
        |_, _| {
            problem(
                422,
                "rejected-by-ca",
                &json!({ "failInfo": ["badCertTemplate"] }),
            )
        },
        Ends::Failed("Rejected", "badCertTemplate"),
    ),
    (
        "overloaded",
        |desk, asked| {
            twice(
                desk,
                asked,
                problem(429, "overloaded", &json!({ "retryAfter": 1 })),
            )
        },
        Ends::Issued,
    ),
    (
        "internal",
        |desk, asked| twice(desk, asked, problem(500, "internal", &json!({}))),
        Ends::Issued,
    ),
    (
        "gateway",
        |desk, asked| {
            twice(
                desk,
                asked,
                Reply::http(502, "text/html", "<h1>bad gateway</h1>"),
            )
        },
        Ends::Issued,
    ),
    (
        "unavailable",
        |desk, asked| {
            twice(
                desk,
                asked,
                problem(503, "unavailable", &json!({ "retryAfter": 1 })),
            )
        },
        Ends::Issued,
    ),
    (
        "cut-off",
        |desk, asked| twice(desk, asked, Reply::Close),
        Ends::Issued,
    ),
    (
        "waiting",
        |desk, asked| {
            twice(
                desk,
                asked,
                reply(
                    202,
                    &json!({ "status": "waiting", "id": "1", "checkAfter": 1 }),
                ),
            )
        },
        Ends::Issued,
    ),
    ("silent", |_, _| Reply::Silence, Ends::Open),
    (
        "other-key",
        |desk, _| {
            reply(
                201,
                &desk.issued(&desk.certificate(Keys::ec().public_key())),
            )
        },
        Ends::Failed("Rejected", "another public key"),
    ),
    (
        "unchained",
        |desk, asked| reply(201, &desk.issued(&foreign(asked))),
        Ends::Failed("Rejected", "does not lead to one of the roots"),
    ),
    (
        "no-certificate",
        |desk, asked| {
            let mut issued = desk.issued(&desk.certificate(asked.csr.public_key()));
            issued["certificate"] =
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".into();
            reply(201, &issued)
        },
        Ends::Failed("Rejected", "certificate"),
    ),
    (
        "no-json",
        |_, _| Reply::http(201, "application/json", "certificate"),
        Ends::Pending("Retrying", "201"),
    ),
];

/// More than the pauses between two attempts let through while the test runs, and far less than without them.
const MOST_ATTEMPTS: usize = 20;

/// The first two times `trouble`, then a certificate.
fn twice(desk: &Desk, asked: &Asked, trouble: Reply) -> Reply {
    if asked.time <= 2 {
        trouble
    } else {
        desk.issue(asked)
    }
}

fn foreign(asked: &Asked) -> pki::Certificate {
    Ca::root("O=Elsewhere,CN=Foreign Root").sign(leaf(asked.csr.public_key()))
}

#[test]
fn whatever_the_ra_answers_the_request_says_what_to_do_and_no_other_waits_for_it() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("answers");
    crate::ours::certway(&namespace);
    let ra = FakeRa::start(|desk, asked| {
        let row = ANSWERS.iter().find(|(label, ..)| *label == asked.ca);
        row.unwrap().1(desk, asked)
    });
    certway::prepare(&namespace);
    certway::credentials(&namespace, "ra-client", &ra.pki.client);
    for (label, ..) in ANSWERS {
        let spec = certway::spec(&ra.pki, ra.port(), &json!({ "ca": label }));
        let issuer = certway::issuer(&namespace, label, &spec);
        namespace.api().until_condition(&issuer, "Ready", "True");
    }
    let made: Vec<Value> = ANSWERS
        .iter()
        .map(|(label, ..)| asked_of(&namespace, label, label))
        .collect();
    for ((label, _, ends), made) in ANSWERS.iter().zip(&made) {
        ended(&namespace, made, *ends);
        assert!(
            ra.times(label) <= MOST_ATTEMPTS,
            "{label}: {}",
            ra.times(label)
        );
    }
}

#[test]
fn what_a_request_or_an_issuer_lacks_is_said_and_made_good_when_it_comes() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("lacking");
    crate::ours::certway(&namespace);
    let ra = FakeRa::start(Desk::issue);
    certway::prepare(&namespace);
    let spec = |more: &Value| certway::spec(&ra.pki, ra.port(), more);
    let auth = |secret: &str| json!({ "auth": { "clientCertificate": { "secretName": secret } } });

    // A Secret that is not there yet, and one whose certificate is over.
    let missing = certway::issuer(&namespace, "missing-secret", &spec(&auth("later")));
    certway::credentials(&namespace, "over", &expired(&ra.pki.root));
    let over = certway::issuer(&namespace, "expired", &spec(&auth("over")));
    for (issuer, says) in [(&missing, "there is no Secret"), (&over, "expired at")] {
        let unready = namespace.api().until_condition(issuer, "Ready", "False");
        let ready = condition(&unready, "Ready");
        assert_eq!(ready["reason"], "SecretError", "{ready}");
        assert!(ready["message"].as_str().unwrap().contains(says), "{ready}");
    }
    let waits_for_secret = asked_of(&namespace, "waits-for-secret", "missing-secret");
    let waits_for_renewal = asked_of(&namespace, "waits-for-renewal", "expired");
    let waits_for_issuer = asked_of(&namespace, "waits-for-issuer", "nobody");
    for (made, says) in [
        (&waits_for_secret, "there is no Secret"),
        (&waits_for_renewal, "expired at"),
        (&waits_for_issuer, "there is no Issuer"),
    ] {
        ended(&namespace, made, Ends::Pending("WaitingForIssuer", says));
    }
    // A kind of our group that there is not: nobody's.
    let foreign = json!({ "name": "x", "kind": "Unheard", "group": "certway.dev" });
    let foreign = namespace
        .api()
        .create(&request(&namespace, "foreign", &foreign))
        .unwrap();

    // Made good, one after the other.
    certway::credentials(&namespace, "later", &ra.pki.client);
    ended(&namespace, &waits_for_secret, Ends::Issued);
    certway::issuer(&namespace, "nobody", &spec(&auth("later")));
    ended(&namespace, &waits_for_issuer, Ends::Issued);
    let renewed = Identity::copy(&ra.pki.client);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "namespace": namespace.name, "name": "over" },
    });
    namespace.api().delete(&secret).unwrap();
    certway::credentials(&namespace, "over", &renewed);
    ended(&namespace, &waits_for_renewal, Ends::Issued);
    let foreign = namespace.api().read(&foreign).unwrap();
    assert_eq!(condition(&foreign, "Ready"), Value::Null);
}

#[test]
fn an_issuer_or_its_kind_edited_and_a_namespace_deleted_mid_flight_stop_nobody() {
    let Some(stack) = Stack::here() else { return };
    let cluster = Cluster::start(stack, &Settings::default());
    certway::manifests(&cluster);
    let replica = proto_tests::kube::Pod::named(&cluster, "certway-issuer-1").start();
    let ra = FakeRa::start(|desk, asked| match asked.ca.as_str() {
        "undecided" => reply(
            202,
            &json!({ "status": "waiting", "id": "1", "checkAfter": 1 }),
        ),
        "silent" => Reply::Silence,
        _ => desk.issue(asked),
    });
    let [edited, deleted] = ["edited", "deleted"].map(|name| {
        let namespace = cluster.namespace(name);
        certway::prepare(&namespace);
        certway::credentials(&namespace, "ra-client", &ra.pki.client);
        namespace
    });
    let make = |namespace: &Namespace<'_>, label: &str| {
        let spec = certway::spec(&ra.pki, ra.port(), &json!({ "ca": label }));
        let issuer = certway::issuer(namespace, "it", &spec);
        namespace.api().until_condition(&issuer, "Ready", "True")
    };
    let issuer = make(&edited, "undecided");
    make(&deleted, "silent");

    let waiting = asked_of(&edited, "waiting", "it");
    ended(&edited, &waiting, Ends::Pending("Waiting", "not decided"));
    asked_of(&deleted, "on-its-way", "it");
    replica.asks(1);

    // The namespace goes while its request is on its way.
    let gone =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": deleted.name } });
    cluster.admin.delete(&gone).unwrap();
    // The kind is edited: the API server ends every watch of it.
    let kind = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "issuers.certway.dev" },
    });
    let names = json!({ "spec": { "names": { "shortNames": ["cwi"] } } });
    cluster.admin.merge(&kind, &names).unwrap();
    // The issuer is edited: the CA that has not decided is not asked any more.
    let change = json!({ "spec": { "ca": "deciding" } });
    cluster.admin.merge(&issuer, &change).unwrap();

    ended(&edited, &waiting, Ends::Issued);
    cluster.admin.until_gone(&gone);
    let another = asked_of(&edited, "another", "it");
    ended(&edited, &another, Ends::Issued);
}

#[test]
fn a_request_denied_while_it_waits_is_denied_and_one_without_a_csr_that_holds_is_invalid() {
    let Some(stack) = Stack::here() else { return };
    // Admission keeps both from happening.
    let settings = Settings {
        without_webhook: true,
        ..Settings::default()
    };
    let cluster = Cluster::start(stack, &settings);
    certway::manifests(&cluster);
    let _replica = proto_tests::kube::Pod::named(&cluster, "certway-issuer-1").start();
    let namespace = cluster.namespace("unguarded");
    let ra = FakeRa::start(|desk, asked| match asked.ca.as_str() {
        "undecided" => reply(
            202,
            &json!({ "status": "waiting", "id": "1", "checkAfter": 1 }),
        ),
        _ => desk.issue(asked),
    });
    certway::prepare(&namespace);
    certway::credentials(&namespace, "ra-client", &ra.pki.client);
    let spec = certway::spec(&ra.pki, ra.port(), &json!({ "ca": "undecided" }));
    let issuer = certway::issuer(&namespace, "it", &spec);
    namespace.api().until_condition(&issuer, "Ready", "True");

    let mut garbage = request(&namespace, "garbage", &reference("it"));
    garbage["spec"]["request"] = BASE64_STANDARD.encode("garbage").into();
    let garbage = namespace.api().create(&garbage).unwrap();
    ended(&namespace, &garbage, Ends::Failed("InvalidRequest", "PEM"));
    let forged = forged(&namespace, "forged", "it");
    ended(
        &namespace,
        &forged,
        Ends::Failed("InvalidRequest", "signature"),
    );

    let waiting = asked_of(&namespace, "waiting", "it");
    ended(
        &namespace,
        &waiting,
        Ends::Pending("Waiting", "not decided"),
    );
    let now = namespace.api().read(&waiting).unwrap();
    let mut conditions = now["status"]["conditions"].as_array().unwrap().clone();
    conditions.retain(|condition| condition["type"] != "Approved");
    conditions.push(json!({
        "type": "Denied", "status": "True", "reason": "Tests", "message": "not any more",
    }));
    let revoked = json!({ "conditions": conditions });
    namespace.api().merge_status(&waiting, &revoked).unwrap();
    let denied = namespace
        .api()
        .until_object(&waiting, "it is denied", |now| {
            (condition(now, "Ready")["reason"] == "Denied").then(|| now.clone())
        });
    assert!(denied["status"]["failureTime"].is_string(), "{denied}");
}

fn reference(issuer: &str) -> Value {
    json!({ "name": issuer, "kind": "Issuer", "group": "certway.dev" })
}

fn asked_of(namespace: &Namespace<'_>, name: &str, issuer: &str) -> Value {
    let made = request(namespace, name, &reference(issuer));
    namespace.api().create(&made).unwrap()
}

/// A request whose CSR was signed, and then one octet of the signature changed.
fn forged(namespace: &Namespace<'_>, name: &str, issuer: &str) -> Value {
    let mut made = request(namespace, name, &reference(issuer));
    let csr = made["spec"]["request"].as_str().unwrap();
    let csr = pki::Csr::from_pem(&BASE64_STANDARD.decode(csr).unwrap()).unwrap();
    let mut der = csr.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let pem = pki::pem::encode("CERTIFICATE REQUEST", &der);
    made["spec"]["request"] = BASE64_STANDARD.encode(pem).into();
    namespace.api().create(&made).unwrap()
}

fn expired(root: &Ca) -> Identity {
    let key = Keys::ec();
    let hour = SignedDuration::from_hours(1);
    let until = Timestamp::now() - hour;
    let certificate = root.sign_for(leaf(key.public_key()), until - hour, until);
    Identity {
        key,
        chain: vec![certificate],
    }
}

/// Waits until the request has ended so, and has an Event that says it.
#[track_caller]
fn ended(namespace: &Namespace<'_>, made: &Value, ends: Ends) {
    let name = made["metadata"]["name"].as_str().unwrap();
    let (status, reason, event, says) = match ends {
        Ends::Issued => ("True", "Issued", "Issued", ""),
        Ends::Failed(event, says) => ("False", "Failed", event, says),
        Ends::Pending(event, says) => ("False", "Pending", event, says),
        Ends::Open => return,
    };
    let what = format!("{name} is {ends:?}");
    let now = namespace.api().until_object(made, &what, |now| {
        let ready = condition(now, "Ready");
        let message = ready["message"].as_str()?;
        let is_so = ready["status"] == status && ready["reason"] == reason;
        (is_so && message.contains(says)).then(|| now.clone())
    });
    let has_failed = reason == "Failed";
    assert_eq!(
        now["status"]["failureTime"].is_string(),
        has_failed,
        "{now}"
    );
    let events = Resource::new("events.k8s.io/v1", "Event");
    let what = format!("{name} has an Event {event}");
    namespace
        .api()
        .until(&events, Some(&namespace.name), &what, |all| {
            let mut all = all.values();
            all.any(|one| one["regarding"]["name"] == name && one["reason"] == event)
                .then_some(())
        });
}
