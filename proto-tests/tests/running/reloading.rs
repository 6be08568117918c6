//! Every kind of file, exchanged while the service runs; what was begun goes on; what is wrong is named and changes nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use pkixcmp::client::Confirmation;
use pkixcmp::{PkiBody, PkiMessage};
use proto_tests::certs::{Issuer, PASSWORD, dn};
use proto_tests::cmp::{Shared, ir};
use proto_tests::native::{NativeSetup, RA_SECRET, SECRET};
use proto_tests::program::eventually;
use proto_tests::scripted::{Fate, Habits, ScriptedCa};
use proto_tests::upstream::{self, FakeUpstream, Reply};
use proto_tests::{EmbeddedCa, Keys, Native, peer};

use crate::enrollment::{Enrollment, client, issued};

const CMP: &str = "/.well-known/cmp/p/RA";

/// The three ways in which new content gets in.
#[derive(Clone, Copy, Debug)]
enum Way {
    Signal,
    Path,
    /// Nobody says anything: the files are looked at.
    Look,
}

const WAYS: [Way; 3] = [Way::Signal, Way::Path, Way::Look];

impl Way {
    /// With its own rhythm of looking at files: only one of the ways is at work.
    fn settings(self) -> &'static str {
        match self {
            Self::Look => "[reload]\nevery = \"100ms\"\n",
            Self::Signal | Self::Path => "[reload]\nevery = \"1h\"\n",
        }
    }

    fn go(self, native: &Native) {
        match self {
            Self::Signal => native.program.signal("HUP"),
            Self::Path => assert_eq!(client(native).get("/reload", &[]).status, 200),
            Self::Look => {}
        }
    }
}

fn local(way: Way) -> (Native, String) {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "") + way.settings();
    (setup.start(&config), config)
}

/// One that nobody has asked for yet.
fn another(name: &str) -> Enrollment {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    Enrollment::of(&format!("{name}-{number}"))
}

/// Whether the service has an answer for a request under that secret.
fn believes(native: &Native, secret: &str) -> bool {
    let device = Shared::new("device-1", secret);
    let (_, message) = device.begin(
        &ir("O=Example,CN=device", &[], &Keys::ec()),
        Confirmation::Implicit,
    );
    let answer = native.post(&message);
    let answer = PkiMessage::decode(Bytes::from(answer.body)).unwrap();
    matches!(answer.body(), PkiBody::Ip(_))
}

#[test]
fn the_configuration_itself() {
    for way in WAYS {
        let (native, config) = local(way);
        let client = client(&native);
        assert_eq!(client.get("/v2/NEW/trust", &[]).status, 404, "{way:?}");
        native
            .setup
            .launch(&(config + "[labels.NEW]\nprofile = \"any\"\n"));
        way.go(&native);
        eventually("the new label is there", || {
            client.get("/v2/NEW/trust", &[]).status == 200
        });
    }
}

#[test]
fn a_secret_of_a_cmp_client() {
    for way in WAYS {
        let (native, _) = local(way);
        assert!(believes(&native, SECRET) && !believes(&native, "another"));
        native.setup.write("secret", "another");
        way.go(&native);
        eventually("the new secret counts", || believes(&native, "another"));
        assert!(!believes(&native, SECRET), "{way:?}");
    }
}

#[test]
fn our_secret_at_the_ca() {
    let ca = EmbeddedCa::start();
    for way in WAYS {
        let setup = NativeSetup::new();
        let config =
            setup.cmp_authority(&ca.url(), &ca.root, "") + &setup.label("", "") + way.settings();
        setup.write("ca-secret", "not the CA's");
        let native = setup.start(&config);
        let client = client(&native);
        let refused = Enrollment::of("refused").send(&client).unwrap();
        assert_ne!(refused.status, 201, "{way:?}");
        native.setup.write("ca-secret", proto_tests::ca::SECRET);
        way.go(&native);
        eventually("the CA believes us", || {
            another("taken").send(&client).unwrap().status == 201
        });
    }
}

#[test]
fn a_bearer_token_of_a_caller() {
    for way in WAYS {
        let setup = NativeSetup::new();
        let known = |token: &str| {
            let digest = hex::encode(pki::digest::sha256(token.as_bytes()));
            format!("[callers.pipeline]\ntoken_sha256 = [\"{digest}\"]\n")
        };
        let rest = setup.local_authority() + &setup.label("", "") + way.settings();
        let native = setup.start(&(rest.clone() + &known("token-of-before-81d3")));
        let status = |token: &str| {
            let bearer = format!("Bearer {token}");
            let fields = [("Authorization", bearer.as_str())];
            native.rest(None).get("/v2/RA/trust", &fields).status
        };
        assert_eq!(status("token-of-before-81d3"), 200, "{way:?}");
        assert_eq!(status("token-of-after-40ba"), 401, "{way:?}");
        let _written = native.setup.launch(&(rest + &known("token-of-after-40ba")));
        way.go(&native);
        eventually("the new token counts", || {
            status("token-of-after-40ba") == 200
        });
        assert_eq!(status("token-of-before-81d3"), 401, "{way:?}");
    }
}

