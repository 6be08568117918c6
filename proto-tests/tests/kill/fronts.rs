//! A client's patience: it sends until the connection is cut, and then the same again until there is a certificate.

use std::io;
use std::time::{Duration, Instant};

use pki::{Certificate, Name};
use proto_tests::Answer;
use proto_tests::client::{self, Doors};

use crate::site::Site;

pub(crate) use proto_tests::client::{Door, Refused};

/// For how long a client goes on asking.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client with one request.
#[derive(Clone)]
pub(crate) struct Client(client::Client);

impl Client {
    /// A request for that common name. An update has to have its first certificate now.
    pub(crate) fn new(door: Door, site: &Site, common_name: &str) -> Self {
        Self(client::Client::new(door, &site.doors(), common_name))
    }

    pub(crate) fn subject(&self) -> &Name {
        self.0.subject()
    }

    /// Asks until the connection is cut.
    ///
    /// # Panics
    /// When it gets all it wants before.
    pub(crate) fn until_cut(&mut self, site: &Site) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(answer) = self.send(site) {
            if let Some(result) = self.hear(&answer) {
                panic!("not killed: {result:?}");
            }
            assert!(Instant::now() < deadline, "neither killed nor answered");
        }
    }

    /// Sends the same again and again until there is a certificate or a refusal, confirming it if that is ours to do.
    pub(crate) fn finish(&mut self, site: &Site) -> Result<Certificate, Refused> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.send(site).unwrap();
            if let Some(result) = self.hear(&answer) {
                return result;
            }
            assert!(
                Instant::now() < deadline,
                "no certificate: {} {}",
                answer.status,
                answer.text()
            );
        }
    }

    /// Sends until there is a certificate that only has to be confirmed.
    pub(crate) fn until_held(&mut self, site: &Site) -> Certificate {
        loop {
            let answer = self.send(site).unwrap();
            assert_eq!(self.hear(&answer), None);
            if let Some(certificate) = self.0.held() {
                return certificate.clone();
            }
        }
    }

    /// Sends until the CA is said to make us wait, and polling is next.
    pub(crate) fn until_waiting(&mut self, site: &Site) {
        let answer = self.send(site).unwrap();
        assert_eq!(self.hear(&answer), None);
    }

    /// The same request as a new one: another key, another transactionID. REST v1 has neither.
    pub(crate) fn anew(&self, door: Door, site: &Site) -> Self {
        Self(self.0.anew(door, &site.doors()))
    }

    /// The request once more, as it is.
    pub(crate) fn send(&self, site: &Site) -> io::Result<Answer> {
        self.send_to(&site.doors())
    }

    /// The same, to a process whatever has become of the others.
    pub(crate) fn send_to(&self, doors: &Doors) -> io::Result<Answer> {
        self.0.send_to(doors)
    }

    pub(crate) fn hear(&mut self, answer: &Answer) -> Option<Result<Certificate, Refused>> {
        self.0.hear(answer)
    }
}
