//! certway-issuer's rules, as the chart renders them: with all of them all of it works, and without any verb of any of
//! them something does not. What it may not do the API server says, and certway-issuer passes it on: in its log, in an
//! issuer's condition or in an Event.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::{Csr, Template};
use proto_tests::Keys;
use proto_tests::certs::{dn, sans};
use proto_tests::kube::chart::repository;
use proto_tests::kube::kubelet::{Running, Workload};
use proto_tests::kube::{Chart, Cluster, Namespace, OwnRa, Release, Resource, Stack};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::world::{alone, world};

#[test]
fn its_rules_suffice_and_every_verb_of_them_is_needed() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    let _alone = alone();
    let ra = OwnRa::over_its_own_ca(cluster);
    let chart = Chart::named(stack, "certway-issuer");
    let site = |cluster: &'static Cluster| Site::new(cluster, &chart, &ra);

    let whole = site(cluster);
    let verbs = whole.rules().len();
    assert!(verbs > 20, "only {verbs} verbs in all rules");
    whole.works();

    for lacking in 0..verbs {
        let site = site(cluster);
        site.fails_without(lacking);
    }
}

#[test]
fn the_documentation_says_of_every_verb_what_it_is_for() {
    let Some(stack) = Stack::here() else { return };
    let page = std::fs::read_to_string(repository("docs/KUBERNETES.md")).unwrap();
    let chart = Chart::named(stack, "certway-issuer");
    let everything = chart.folder.join("ci/everything-values.yaml");
    let rendered = chart.release("certway-issuer", "certway");
    let rendered = rendered.values(&everything).objects();
    // Who uses our kinds, and who approves, is not the controller.
    let others = ["-view", "-edit", "-approval"];
    let roles = rendered.iter().filter(|object| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        ["Role", "ClusterRole"]
            .iter()
            .any(|kind| object["kind"] == *kind)
            && !others.iter().any(|other| name.ends_with(other))
    });
    for rule in roles.flat_map(split) {
        let name = rule.role["metadata"]["name"].as_str().unwrap();
        let role = name.strip_prefix("certway-issuer-").unwrap_or("cluster");
        let row = format!("| {role} | `{}` |", rule.resource);
        let row = page.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("{role}: no row for {}", rule.resource));
        let verb = format!("`{}`", rule.verb);
        assert!(row.contains(&verb), "{row} does not mention {verb}");
    }
}

/// A rule of one verb on one resource, and the role that it stands in.
struct Rule {
    role: Value,
    namespace: Option<String>,
    group: String,
    resource: String,
    verb: String,
    /// As it stands in a role.
    written: Value,
}

/// A release with everything on, in namespaces of its own.
struct Site<'a> {
    cluster: &'static Cluster,
    ra: &'a OwnRa,
    /// Of the release and its issuers.
    own: Namespace<'static>,
    /// Of workloads.
    workloads: Namespace<'static>,
    rendered: Vec<Value>,
}

impl<'a> Site<'a> {
    fn new(cluster: &'static Cluster, chart: &Chart, ra: &'a OwnRa) -> Self {
        let own = cluster.namespace("rules");
        let workloads = cluster.namespace("workloads");
        let release: Release = chart
            .release(&own.name, &own.name)
            .set("crds.enabled", false)
            .set("certManagerApproval.create", false)
            .set("onap.enabled", true)
            .set("signingRequests.enabled", true)
            .set("truststoreNamespaces", json!([own.name]))
            .set("renewalNamespaces", json!([workloads.name]))
            .set("log.format", "text")
            .set("log.filter", "info,issuer=debug");
        Self {
            cluster,
            ra,
            rendered: release.objects(),
            own,
            workloads,
        }
    }

    /// What its ServiceAccount may do, verb by verb.
    fn rules(&self) -> Vec<Rule> {
        let bindings = self.rendered.iter().filter(|object| {
            let subjects = object["subjects"].as_array().into_iter().flatten();
            let mut subjects = subjects.map(|subject| &subject["namespace"]);
            subjects.any(|namespace| *namespace == self.own.name)
        });
        let mut rules = Vec::new();
        for binding in bindings {
            let role = self.rendered.iter().find(|object| {
                object["kind"] == binding["roleRef"]["kind"]
                    && object["metadata"]["name"] == binding["roleRef"]["name"]
                    && object["metadata"]["namespace"] == binding["metadata"]["namespace"]
            });
            rules.extend(split(role.expect("a role that is bound")));
        }
        rules
    }

