//! Two replicas: with a Lease one works, and without one both do. Either way a request has one certificate and one status.

use proto_tests::EmbeddedCa;
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Certway, Cluster, Pod, Replica, Settings, Stack};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::admission::request;

const REQUESTS: usize = 12;

#[test]
fn two_replicas_that_both_work_bring_one_certificate_and_write_it_once() {
    let Some(stack) = Stack::here() else { return };
    let mut site = Site::start(stack);
    site.certway.issuer.program.kill();
    let both = ["a", "b"].map(|name| {
        let pod = Pod::named(&site.cluster, name).without("--leader-election");
        pod.start()
    });
    let made = site.held(&both.iter().collect::<Vec<_>>(), "both");
    site.resume();
    site.each_has_one(&made);
    for replica in &both {
        replica.asks(0);
    }
    // Whoever came second wrote nothing: not again, and not over it.
    site.each_has_one(&made);
    let written = |part: &str| -> f64 {
        let name = "certway_issuer_status_writes_total{";
        both.iter().map(|one| one.metric(name, part)).sum()
    };
    assert_eq!(written("reason=\"Issued\"") as usize, REQUESTS);
    assert!(written("") as usize <= 2 * REQUESTS, "{}", written(""));
}

#[test]
fn another_replica_takes_over_from_one_that_is_killed_and_from_one_that_sleeps_beyond_its_lease() {
    let Some(stack) = Stack::here() else { return };
    let mut site = Site::start(stack);
    let mut first = std::mem::replace(
        &mut site.certway.issuer,
        Pod::named(&site.cluster, "certway-issuer-2").start(),
    );

    let made = site.held(&[&first], "killed");
    first.program.kill();
    site.resume();
    site.each_has_one(&made);

    // The second works now, and the first stands by.
    first.restart(&site.cluster);
    let sleeper = &site.certway.issuer;
    let made = site.held(&[sleeper], "slept");
    sleeper.program.signal("STOP");
    site.resume();
    site.each_has_one(&made);
    let before = site.versions(&made);
    let mark = sleeper.program.output().mark();
    sleeper.program.signal("CONT");
    sleeper
        .program
        .log_has_since(mark, "does not hold the Lease any more");
    sleeper.asks(0);
    assert_eq!(site.versions(&made), before);
    site.each_has_one(&made);
}

/// A cluster with an RA before a CMP CA.
struct Site {
    certway: Certway,
    ca: EmbeddedCa,
    cluster: Cluster,
    namespace: String,
}

impl Site {
    fn start(stack: &'static Stack) -> Self {
        let cluster = Cluster::start(stack, &Settings::default());
        let ca = EmbeddedCa::start();
        let certway = Certway::before(&cluster, &ca);
        let namespace = cluster.namespace("replicas").name;
        certway.issuer_in(&cluster.existing_namespace(&namespace));
        Self {
            certway,
            ca,
            cluster,
            namespace,
        }
    }

    /// Stops the RA, makes requests, and waits until all these replicas have asked for each.
    fn held(&self, replicas: &[&Replica], what: &str) -> Vec<Value> {
        self.certway.ra.program.signal("STOP");
        let namespace = self.cluster.existing_namespace(&self.namespace);
        let issuer = json!({ "name": "certway", "kind": "Issuer", "group": "certway.dev" });
        let make = |n| request(&namespace, &format!("{what}-{n}"), &issuer);
        let made: Vec<Value> = (0..REQUESTS).map(make).collect();
        for one in &made {
            self.cluster.admin.create(one).unwrap();
        }
        for replica in replicas {
            replica.asks(REQUESTS);
        }
        made
    }

    fn resume(&self) {
        self.certway.ra.program.signal("CONT");
    }

    /// Waits until all are answered, and counts at the RA and at the CA.
    fn each_has_one(&self, made: &[Value]) {
        for one in made {
            let now = self.cluster.admin.until_condition(one, "Ready", "True");
            assert!(now["status"]["certificate"].is_string(), "{now}");
            assert_eq!(condition(&now, "Ready")["reason"], "Issued");
        }
        eventually("RA and CA have the same", || {
            self.certway.ra.issued() == self.ca.issued()
        });
        let path = format!(
            "/apis/cert-manager.io/v1/namespaces/{}/certificaterequests",
            self.namespace
        );
        let all = self.cluster.admin.get(&path).unwrap();
        let all = i64::try_from(all["items"].as_array().unwrap().len()).unwrap();
        assert_eq!((self.certway.ra.issued(), self.ca.issued()), (all, all));
    }

    fn versions(&self, made: &[Value]) -> Vec<Value> {
        let version =
            |one| self.cluster.admin.read(one).unwrap()["metadata"]["resourceVersion"].clone();
        made.iter().map(version).collect()
    }
}
