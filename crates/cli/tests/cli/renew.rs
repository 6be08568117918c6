use api::ProblemSlug;
use pki::{Csr, KeyKind};

use crate::{
    bench::Bench,
    fake_ra::{FakeRa, Next},
};

const WEB: [&str; 3] = [
    "enroll",
    "--subject=O=Example,CN=web",
    "--san=dns:web.example.com",
];

/// A folder with a certificate in it.
fn enrolled(ra: &FakeRa) -> Bench {
    let bench = Bench::new();
    bench.at(ra, &WEB).with(0);
    bench
}

#[test]
fn a_renewal_has_the_old_names_a_new_key_and_a_proof_of_the_old_one() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    let (old, old_key) = (
        bench.certificates("tls.crt")[0].clone(),
        bench.key("tls.key"),
    );
    bench.at(&ra, &["renew"]).with(0);
    let new = bench.certificates("tls.crt")[0].clone();
    assert_eq!((new.subject(), new.sans()), (old.subject(), old.sans()));
    assert_ne!(new.public_key(), old.public_key());
    assert_eq!(new.public_key(), bench.key("tls.key").public_key());

    let request = ra.asked()[1].enrollment();
    let replaces = request.replaces.unwrap();
    assert_eq!(replaces.certificate, old.to_pem());
    let csr = Csr::from_pem(request.csr.as_bytes()).unwrap();
    old.public_key()
        .verify(
            old_key.algorithm(),
            csr.der(),
            &replaces.proof.unwrap().signature,
        )
        .unwrap();
    assert_eq!(bench.names(), ["ca.crt", "tls.crt", "tls.key"]);
}

#[test]
fn the_key_is_kept_on_request() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    let old = bench.certificates("tls.crt")[0].clone();
    bench.at(&ra, &["renew", "--reuse-key"]).with(0);
    let new = bench.certificates("tls.crt")[0].clone();
    assert!(new != old && new.public_key() == old.public_key());
    assert_eq!(bench.key("tls.key").public_key(), new.public_key());
}

#[test]
fn another_kind_of_key_and_other_names_may_be_wanted() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    bench
        .at(
            &ra,
            &["renew", "--key-type=ed25519", "--san=dns:new.example.com"],
        )
        .with(0);
    let new = bench.certificates("tls.crt")[0].clone();
    assert_eq!(new.public_key().kind(), KeyKind::Ed25519);
    assert_eq!(new.sans()[0].to_string(), "dns:new.example.com");
}

#[test]
fn a_certificate_that_is_good_for_longer_is_left_alone() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    let ran = bench
        .at(&ra, &["renew", "--if-expires-within=30d", "--output=json"])
        .with(0);
    assert_eq!(ran.json()["status"], "not-due");
    assert_eq!(ra.asked().len(), 1);
    bench.at(&ra, &["renew", "--if-expires-within=91d"]).with(0);
    assert_eq!(ra.asked().len(), 2);
}

#[test]
fn a_renewal_that_was_cut_off_is_taken_up() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    let before = (bench.read("tls.crt"), bench.read("tls.key"));
    std::fs::remove_file(bench.path("ca.crt")).unwrap();
    std::fs::create_dir(bench.path("ca.crt")).unwrap();
    bench.at(&ra, &["renew"]).with(7);
    assert_eq!((bench.read("tls.crt"), bench.read("tls.key")), before);

    // As if the run had died between two renames: the new certificate is there, its key is not.
    std::fs::remove_dir(bench.path("ca.crt")).unwrap();
    let state: serde_json::Value =
        serde_json::from_slice(&bench.read(".tls.crt.certway.json")).unwrap();
    bench.write("tls.crt", state["issued"]["certificate"].as_str().unwrap());
    bench.at(&ra, &["renew"]).with(0);
    assert_eq!(ra.asked().len(), 2);
    assert_eq!(
        bench.certificates("tls.crt")[0].public_key(),
        bench.key("tls.key").public_key()
    );
    assert_eq!(bench.names(), ["ca.crt", "tls.crt", "tls.key"]);
}

#[test]
fn a_store_is_renewed_in_its_place() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    bench.write("password", "changeit");
    let store = [
        "--format=pkcs12",
        "--out=store.p12",
        "--password-file=password",
    ];
    bench.at(&ra, &[&WEB[..], &store].concat()).with(0);
    let before = bench.read("store.p12");
    bench.at(&ra, &[&["renew"][..], &store].concat()).with(0);
    assert_ne!(bench.read("store.p12"), before);
    assert!(ra.asked()[1].enrollment().replaces.is_some());
    assert_eq!(bench.names(), ["password", "store.p12"]);
}

#[test]
fn a_refused_renewal_leaves_the_old_certificate() {
    let ra = FakeRa::doing([]);
    let bench = enrolled(&ra);
    let before = (bench.read("tls.crt"), bench.read("tls.key"));
    let refusing = FakeRa::doing([Next::Refuse(ProblemSlug::BadPop)]);
    bench.at(&refusing, &["renew"]).with(3);
    assert_eq!((bench.read("tls.crt"), bench.read("tls.key")), before);
    assert_eq!(bench.names(), ["ca.crt", "tls.crt", "tls.key"]);
}

#[test]
fn nothing_to_renew_is_a_local_fault() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let ran = bench.at(&ra, &["renew"]).with(7);
    assert!(ran.err.contains("tls.crt"), "{}", ran.err);
}
