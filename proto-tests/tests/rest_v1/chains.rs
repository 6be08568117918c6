//! Which certificates come out as chain and which as trusted, by where the CA shows them: caPubs, extraCerts or both.

use std::sync::Arc;

use pki::Certificate;
use proto_tests::v1::{Certificates, ENROLL, Request};
use proto_tests::{Act, Answer, CmpCa, Issuer, Keys, Service, ca};
use serde_json::json;

/// Two hierarchies of one and of two layers, and roots that have nothing to do with either.
struct Roots {
    root: Arc<Issuer>,
    issuing: Arc<Issuer>,
    others: [Certificate; 2],
}

/// A CA that shows what it is told to, and a service before it that knows its name alone.
struct Bench {
    ca: CmpCa,
    service: Service,
    count: u32,
}

impl Roots {
    fn new() -> Self {
        let root = Issuer::root("C=US,CN=Root");
        Self {
            issuing: Arc::new(root.issuing("C=US,CN=Issuing")),
            root: Arc::new(root),
            others: ["CN=Other 1", "CN=Other 2"].map(|name| Issuer::root(name).certificate),
        }
    }
}

impl Bench {
    /// Before a CA of that name.
    fn of(issuer: &Issuer) -> Self {
        let ca = CmpCa::start();
        let service = Service::with(&[json!({
            "caName": "RA", "url": ca.url(),
            "issuerDN": pki::name::onap::display(issuer.certificate.subject()),
            "authentication": { "iak": ca::SECRET, "rv": ca::REFERENCE },
        })]);
        Self {
            ca,
            service,
            count: 0,
        }
    }

    fn ask(
        &mut self,
        issuer: &Arc<Issuer>,
        ca_pubs: &[&Certificate],
        extra: &[&Certificate],
    ) -> Answer {
        let owned = |list: &[&Certificate]| list.iter().copied().cloned().collect();
        self.ca.will([Act::Show {
            issuer: Arc::clone(issuer),
            ca_pubs: owned(ca_pubs),
            extra_certs: owned(extra),
        }]);
        self.count += 1;
        let subject = format!("CN=request {}", self.count);
        Request::for_names(&subject, &[], &Keys::ec()).get(&self.service.client, ENROLL)
    }

    /// The chain above the leaf, and the trusted certificates: the terminating root first, of the others in any order here.
    #[track_caller]
    fn gives(
        &mut self,
        issuer: &Arc<Issuer>,
        shown: [&[&Certificate]; 2],
        above: &[&Certificate],
        trusted: &[&Certificate],
    ) {
        let issued = Certificates::of(&self.ask(issuer, shown[0], shown[1]));
        let refs = |list: &[Certificate]| -> Vec<Vec<u8>> {
            list.iter().map(|c| c.der().to_vec()).collect()
        };
        let wanted = |list: &[&Certificate]| -> Vec<Vec<u8>> {
            list.iter().map(|c| c.der().to_vec()).collect()
        };
        assert_eq!(refs(&issued.chain[1..]), wanted(above), "chain");
        let (mut found, mut expected) = (refs(&issued.trusted), wanted(trusted));
        assert_eq!(
            found.first(),
            expected.first(),
            "the terminating root comes first"
        );
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "trusted");
    }
}

#[test]
fn one_layer_wherever_the_root_is_shown() {
    let Roots { root, others, .. } = Roots::new();
    let mut bench = Bench::of(&root);
    let (r, [a, b]) = (&root.certificate, &others);
    bench.gives(&root, [&[r], &[]], &[], &[r]);
    bench.gives(&root, [&[], &[r]], &[], &[r]);
    bench.gives(&root, [&[r], &[r]], &[], &[r]);
    bench.gives(&root, [&[a, r], &[]], &[], &[r, a]);
    bench.gives(&root, [&[], &[a, r]], &[], &[r, a]);
    bench.gives(&root, [&[a, r], &[b]], &[], &[r, a, b]);
}

#[test]
fn two_layers_wherever_the_issuing_ca_and_the_root_are_shown() {
    let Roots {
        root,
        issuing,
        others,
    } = Roots::new();
    let mut bench = Bench::of(&issuing);
    let (r, i, [a, b]) = (&root.certificate, &issuing.certificate, &others);
    bench.gives(&issuing, [&[], &[i, r]], &[i], &[r]);
    bench.gives(&issuing, [&[i, r], &[]], &[i], &[r]);
    bench.gives(&issuing, [&[r], &[i]], &[i], &[r]);
    bench.gives(&issuing, [&[i], &[r]], &[i], &[r]);
    bench.gives(&issuing, [&[i, r], &[i]], &[i], &[r]);
    bench.gives(&issuing, [&[a, r], &[i, b]], &[i], &[r, a, b]);
}

#[test]
fn the_terminating_root_comes_first_and_the_others_as_the_ca_showed_them() {
    let Roots {
        root,
        issuing,
        others,
    } = Roots::new();
    let mut bench = Bench::of(&issuing);
    let (r, i, [a, b]) = (&root.certificate, &issuing.certificate, &others);
    for (shown, trusted) in [
        ([a, b, r, i], [r, a, b]),
        ([i, r, b, a], [r, b, a]),
        ([b, i, a, r], [r, b, a]),
    ] {
        let issued = Certificates::of(&bench.ask(&issuing, &shown, &[]));
        assert_eq!(issued.trusted.iter().collect::<Vec<_>>(), trusted);
        assert_eq!(issued.chain[1..], *std::slice::from_ref(i));
    }
}

#[test]
fn strays_and_unused_cas_are_neither_chain_nor_trusted() {
    let Roots { root, issuing, .. } = Roots::new();
    let mut bench = Bench::of(&issuing);
    let (r, i) = (&root.certificate, &issuing.certificate);
    let stray = root.identity("CN=somebody else", &[]);
    let unused = root.issuing("C=US,CN=Another issuing CA");
    bench.gives(
        &issuing,
        [&[r, &unused.certificate], &[i, stray.certificate()]],
        &[i],
        &[r],
    );
}

#[test]
fn two_roots_of_one_name_are_told_apart_by_their_keys() {
    let Roots { root, issuing, .. } = Roots::new();
    let mut bench = Bench::of(&issuing);
    let twin = Issuer::root("C=US,CN=Root").certificate;
    let (r, i) = (&root.certificate, &issuing.certificate);
    bench.gives(&issuing, [&[&twin, r], &[i]], &[i], &[r, &twin]);
    bench.gives(&issuing, [&[r, &twin], &[i]], &[i], &[r, &twin]);
}

#[test]
fn a_chain_that_does_not_come_about_is_an_error_and_the_certificate_is_given_back() {
    let Roots {
        root,
        issuing,
        others,
    } = Roots::new();
    let mut bench = Bench::of(&issuing);
    let (r, [a, _]) = (&root.certificate, &others);
    let shown: [[&[&Certificate]; 2]; 3] = [[&[], &[]], [&[a], &[]], [&[r], &[]]];
    for [ca_pubs, extra] in shown {
        let answer = bench.ask(&issuing, ca_pubs, extra);
        assert_eq!(answer.status, 500, "{}", answer.text());
        let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with("Exception occurred during call to cmp client: "),
            "{message}"
        );
    }
    let given_back = bench
        .ca
        .log()
        .iter()
        .filter(|what| ["refused", "revoked"].contains(what))
        .count();
    assert_eq!(given_back, 3, "{:?}", bench.ca.log());
}