#[test]
fn our_certificate_towards_the_https_server_of_a_ca() {
    for way in WAYS {
        let setup = NativeSetup::new();
        let pki = &setup.pki;
        let tls = upstream::tls(&pki.server, Some(&pki.root.certificate));
        let ca = FakeUpstream::start_tls(tls, |_| Reply::http(503, "text/plain", "later"));
        let (before, after) = ("CN=ra before", "CN=ra after");
        let identity = |subject: &str| pki.root.identity(subject, &[]).pem();
        setup.write("upstream-tls.pem", identity(before));
        let url = format!("https://localhost:{}/cmp", ca.address().port());
        let transport = r#"transport = { tls_roots = ["clients.pem"], tls_identity = { keystore = "upstream-tls.pem" } }"#;
        let config = setup.cmp_authority(&url, &pki.root.certificate, transport)
            + &setup.label("", "")
            + way.settings();
        let renewed = identity(after);
        let native = setup.start(&config);
        let client = client(&native);
        let shown = || {
            let _refused = another("asking").send(&client);
            let shown = ca.received().pop()?.client?;
            Some(shown.subject().clone())
        };
        assert_eq!(shown(), Some(dn(before)), "{way:?}");
        native.setup.write("upstream-tls.pem", renewed);
        way.go(&native);
        eventually("the CA is shown the new one", || shown() == Some(dn(after)));
    }
}

#[test]
fn the_anchors_of_a_profile() {
    let ca = EmbeddedCa::start();
    for way in WAYS {
        let setup = NativeSetup::new();
        let config =
            setup.cmp_authority(&ca.url(), &ca.root, "") + &setup.label("", "") + way.settings();
        let stranger = Issuer::root("O=Elsewhere,CN=stranger");
        setup.write("upstream.pem", stranger.certificate.to_pem());
        let native = setup.start(&config);
        let client = client(&native);
        assert_ne!(Enrollment::of("astray").send(&client).unwrap().status, 201);
        native.setup.write("upstream.pem", ca.root.to_pem());
        way.go(&native);
        eventually("its certificates are believed", || {
            another("home").send(&client).unwrap().status == 201
        });
    }
}

#[test]
fn the_key_that_signs_cmp_answers() {
    if peer::missing("openssl") {
        return;
    }
    for way in WAYS {
        let (native, _) = local(way);
        let renewed = NativeSetup::new();
        // Another CA's: whoever trusts that one alone believes our answers once they are signed below it.
        let device = native.setup.devices.identity("O=Devices,CN=device-7", &[]);
        let asks = || {
            let cmp = native.openssl("ir").signed(&device).new_key(&Keys::ec());
            let cmp = cmp.subject("/O=Devices/CN=device-7");
            let ran = cmp.trusting(&renewed.root.certificate).run();
            ran.path("certificate.pem").exists()
        };
        assert!(!asks(), "{way:?}");
        let signer = std::fs::read(renewed.path("signer.pem")).unwrap();
        native.setup.write("signer.pem", signer);
        way.go(&native);
        eventually("answers are signed with the new key", asks);
    }
}

#[test]
fn a_keystore_and_its_password() {
    for way in WAYS {
        let setup = NativeSetup::new();
        setup.write("server.p12", setup.pki.server.pkcs12());
        setup.write("store.password", PASSWORD);
        let config = setup.local_authority() + &setup.label("", "") + way.settings();
        let launch = setup
            .launch(&config)
            .env("CERTWAY_RA_LISTEN__TLS__KEYSTORE", "server.p12")
            .env("CERTWAY_RA_LISTEN__TLS__PASSWORD__FILE", "store.password");
        let native = setup.start_as(launch);
        let pki = &native.setup.pki;
        let renewed = pki.root.identity("CN=renewed", &["dns:localhost"]);
        // A store that does not open yet: the last good one serves until the password is there too.
        native.setup.write("server.p12", renewed.pkcs12());
        native.setup.write("store.password", "not yet");
        let mark = native.program.output().mark();
        match way {
            Way::Look => {}
            Way::Signal => native.program.signal("HUP"),
            Way::Path => {
                let answer = client(&native).get("/reload", &[]);
                assert_eq!(answer.status, 500);
                assert!(
                    answer.text().contains("listen.tls.keystore: "),
                    "{}",
                    answer.text()
                );
            }
        }
        native.program.log_has_since(mark, "listen.tls.keystore: ");
        let shown = || {
            let connection = client(&native).connect().unwrap();
            connection.server_certificate()
        };
        assert_eq!(&shown(), pki.server.certificate(), "{way:?}");
        native.setup.write("store.password", PASSWORD);
        way.go(&native);
        eventually("the new certificate is shown", || {
            &shown() == renewed.certificate()
        });
    }
}