    /// Installs it, with those rules, and what it is to work on; starts it.
    fn start(&self, rules: &[&Rule]) -> Running {
        let admin = &self.cluster.admin;
        for object in &self.rendered {
            let mut object = object.clone();
            let is_role = |rule: &&&Rule| {
                rule.role["kind"] == object["kind"] && rule.role["metadata"] == object["metadata"]
            };
            let bound = self.rules().iter().any(|rule| is_role(&&rule));
            if bound {
                let kept = rules.iter().filter(is_role);
                object["rules"] = kept.map(|rule| rule.written.clone()).collect();
            }
            admin.apply(&object).unwrap();
        }
        self.work();
        let deployments = self.rendered.iter();
        let mut deployments = deployments.filter(|object| object["kind"] == "Deployment");
        Workload::of(self.cluster, deployments.next().unwrap()).spawn()
    }

    /// Issuers of each kind, and requests of each kind.
    fn work(&self) {
        let admin = &self.cluster.admin;
        for object in self.issuers().into_iter().chain(self.others()) {
            admin.create(&object).unwrap();
        }
        let request = admin.create(&self.signing_request()).unwrap();
        let mut approved = request.clone();
        approved["status"]["conditions"] = json!([{
            "type": "Approved", "status": "True", "reason": "Tests", "message": "by the tests",
        }]);
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
        let path = format!("{path}/{}/approval", self.own.name);
        admin.put(&path, &approved).unwrap();
    }

    fn issuers(&self) -> [Value; 3] {
        let spec = json!({
            "url": self.ra.url(),
            "ca": "RA",
            "caSecretRef": { "name": "ra-client", "key": "ca.crt" },
            "auth": { "clientCertificate": { "secretName": "ra-client" } },
        });
        let mut issuer = spec.clone();
        issuer["trust"] = json!({ "truststores": { "secretName": "stores" } });
        let mut cluster_issuer = spec.clone();
        cluster_issuer["renewal"] = json!({ "keyUpdate": true });
        let onap = json!({
            "url": spec["url"],
            "healthEndpoint": "actuator/health",
            "certEndpoint": "v1/certificate",
            "caName": "RA",
            "certSecretRef": {
                "name": "ra-client", "keyRef": "tls.key", "certRef": "tls.crt", "cacertRef": "ca.crt",
            },
        });
        let kind = |name| Resource::new("certway.dev/v1beta1", name);
        let in_no_namespace = json!({
            "apiVersion": "certway.dev/v1beta1",
            "kind": "ClusterIssuer",
            "metadata": { "name": self.own.name },
            "spec": cluster_issuer,
        });
        let cmpv2 = Resource::new("certmanager.onap.org/v1", "CMPv2Issuer");
        [
            self.own
                .object(&kind("Issuer"), "certway", &json!({ "spec": issuer })),
            self.own.object(&cmpv2, "certway", &json!({ "spec": onap })),
            in_no_namespace,
        ]
    }

