//! `openssl cmp`: a CMP client that is not ours, and a CMP server that plays a CA.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use pki::{Certificate, PrivateKey};

use crate::certs::{Identity, pkcs8_pem, write};
use crate::program::{Ended, Launch, Program};

/// One call of the client. It works in a folder of its own.
pub struct Cmp {
    folder: PathBuf,
    launch: Launch,
}

/// How it went.
pub struct Ran {
    /// Its exit code and what it wrote.
    pub ended: Ended,
    folder: PathBuf,
}

impl Cmp {
    /// That command, sent to that URL; its files are below `base`.
    pub fn new(base: &Path, url: &str, command: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = base.join(format!("openssl-{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        let mut launch = Launch::of("openssl", &folder).args(["cmp", "-config", "", "-batch"]);
        launch = launch.args(["-cmd", command, "-server", url, "-msg_timeout", "60"]);
        if ["ir", "cr", "kur", "p10cr"].contains(&command) {
            launch = launch.args(["-certout", "certificate.pem"]);
            launch = launch.args(["-extracertsout", "extra.pem"]);
        }
        Self { folder, launch }
    }

    /// With more arguments.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.launch = self.launch.args(arguments.iter().copied());
        self
    }

    /// With a file of that content as value of an option.
    #[must_use]
    pub fn file(self, option: &str, name: &str, content: impl AsRef<[u8]>) -> Self {
        write(&self.folder, name, content);
        self.args(&[option, name])
    }

    /// With certificates as value of an option.
    #[must_use]
    pub fn certificates(self, option: &str, certificates: &[&Certificate]) -> Self {
        let pem: String = certificates.iter().map(|one| one.to_pem()).collect();
        let name = format!("{}.pem", option.trim_start_matches('-'));
        self.file(option, &name, pem)
    }

    /// Protected with a shared secret.
    #[must_use]
    pub fn mac(self, reference: &str, secret: &str) -> Self {
        self.args(&["-ref", reference, "-secret", &format!("pass:{secret}")])
    }

    /// Protected with a signature; what is above the certificate goes along.
    #[must_use]
    pub fn signed(self, signer: &Identity) -> Self {
        let (own, above) = signer.chain.split_first().unwrap();
        let cmp = self
            .file("-key", "own.key", signer.key_pem())
            .certificates("-cert", &[own]);
        let above: Vec<&Certificate> = above.iter().collect();
        if above.is_empty() {
            cmp
        } else {
            cmp.certificates("-extracerts", &above)
        }
    }

    /// For that key.
    #[must_use]
    pub fn new_key(self, key: &PrivateKey) -> Self {
        self.file("-newkey", "new.key", pkcs8_pem(key))
    }

    /// For that subject, in OpenSSL's way: `/O=…/CN=…`.
    #[must_use]
    pub fn subject(self, subject: &str) -> Self {
        self.args(&["-subject", subject])
    }

    /// Believes what is signed below that root.
    #[must_use]
    pub fn trusting(self, root: &Certificate) -> Self {
        self.certificates("-trusted", &[root])
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        Ran {
            ended: self.launch.run(),
            folder: self.folder,
        }
    }

    /// Starts it, for a test that does something in the meantime.
    pub fn spawn(self) -> Program {
        self.launch.spawn()
    }

    /// Where it works.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Ran {
    /// Everything it wrote.
    pub fn said(&self) -> String {
        format!("{}{}", self.ended.stdout, self.ended.stderr)
    }

    /// The certificate it got.
    ///
    /// # Panics
    /// When it got none, or failed.
    #[track_caller]
    pub fn certificate(&self) -> Certificate {
        assert_eq!(self.ended.code, Some(0), "{}", self.said());
        Certificate::from_pem(&self.read("certificate.pem")).unwrap()
    }

    /// Checks the certificate as `openssl verify` does, under `root` with what came in extraCerts between, and gives it.
    ///
    /// # Panics
    /// When it does not verify.
    #[track_caller]
    pub fn verified(&self, root: &Certificate) -> Certificate {
        let certificate = self.certificate();
        write(&self.folder, "root.pem", root.to_pem());
        let mut arguments = vec!["verify", "-x509_strict", "-CAfile", "root.pem"];
        // It writes an empty file when there are none.
        if std::fs::metadata(self.path("extra.pem")).is_ok_and(|file| file.len() > 0) {
            arguments.extend(["-untrusted", "extra.pem"]);
        }
        arguments.push("certificate.pem");
        let said = crate::peer::run("openssl", &self.folder, &arguments);
        assert!(said.contains("certificate.pem: OK"), "{said}");
        certificate
    }

    /// Checks that it failed, said each of these, and saved no certificate.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn refused(&self, sentences: &[&str]) {
        let said = self.said();
        assert_eq!(self.ended.code, Some(1), "{said}");
        for sentence in sentences {
            assert!(said.contains(sentence), "`{sentence}` is not in:\n{said}");
        }
        assert!(!self.path("certificate.pem").exists(), "{said}");
    }

    /// A file it wrote.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The content of a file it wrote.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}\n{}", self.said()))
    }

    /// How often it wrote something.
    pub fn count(&self, sentence: &str) -> usize {
        self.said().matches(sentence).count()
    }
}