#[test]
fn what_is_wrong_is_named_by_its_key_and_the_last_good_one_serves_on() {
    let (native, config) = local(Way::Path);
    let client = client(&native);
    for (text, key) in [
        (
            config.replace("profile = \"any\"", "profile = \"none\""),
            "labels.RA.profile",
        ),
        (
            config.replace("\"signer.pem\"", "\"nowhere.pem\""),
            "labels.RA.cmp.signer.keystore",
        ),
        (
            config.replace("\"devices.pem\"", "\"secret\""),
            "labels.RA.cmp.client_ca",
        ),
        (
            config.clone() + "[authorities.x.cmp]\nurl = \"ftp://a\"\n",
            "authorities.x.cmp.url",
        ),
    ] {
        native.setup.launch(&text);
        let answer = client.get("/reload", &[]);
        assert_eq!(answer.status, 500, "{key}");
        assert!(answer.text().contains(key), "{key}: {}", answer.text());
        native.program.log_has(key);
        issued(&Enrollment::of(key).send(&client).unwrap());
    }
    native.setup.launch(&config);
    assert_eq!(client.get("/reload", &[]).status, 200);
}

#[test]
fn a_request_that_the_ca_has_before_it_ends_as_it_began_though_its_label_and_its_ca_are_gone() {
    let ca = ScriptedCa::start(Habits {
        repeats: true,
        waits: 1000,
        ..Habits::default()
    });
    let setup = NativeSetup::new();
    let upstream = setup.cmp_authority(&ca.url(), &ca.root, "");
    let before = upstream + &setup.label("", "");
    let native = setup.start(&before);
    let client = client(&native);
    let waiting = Enrollment::of("waiting");
    let held = thread::scope(|scope| {
        // One that is held over the reload on its connection, and one that asks again after it.
        let asking = scope.spawn(|| waiting.send(&client).unwrap());
        eventually("the CA is asked", || ca.asked() >= 1);
        let after = native.setup.local_authority().replace(".ca.", ".other.")
            + "[profiles.other]\nauthority = \"other\"\n[labels.OTHER]\nprofile = \"other\"\n";
        native.setup.launch(&after);
        assert_eq!(client.get("/reload", &[]).status, 200);
        assert_eq!(client.get("/v2/OTHER/trust", &[]).status, 200);
        ca.decides();
        asking.join().unwrap()
    });
    let certificate = issued(&held);
    assert_eq!(
        ca.record(&waiting.subject),
        [(certificate, Fate::Confirmed)]
    );
}

#[test]
fn a_certconf_finds_its_transaction_after_the_ca_left_the_configuration() {
    let ca = ScriptedCa::start(Habits {
        repeats: true,
        ..Habits::default()
    });
    let setup = NativeSetup::new();
    let upstream = setup.cmp_authority(&ca.url(), &ca.root, "");
    let before = upstream + &setup.label("", "");
    let local = setup.local_authority().replace(".ca.", ".other.");
    let native = setup.start(&before);
    let device = Shared::new("device-2", RA_SECRET);
    let (mut talk, message) = device.begin(
        &ir("O=Example,CN=confirming", &[], &Keys::ec()),
        Confirmation::Explicit,
    );
    talk.hear(&native.cmp().post(CMP, "application/pkixcmp", &message).body);
    // The label stays, and leads to another CA.
    let others = "[profiles.other]\nauthority = \"other\"\n";
    let labels = &before[before.find("[labels.RA]").unwrap()..];
    let labels = labels.replace("profile = \"any\"", "profile = \"other\"");
    native.setup.launch(&(local + others + &labels));
    let reloaded = client(&native).get("/reload", &[]);
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    let confirmed = native
        .cmp()
        .post(CMP, "application/pkixcmp", &talk.accept());
    talk.hear(&confirmed.body);
    let subject = proto_tests::certs::dn("O=Example,CN=confirming");
    let record = ca.record(&subject);
    assert!(
        matches!(record.as_slice(), [(_, Fate::Confirmed)]),
        "{record:?}"
    );
}

#[test]
fn a_profile_that_moves_to_another_ca_is_refused_while_the_process_runs() {
    let ca = EmbeddedCa::start();
    let setup = NativeSetup::new();
    let upstream = setup.cmp_authority(&ca.url(), &ca.root, "");
    let before = upstream.clone() + &setup.label("", "");
    let another = upstream.replace("authorities.ca.", "authorities.other.");
    let after = another + &before.replace("authority = \"ca\"", "authority = \"other\"");
    let native = setup.start(&before);
    native.setup.launch(&after);
    let answer = client(&native).get("/reload", &[]);
    assert_eq!(answer.status, 500);
    assert!(
        answer.text().contains(
            "profiles.any.authority: `other`, and requests under this profile may be open at `ca`"
        ),
        "{}",
        answer.text()
    );
}
