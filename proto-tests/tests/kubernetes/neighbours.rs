//! One issuer, two namespaces: a thousand requests of one that fail do not delay one of the other.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::{Csr, Template, name};
use proto_tests::Keys;
use proto_tests::certs::{dn, sans};
use proto_tests::fake_ra::{FakeRa, problem};
use proto_tests::kube::replica::NAMESPACE;
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Cluster, Namespace, Pod, Replica, Resource, Settings, Stack, certway};
use proto_tests::upstream::Reply;
use serde_json::{Value, json};

use crate::admission::request;
use crate::apart::{approval, approve};

/// So many that nobody could look at each.
const FAILING: usize = 1_000;
/// Of the other namespace.
const QUIET: usize = 5;
/// More than an issuer has on their way to its RA at a time.
const HANGING: usize = 40;
/// What a namespace has at most on its way: half of what the issuer has here.
const SHARE: usize = 16;

/// The subject of the requests that fail.
const TROUBLED: &str = "troubled";

#[test]
fn a_thousand_failing_requests_of_one_namespace_do_not_delay_one_of_another() {
    let Some(site) = Site::start(|| problem(503, "unavailable", &json!({}))) else {
        return;
    };
    let [troubled, quiet] = site.namespaces();
    site.crowd(&troubled, FAILING);
    let before = site.ra.times("RA");
    for n in 0..QUIET {
        site.answered(&quiet, &format!("beside-{n}"));
    }
    // The crowd uses up what the issuer may ask, so every one of its calls meanwhile is time in which the others waited.
    let meanwhile = site.ra.times("RA") - before;
    assert!(meanwhile < FAILING / 10, "{meanwhile} calls");

    let path = Resource::cert_manager("CertificateRequest").path(Some(&troubled.name));
    let all = troubled.api().get(&path).unwrap();
    let all = all["items"].as_array().unwrap();
    assert_eq!(all.len(), FAILING);
    for one in all {
        let ready = condition(one, "Ready");
        assert!(
            ready.is_null() || ready["reason"] == "Pending",
            "no trouble: {one}"
        );
    }
}

#[test]
fn requests_of_one_namespace_that_the_ra_never_answers_leave_room_for_another() {
    let Some(site) = Site::start(|| Reply::Silence) else {
        return;
    };
    let [silent, quiet] = site.namespaces();
    site.crowd(&silent, HANGING);
    site.issuer.asks(SHARE);
    site.answered(&quiet, "beside");
    // The RA was asked for those that may hang, for the one that was answered, and for no other.
    assert_eq!(site.ra.times("RA"), SHARE + 1);
}

/// A ClusterIssuer before an RA that has trouble with some requests.
struct Site {
    issuer: Replica,
    ra: FakeRa,
    cluster: Cluster,
}

impl Site {
    fn start(trouble: impl Fn() -> Reply + Send + Sync + 'static) -> Option<Self> {
        let stack = Stack::here()?;
        // It would be the approver and admission that keep everybody waiting.
        let settings = Settings {
            without_webhook: true,
            controllers: vec!["--controllers=*,-certificaterequests-approver".to_owned()],
        };
        let cluster = Cluster::start(stack, &settings);
        certway::manifests(&cluster);
        let ra = FakeRa::start(move |desk, asked| {
            if name::common_name(asked.csr.subject()).as_deref() == Some(TROUBLED) {
                trouble()
            } else {
                desk.issue(asked)
            }
        });
        let own = cluster.existing_namespace(NAMESPACE);
        certway::credentials(&own, "ra-client", &ra.pki.client);
        // Far less than a thousand want, so that they wait all the time.
        let limits = json!({ "perSecond": 20, "burst": 200, "concurrent": 2 * SHARE });
        let issuer = json!({
            "apiVersion": "certway.dev/v1beta1", "kind": "ClusterIssuer",
            "metadata": { "name": "shared" },
            "spec": certway::spec(&ra.pki, ra.port(), &json!({ "limits": limits })),
        });
        cluster.admin.create(&issuer).unwrap();
        let replica = Pod::named(&cluster, "certway-issuer-1").start();
        cluster.admin.until_condition(&issuer, "Ready", "True");
        Some(Self {
            issuer: replica,
            ra,
            cluster,
        })
    }

    fn namespaces(&self) -> [Namespace<'_>; 2] {
        ["crowd", "quiet"].map(|name| self.cluster.namespace(name))
    }

    /// Makes requests that fail, all approved.
    fn crowd(&self, namespace: &Namespace<'_>, count: usize) {
        let key = Keys::ec();
        let mut template = Template::new(dn(&format!("CN={TROUBLED}")), key.public_key().clone());
        template.sans = sans(&["dns:request.example.com"]);
        let csr = Csr::build(&template, &key).unwrap().to_pem();
        let spec =
            json!({ "spec": { "request": BASE64_STANDARD.encode(csr), "issuerRef": shared() } });
        let kind = Resource::cert_manager("CertificateRequest");
        let path = kind.path(Some(&namespace.name));
        let object = |n: usize| namespace.object(&kind, &format!("n-{n}"), &spec);
        let made = namespace.api().each(count, |n| {
            ("POST", path.clone(), "application/json", object(n))
        });
        made.unwrap();
        let status = json!({ "status": approval() });
        let approved = namespace.api().each(count, |n| {
            let path = format!("{path}/n-{n}/status");
            (
                "PATCH",
                path,
                "application/merge-patch+json",
                status.clone(),
            )
        });
        approved.unwrap();
    }

    /// Has a request answered.
    fn answered(&self, namespace: &Namespace<'_>, name: &str) {
        let made = request(namespace, name, &shared());
        let made = namespace.api().create(&made).unwrap();
        approve(namespace, &made);
        namespace.api().until_condition(&made, "Ready", "True");
    }
}

fn shared() -> Value {
    json!({ "name": "shared", "kind": "ClusterIssuer", "group": "certway.dev" })
}
