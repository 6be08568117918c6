//! `openssl cmp` as the client, over HTTP on the loopback. Skipped, with a word on standard error, where there is no openssl.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use jiff::SignedDuration;
use ra::memory::Script;
use tempfile::TempDir;

use super::client::key;
use super::house::House;
use crate::config::Limits;
use crate::router;

struct Room {
    house: House,
    folder: TempDir,
    server: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Room {
    /// `None` without openssl.
    async fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("skipped: there is no openssl");
            return None;
        }
        let house = House::new().await;
        let folder = TempDir::new().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let device = key();
        let certificate = house.vendor.issue("CN=device-1", &device, &[]).await;
        write("device.key", &device.to_pkcs8_pem().unwrap());
        write("device.crt", &certificate.to_pem());
        write("ours.crt", &house.ours.root.to_pem());
        for name in ["one.key", "two.key"] {
            write(name, &key().to_pkcs8_pem().unwrap());
        }
        let one =
            pki::PrivateKey::from_pem(&std::fs::read(folder.path().join("one.key")).unwrap(), None);
        write(
            "one.csr",
            &crate::testing::csr(&one.unwrap(), "CN=a.example", &[]).to_pem(),
        );
        let router = router::cmp_router(Arc::clone(&house.app), &Limits::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Some(Self {
            house,
            folder,
            server,
            serving,
        })
    }

    async fn run(&self, arguments: &str) -> Output {
        let mut command = Command::new("openssl");
        command
            .args([
                "cmp",
                "-config",
                "",
                "-server",
                &self.server,
                "-path",
                "pkix/",
            ])
            .args(["-total_timeout", "30", "-msg_timeout", "30"])
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path());
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    async fn works(&self, arguments: &str) {
        let output = self.run(arguments).await;
        let said = said(&output);
        assert!(output.status.success(), "{arguments}\n{said}");
    }

    async fn fails(&self, arguments: &str, with: &str) {
        let output = self.run(arguments).await;
        let said = said(&output);
        assert!(!output.status.success(), "{arguments}\n{said}");
        assert!(said.contains(with), "{arguments}\n{said}");
    }

    fn certificate(&self, name: &str) -> pki::Certificate {
        let text = std::fs::read(Path::new(self.folder.path()).join(name)).unwrap();
        pki::Certificate::from_pem(&text).unwrap()
    }
}

/// The client writes its findings to both.
fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

const MAC: &str = "-ref 3078 -secret pass:insecure";
const DEVICE: &str = "-cert device.crt -key device.key -trusted ours.crt";
const ONE: &str = "-newkey one.key -subject /CN=a.example -certout one.crt";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_does_by_mac_all_there_is_to_do() {
    let Some(room) = Room::new().await else {
        return;
    };
    room.works(&format!(
        "-cmd ir {MAC} {ONE} -sans a.example -cacertsout roots.crt"
    ))
    .await;
    assert_eq!(room.certificate("roots.crt"), *room.house.ca.root());
    assert_eq!(
        room.house.ca.confirmed(),
        [room.certificate("one.crt").id()]
    );
    room.works(&format!("-cmd rr {MAC} -oldcert one.crt -revreason 1"))
        .await;
    room.fails(&format!("-cmd rr {MAC} -oldcert one.crt"), "certRevoked")
        .await;
    room.works(&format!("-cmd cr {MAC} {ONE} -implicit_confirm"))
        .await;
    room.works(&format!("-cmd p10cr {MAC} -csr one.csr -certout one.crt"))
        .await;
    room.works(&format!("-cmd genm {MAC} -infotype caCerts"))
        .await;
    room.works(&format!("-cmd genm {MAC}")).await;
    room.works(&format!(
        "-cmd ir {MAC} {ONE} -mac hmacWithSHA512 -digest sha384"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_does_by_signature_all_there_is_to_do() {
    let Some(room) = Room::new().await else {
        return;
    };
    room.works(&format!("-cmd ir {DEVICE} {ONE} -sans a.example"))
        .await;
    room.works(&format!("-cmd cr {DEVICE} {ONE} -implicit_confirm"))
        .await;
    room.works(&format!(
        "-cmd p10cr {DEVICE} -csr one.csr -certout one.crt"
    ))
    .await;
    room.works(&format!("-cmd genm {DEVICE} -infotype caCerts"))
        .await;
    let holder = "-cert one.crt -key one.key -trusted ours.crt";
    room.works(&format!(
        "-cmd kur {holder} -newkey two.key -certout two.crt"
    ))
    .await;
    assert_ne!(room.certificate("one.crt"), room.certificate("two.crt"));
    let holder = "-cert two.crt -key two.key -trusted ours.crt";
    room.works(&format!("-cmd rr {holder} -oldcert two.crt"))
        .await;
    room.fails(&format!("-cmd rr {holder} -oldcert two.crt"), "certRevoked")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_is_told_why_it_is_refused() {
    let Some(room) = Room::new().await else {
        return;
    };
    let wrong = format!("-cmd ir -ref 3078 -secret pass:guess {ONE} -unprotected_errors");
    room.fails(&wrong, "badMessageCheck").await;
    room.fails(&format!("-cmd ir {MAC} {ONE} -popo -1"), "badPOP")
        .await;
    room.fails(&format!("-cmd ir {MAC} {ONE} -popo 0"), "badPOP")
        .await;
    let path = "-path .well-known/cmp/p/RA/certification";
    room.fails(&format!("-cmd ir {MAC} {ONE} {path}"), "badRequest")
        .await;
    assert_eq!(room.house.ca.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_polls_a_slow_ca() {
    let Some(room) = Room::new().await else {
        return;
    };
    room.house
        .ca
        .will(Script::Wait(SignedDuration::from_secs(1)));
    let asking = format!("-cmd ir {MAC} {ONE}");
    let sweeping = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            room.house.sweep().await;
        }
    };
    tokio::select! {
        () = room.works(&asking) => {}
        () = sweeping => {}
    }
    assert_eq!(room.house.ca.confirmed().len(), 1);
}
