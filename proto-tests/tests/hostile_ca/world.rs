//! certway-ra before two CAs: the one a test spoils behind the label `RA`, an honest one behind `OTHER`.

use pki::{Certificate, PrivateKey};
use proto_tests::ca::SECRET;
use proto_tests::certs::dn;
use proto_tests::v1::{Certificates, Request};
use proto_tests::{Act, Answer, CmpCa, Keys, Native, NativeSetup};

pub struct World {
    pub ra: Native,
    pub ca: CmpCa,
    _honest: CmpCa,
}

/// One enrollment by REST v1, as often as it is asked for.
pub struct Wish {
    request: Request,
    key: PrivateKey,
}

impl World {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With more lines for the spoilt CA.
    pub fn with(authority: &str) -> Self {
        let (ca, honest) = (CmpCa::start(), CmpCa::start());
        let setup = NativeSetup::new();
        setup.write("honest.pem", honest.root.certificate.to_pem());
        let spoilt = setup.cmp_authority(&ca.url(), &ca.root.certificate, authority);
        let config = format!(
            r#"
[v1]
hold = "1s"

[authorities.honest.cmp]
url = "{}"
mac = {{ reference = "ra", secret = {{ file = "ca-secret" }} }}
[profiles.other]
authority = "honest"
anchors = ["honest.pem"]
[labels.OTHER]
profile = "other"

{spoilt}
transport = {{ total_timeout = "2s" }}
{}"#,
            honest.url(),
            setup.label("", "")
        );
        let ra = setup.start(&config);
        Self {
            ra,
            ca,
            _honest: honest,
        }
    }

    fn get(&self, path: &str, wish: &Wish) -> Answer {
        let client = self.ra.rest(Some(&self.ra.setup.pki.client));
        wish.request.get(&client, path)
    }

    /// What the spoilt CA's client gets.
    pub fn ask(&self, wish: &Wish) -> Answer {
        self.get("/v1/certificate/RA", wish)
    }

    /// A client of the honest CA is served.
    #[track_caller]
    pub fn others_are_served(&self) {
        let wish = Wish::new("CN=other");
        let got = Certificates::of(&self.get("/v1/certificate/OTHER", &wish));
        assert_eq!(got.leaf().public_key(), wish.key.public_key());
    }

    /// Asks while the CA always does that: the client gets an error that says `told`, it and the log say `why`, others are served in the
    /// meantime, and nothing was issued.
    #[track_caller]
    pub fn spoilt(&self, act: Act, told: &str, why: &str) -> Wish {
        self.ca.always(act);
        let wish = Wish::new("CN=wanted");
        let answer = std::thread::scope(|scope| {
            let asking = scope.spawn(|| self.ask(&wish));
            self.others_are_served();
            asking.join().unwrap()
        });
        assert_failed(&answer, told);
        assert_failed(&answer, why);
        self.ra.program.log_has(why);
        assert_eq!(self.ra.issued(), 1, "the honest CA's alone");
        wish
    }

    /// The CA does its work again: the same request gets its certificate, the only one, and the CA hears that it was taken.
    #[track_caller]
    pub fn recovers(&self, wish: &Wish) {
        self.ca.recovers();
        let mut answer = self.ask(wish);
        for _ in 0..20 {
            if answer.status == 200 {
                break;
            }
            answer = self.ask(wish);
        }
        let got = Certificates::of(&answer);
        assert_eq!(got.leaf().public_key(), wish.key.public_key());
        let root: &Certificate = &self.ca.root.certificate;
        assert_eq!(got.trusted, std::slice::from_ref(root));
        let log = self.ca.log();
        assert_eq!(log[0], "issued");
        assert!(
            log.len() > 1 && log[1..].iter().all(|one| *one == "accepted"),
            "{log:?}"
        );
        assert_eq!(self.ra.issued(), 2);
    }
}

impl Wish {
    pub fn new(subject: &str) -> Self {
        let key = Keys::ec();
        let request = Request::for_names(subject, &["dns:a.example"], &key);
        assert_eq!(dn(subject).to_string(), subject);
        Self { request, key }
    }
}

/// An error of REST v1 that says so, and tells nothing that is none of the client's business.
#[track_caller]
pub fn assert_failed(answer: &Answer, told: &str) {
    let text = answer.text();
    assert!([500, 503].contains(&answer.status), "{text}");
    assert!(text.contains(told), "`{told}` is not in {text}");
    for secret in [SECRET, "<html", "127.0.0.1", "BEGIN"] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
}
