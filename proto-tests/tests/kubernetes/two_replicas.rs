//! Two replicas: with a Lease one works, and without one both do. Either way a request has one certificate and one status.

use proto_tests::kube::watch::condition;
use proto_tests::kube::{Pod, Replica, Site, Stack};
use proto_tests::program::eventually;
use serde_json::Value;

use crate::admission::request;

const REQUESTS: usize = 12;

#[test]
fn two_replicas_that_both_work_bring_one_certificate_and_write_it_once() {
    let Some(stack) = Stack::here() else { return };
    let mut world = World::start(stack);
    world.site.certway.issuer.program.kill();
    let both = ["a", "b"].map(|name| {
        let pod = Pod::named(&world.site.cluster, name).without("--leader-election");
        pod.start()
    });
    let made = world.held(&both.iter().collect::<Vec<_>>(), "both");
    world.resume();
    world.each_has_one(&made);
    for replica in &both {
        replica.asks(0);
    }
    // Whoever came second wrote nothing: not again, and not over it.
    world.each_has_one(&made);
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
    let mut world = World::start(stack);
    let mut first = std::mem::replace(
        &mut world.site.certway.issuer,
        Pod::named(&world.site.cluster, "certway-issuer-2").start(),
    );

    let made = world.held(&[&first], "killed");
    first.program.kill();
    world.resume();
    world.each_has_one(&made);

    // The second works now, and the first stands by.
    first.restart(&world.site.cluster);
    let sleeper = &world.site.certway.issuer;
    let made = world.held(&[sleeper], "slept");
    sleeper.program.signal("STOP");
    world.resume();
    world.each_has_one(&made);
    let before = world.versions(&made);
    let mark = sleeper.program.output().mark();
    sleeper.program.signal("CONT");
    sleeper
        .program
        .log_has_since(mark, "does not hold the Lease any more");
    sleeper.asks(0);
    assert_eq!(world.versions(&made), before);
    world.each_has_one(&made);
}

/// Where they work, and what was asked of them.
struct World {
    site: Site,
}

impl World {
    fn start(stack: &'static Stack) -> Self {
        let site = Site::start(stack, "replicas");
        Self { site }
    }

    /// Stops the RA, makes requests, and waits until all these replicas have asked for each.
    fn held(&self, replicas: &[&Replica], what: &str) -> Vec<Value> {
        self.site.certway.ra.program.signal("STOP");
        let namespace = self.site.namespace();
        let make = |n| request(&namespace, &format!("{what}-{n}"), &Site::reference());
        let made: Vec<Value> = (0..REQUESTS).map(make).collect();
        for one in &made {
            self.site.cluster.admin.create(one).unwrap();
        }
        for replica in replicas {
            replica.asks(REQUESTS);
        }
        made
    }

    fn resume(&self) {
        self.site.certway.ra.program.signal("CONT");
    }

    /// Waits until all are answered, and counts at the RA and at the CA.
    fn each_has_one(&self, made: &[Value]) {
        for one in made {
            let now = self
                .site
                .cluster
                .admin
                .until_condition(one, "Ready", "True");
            assert!(now["status"]["certificate"].is_string(), "{now}");
            assert_eq!(condition(&now, "Ready")["reason"], "Issued");
        }
        eventually("RA and CA have the same", || {
            self.site.certway.ra.issued() == self.site.ca.issued()
        });
        let path = format!(
            "/apis/cert-manager.io/v1/namespaces/{}/certificaterequests",
            self.site.namespace().name
        );
        let all = self.site.cluster.admin.get(&path).unwrap();
        let all = i64::try_from(all["items"].as_array().unwrap().len()).unwrap();
        assert_eq!(
            (self.site.certway.ra.issued(), self.site.ca.issued()),
            (all, all)
        );
    }

    fn versions(&self, made: &[Value]) -> Vec<Value> {
        let version =
            |one| self.site.cluster.admin.read(one).unwrap()["metadata"]["resourceVersion"].clone();
        made.iter().map(version).collect()
    }
}
