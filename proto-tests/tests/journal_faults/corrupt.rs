//! SQLite files that are damaged: said clearly, never served around, and left as they are.

use bytes::Bytes;
use pkixcmp::PkiMessage;
use pkixcmp::client::Step;
use proto_tests::{EmbeddedCa, HttpsClient};

use crate::look::execute;
use crate::site::{First, Node, Order, Site, post};

/// A journal with some requests in it, written out to its file.
fn filled(site: &Site) -> Vec<u8> {
    let mut node = Node::start(site.launch());
    for n in 0..12 {
        Order::new(&format!("before-{n}")).finish(&site.rest(&node));
    }
    node.program.terminate();
    std::fs::read(site.setup.path("journal.db")).unwrap()
}

fn refused(site: &Site, file: &[u8]) -> String {
    site.setup.write("journal.db", file);
    let ended = site.launch().run();
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert_eq!(std::fs::read(site.setup.path("journal.db")).unwrap(), file);
    ended.stderr
}

#[test]
fn a_file_that_is_no_database_is_refused_at_start_and_left_alone() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let mut file = filled(&site);
    file[..64].fill(0x5a);
    let said = refused(&site, &file);
    assert!(
        said.contains("the journal cannot be opened") && said.contains("restore it from a backup"),
        "{said}"
    );
}

#[test]
fn a_file_that_was_cut_off_is_refused_at_start_or_said_to_be_damaged() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let file = filled(&site);
    let said = refused(&site, &file[..file.len() / 3]);
    assert!(said.contains("restore it from a backup"), "{said}");
}

/// Everything behind the pages of the schema: opening may not see it, a request does.
#[test]
fn pages_damaged_in_the_middle_give_503_and_the_reason_in_the_log() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let mut file = filled(&site);
    let start = file.len() / 3 / 4096 * 4096;
    file[start..].fill(0x5a);
    site.setup.write("journal.db", &file);
    let mut node = Node::spawn(site.launch());
    let issued = ca.issued();
    let words = "the file is damaged; restore it from a backup";
    let serves = node.program.output().wait(0, |text| {
        let listens = text.matches("listening on ").count() >= 2;
        (listens || text.contains(words)).then_some(listens)
    });
    if serves == Some(true) {
        let asked: Vec<u16> = (0..12)
            .map(|n| status(&site.rest(&node), &format!("before-{n}")))
            .collect();
        // Each begins a row or looks one up, so that some page of every table is needed.
        assert!(asked.contains(&503), "{asked:?}");
        node.program.log_has(words);
        assert!(node.program.runs());
    } else {
        node.program.wait();
    }
    assert_eq!(ca.issued(), issued, "nothing was enrolled twice");
}

fn status(client: &HttpsClient, name: &str) -> u16 {
    Order::new(name).send(client).unwrap().status
}

/// A read is most of what a confirmation costs beyond its writes. The row cannot be read here, as the certConf that comes again shows.
#[test]
fn the_process_that_issued_hears_the_confirmation_without_reading_the_row_again() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(site.launch());
    let client = node.cmp();
    let First {
        mut talk, message, ..
    } = First::to_be_confirmed("unread");
    let answer = post(&client, &message).unwrap();
    assert!(matches!(talk.hear(&answer.body), Step::Issued(_)));
    let journal = site.setup.path("journal.db");
    let url = format!("sqlite://{}", journal.display());
    execute(&url, "UPDATE journal SET head = x'00'");

    let accepted = talk.accept();
    let answer = post(&client, &accepted).unwrap();
    assert_eq!(talk.clone().hear(&answer.body), Step::Confirmed);
    let again = post(&client, &accepted).unwrap();
    let again = PkiMessage::decode(Bytes::from(again.body)).unwrap();
    assert_eq!(again.body().name(), "error");
}