    /// The Secret of the issuers, and a request that renews what a Certificate has.
    fn others(&self) -> [Value; 3] {
        let pki = &self.ra.service.setup.pki;
        let encode = |text: String| BASE64_STANDARD.encode(text);
        let secret = json!({
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": encode(pki.client.chain_pem()),
                "tls.key": encode(pki.client.key_pem()),
                "ca.crt": encode(pki.root.certificate.to_pem()),
            },
        });
        let certificate = json!({ "spec": {
            "secretName": "old",
            "dnsNames": ["request.example.com"],
            // Nobody's: all that is looked at is which Secret it has.
            "issuerRef": { "name": "nothing" },
        } });
        let request = json!({ "spec": {
            "request": BASE64_STANDARD.encode(csr()),
            "issuerRef": { "name": self.own.name, "kind": "ClusterIssuer", "group": "certway.dev" },
        } });
        let workloads = &self.workloads;
        let mut request =
            workloads.object(&Resource::cert_manager("CertificateRequest"), "r", &request);
        request["metadata"]["annotations"] = json!({
            "cert-manager.io/certificate-name": "c",
            "cert-manager.io/certificate-revision": "2",
        });
        let kind = Resource::cert_manager("Certificate");
        [
            self.own
                .object(&Resource::core("Secret"), "ra-client", &secret),
            workloads.object(&kind, "c", &certificate),
            request,
        ]
    }

    fn signing_request(&self) -> Value {
        json!({
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": { "name": self.own.name },
            "spec": {
                "request": BASE64_STANDARD.encode(csr()),
                "signerName": format!("issuers.certway.dev/{}.certway", self.own.name),
                "usages": ["digital signature", "key encipherment"],
            },
        })
    }

    /// With all rules: every issuer is ready, every request is answered, and nothing was refused.
    fn works(&self) {
        let rules = self.rules();
        let running = self.start(&rules.iter().collect::<Vec<_>>());
        running.ready();
        let admin = &self.cluster.admin;
        for issuer in self.issuers() {
            admin.until_condition(&issuer, "Ready", "True");
        }
        let [_, _, request] = self.others();
        admin.until_condition(&request, "Ready", "True");
        admin.until_object(&self.signing_request(), "it is signed", |now| {
            now["status"]["certificate"].as_str().map(drop)
        });
        for (kind, name) in [("ConfigMap", "certway-trust"), ("Secret", "stores")] {
            let published = self.own.object(&Resource::core(kind), name, &json!({}));
            admin.until_object(&published, "it is published", |now| {
                now["data"]["ca.crt"].as_str().map(drop)
            });
        }
        let said = self.said(&running);
        for refusal in [" cannot ", "may not read", "not permitted"] {
            assert!(!said.contains(refusal), "{refusal}: {said}");
        }
        self.clear();
    }

    /// Without one of them: it is told so by the API server, and tells.
    fn fails_without(&self, lacking: usize) {
        let rules = self.rules();
        let rule = &rules[lacking];
        let kept = rules.iter().enumerate();
        let kept = kept.filter(|(index, _)| *index != lacking);
        let running = self.start(&kept.map(|(_, rule)| rule).collect::<Vec<_>>());
        let expected = self.refusals(rule);
        let what = format!("without {} on {}: {expected:?}", rule.verb, rule.resource);
        eventually(&what, || {
            let said = self.said(&running);
            expected.iter().any(|refusal| said.contains(refusal))
        });
        self.clear();
    }

    /// Sentences of which one is said where that rule is missing.
    fn refusals(&self, rule: &Rule) -> Vec<String> {
        let Rule {
            namespace,
            group,
            resource,
            verb,
            ..
        } = rule;
        let place = namespace
            .as_ref()
            .map(|namespace| format!(" in the namespace \"{namespace}\""));
        let place = place.unwrap_or_default();
        let cannot =
            format!("cannot {verb} resource \"{resource}\" in API group \"{group}\"{place}");
        let of = namespace.as_deref().unwrap_or_default();
        match (verb.as_str(), resource.as_str()) {
            ("get", "secrets") => vec![
                format!("may not read Secret {of}/ra-client"),
                format!("may not read Secret {of}/old"),
            ],
            ("get", "certificates") => vec![format!("may not read Certificate {of}/c")],
            ("sign", "signers") => vec!["user not permitted to sign requests".to_owned()],
            _ => vec![cannot],
        }
    }

    /// All that it said: its log, conditions of issuers, Events.
    fn said(&self, running: &Running) -> String {
        let mut said = running.program.output().text();
        let events = Resource::new("events.k8s.io/v1", "Event");
        let issuers = self.issuers();
        for issuer in &issuers {
            let now = self.cluster.admin.read(issuer).unwrap_or_default();
            said += &now["status"].to_string();
        }
        for namespace in [&self.own.name, &self.workloads.name] {
            let events = self.cluster.admin.get(&events.path(Some(namespace)));
            for event in events.unwrap()["items"].as_array().unwrap() {
                if event["reportingController"]
                    .as_str()
                    .is_some_and(|by| by.contains("certway"))
                {
                    said += &event["note"].to_string();
                }
            }
        }
        // Quotes within quotes, as logs and JSON have them.
        said.replace('\\', "")
    }

    /// The next one is not to look at what this one had.
    fn clear(&self) {
        let requests = [self.signing_request()];
        for object in self.issuers().iter().chain(&self.others()).chain(&requests) {
            self.cluster.admin.delete(object).unwrap();
        }
    }
}

/// A role's rules, each with one verb on one resource.
fn split(role: &Value) -> Vec<Rule> {
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let mut rules = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let group = texts(&rule["apiGroups"]).concat();
        for resource in texts(&rule["resources"]) {
            for verb in texts(&rule["verbs"]) {
                let mut written = rule.clone();
                written["resources"] = json!([resource]);
                written["verbs"] = json!([verb]);
                rules.push(Rule {
                    role: role.clone(),
                    namespace: role["metadata"]["namespace"].as_str().map(str::to_owned),
                    group: group.clone(),
                    resource: resource.clone(),
                    verb,
                    written,
                });
            }
        }
    }
    rules
}

fn csr() -> String {
    let key = Keys::ec();
    let mut template = Template::new(dn("CN=request"), key.public_key().clone());
    template.sans = sans(&["dns:request.example.com"]);
    Csr::build(&template, &key).unwrap().to_pem()
}
