//! One certificate a request, whatever dies while requests are on their way: the RA's journal and the CA behind it say the same as each request's status.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::{Certificate, Csr, Name, Template};
use proto_tests::Keys;
use proto_tests::certs::{dn, sans};
use proto_tests::kube::{Resource, Site, Stack};
use proto_tests::program::eventually;
use proto_tests::record::Ledger;
use serde_json::{Value, json};

/// How many are on their way at a time.
const REQUESTS: usize = 12;

/// Prepared, begun, asked, checked, finished, the CA told, the journal told: the numbered steps of the RA (`docs/ISSUANCE.md`).
const RA_STEPS: [u8; 7] = [7, 8, 9, 10, 11, 12, 13];

#[test]
fn every_request_gets_one_certificate_whatever_is_killed() {
    let Some(stack) = Stack::here() else { return };
    let mut world = World::start(stack);
    world.through("issuer", |world| {
        world.site.certway.issuer.program.kill();
        world.resume_ra();
        world.site.certway.issuer.restart(&world.site.cluster);
    });
    world.through("issuer-that-could-not-write", |world| {
        world.site.cluster.kill_webhook();
        world.resume_ra_and_let_it_issue();
        world.site.certway.issuer.program.kill();
        world.site.cluster.restart_webhook();
        world.site.certway.issuer.restart(&world.site.cluster);
    });
    world.through("ra", |world| {
        world.site.certway.ra.program.kill();
        world.restart_ra();
    });
    world.through("apiserver", |world| {
        world.site.cluster.kill_apiserver();
        world.resume_ra_and_let_it_issue();
        world.site.cluster.restart_apiserver();
    });
    world.through("etcd", |world| {
        world.site.cluster.kill_etcd();
        world.resume_ra_and_let_it_issue();
        world.site.cluster.restart_etcd();
    });
    // A status cannot be written while admission is down.
    world.through("webhook", |world| {
        world.site.cluster.kill_webhook();
        world.resume_ra_and_let_it_issue();
        world.site.cluster.restart_webhook();
    });
}

#[test]
fn a_request_gets_one_certificate_whatever_step_the_ra_is_killed_at() {
    let Some(stack) = Stack::here() else { return };
    let mut world = World::start(stack);
    for step in RA_STEPS {
        world.site.certway.ra.program.kill();
        let ra = &mut world.site.certway.ra.program;
        ra.restart_with(1, |launch| launch.env("CERTWAY_STOP_AT", step.to_string()));
        world.site.cluster.answers_for(ra);
        let name = format!("step-{step}");
        let made = world.request(&name);
        let ended = world.site.certway.ra.program.wait();
        assert!(ended.code().is_none(), "step {step}: {ended}");
        world.restart_ra();
        world.has_one(&made);
    }
}

struct World {
    site: Site,
}

impl World {
    fn start(stack: &'static Stack) -> Self {
        let site = Site::start(stack, "deaths");
        Self { site }
    }

    /// Sends requests that the RA, stopped, leaves without an answer; lets `death` happen; and waits until each is answered.
    fn through(&mut self, what: &str, death: impl FnOnce(&mut Self)) {
        self.site.certway.ra.program.signal("STOP");
        let names = (0..REQUESTS).map(|n| format!("{what}-{n}"));
        let made: Vec<Value> = names.map(|name| self.request(&name)).collect();
        // Whoever dies before the issuer has heard of a request has nothing to do with it.
        self.site.certway.issuer.asks(REQUESTS);
        death(self);
        for one in &made {
            self.has_one(one);
        }
    }

    /// A request whose subject is its name.
    fn request(&self, name: &str) -> Value {
        let key = Keys::ec();
        let mut template = Template::new(subject(name), key.public_key().clone());
        template.sans = sans(&["dns:request.example.com"]);
        let csr = Csr::build(&template, &key).unwrap().to_pem();
        let request = self.site.namespace().object(
            &Resource::cert_manager("CertificateRequest"),
            name,
            &json!({ "spec": {
                "request": BASE64_STANDARD.encode(csr),
                "issuerRef": Site::reference(),
            } }),
        );
        self.site.cluster.admin.create(&request).unwrap();
        request
    }

    /// Waits until the request is answered, and compares status, the RA's journal and the CA's.
    fn has_one(&self, request: &Value) {
        let answered = self
            .site
            .cluster
            .admin
            .until_condition(request, "Ready", "True");
        let text = answered["status"]["certificate"].as_str().unwrap();
        let chain = Certificate::all_from_pem(&BASE64_STANDARD.decode(text).unwrap()).unwrap();
        let name = request["metadata"]["name"].as_str().unwrap();
        let at_ra = Ledger::file(&self.site.certway.ra.journal()).of(&subject(name));
        let at_ca = self.site.ca.records(&subject(name));
        for (who, records) in [("the RA", at_ra), ("the CA", at_ca)] {
            let certificates: Vec<&Certificate> = records
                .iter()
                .filter_map(|record| record.certificate.as_ref())
                .collect();
            assert_eq!(certificates, [&chain[0]], "{name} at {who}");
        }
    }

    fn resume_ra(&mut self) {
        self.site.certway.ra.program.signal("CONT");
    }

    fn resume_ra_and_let_it_issue(&mut self) {
        let before = self.site.ca.issued();
        self.resume_ra();
        let all = before + i64::try_from(REQUESTS).unwrap();
        eventually("the CA issues what is on its way", || {
            self.site.ca.issued() == all
        });
    }

    /// After its death, with the leases of what it had begun over.
    fn restart_ra(&mut self) {
        let ra = &mut self.site.certway.ra;
        Ledger::file(&ra.journal()).let_leases_end();
        ra.program
            .restart_with(1, |launch| launch.without_env("CERTWAY_STOP_AT"));
        self.site.cluster.answers_for(&ra.program);
    }
}

fn subject(name: &str) -> Name {
    dn(&format!("CN={name}"))
}
