//! How endpoints do is known before anybody asks for a certificate, and nothing is enrolled for it.

use pkixcmp::PkiFailureInfo;
use proto_tests::program::eventually;
use proto_tests::{Act, CmpCa, Port};

use crate::world::{before, check, nowhere};

#[test]
fn by_tcp_an_endpoint_where_nobody_listens_is_known_to_be_down_until_somebody_does() {
    let (port, well) = (Port::free(), CmpCa::start());
    let gone = nowhere(&port);
    let lines = format!(
        "urls = [\"{gone}\", \"{}\"]\nhealth = \"tcp\"\nhealth_every = \"500ms\"",
        well.url()
    );
    let ra = before(&[&well], &lines);
    eventually("it is known", || check(&ra, &gone)["ok"] == false);
    assert!(
        check(&ra, &gone)["why"][0]
            .as_str()
            .unwrap()
            .contains("refused")
    );
    assert_eq!(check(&ra, &well.url())["ok"], true);
    let _listener = std::net::TcpListener::bind(port.address()).unwrap();
    eventually("it is back", || check(&ra, &gone)["ok"] == true);
    assert_eq!(well.kinds(), [""; 0], "no message was sent for it");
    assert_eq!(ra.issued(), 0);
}

#[test]
fn by_genm_a_ca_that_listens_and_does_not_answer_is_down_and_a_refusal_is_an_answer() {
    let ca = CmpCa::start();
    let lines = format!(
        "url = \"{}\"\nhealth = \"genm\"\nhealth_every = \"500ms\"",
        ca.url()
    );
    ca.always(Act::Say(proto_tests::upstream::Reply::Close));
    let ra = before(&[&ca], &lines);
    eventually("it is known", || check(&ra, &ca.url())["ok"] == false);
    ca.always(Act::BareError(PkiFailureInfo::BAD_REQUEST, "not here"));
    eventually("it is back", || check(&ra, &ca.url())["ok"] == true);
    assert!(
        ca.kinds().iter().all(|kind| *kind == "genm"),
        "{:?}",
        ca.kinds()
    );
    assert_eq!(ra.issued(), 0);
}
