//! What the black-box tests share: a PKI made when a test runs, the programs as child processes, and the peers they meet.
//!
//! Nothing of the server is linked in: what is tested is the binary, over real sockets and real TLS. Everything here is
//! synchronous; a wait is for a line of the log, the end of a process or an answer, never for time to pass.
//!
//! Start with [`Service`] (certway-ra as ONAP's CertService before an embedded CA), or with [`Launch`] for any other set-up.

pub mod bench;
pub mod ca;
pub mod certs;
pub mod client;
pub mod clock;
pub mod cmp;
pub mod cmp_ca;
pub mod fake_ra;
pub mod fill;
pub mod https;
pub mod kube;
pub mod mock;
pub mod native;
pub mod openssl;
pub mod output;
pub mod peer;
pub mod port;
pub mod postgres;
pub mod program;
pub mod record;
pub mod scripted;
pub mod secrets;
pub mod service;
pub mod signed;
pub mod soak;
pub mod upstream;
pub mod v1;

pub use ca::EmbeddedCa;
pub use certs::{Identity, Issuer, Keys, Pki};
pub use clock::FakeClock;
pub use cmp_ca::{Act, CmpCa};
pub use fake_ra::FakeRa;
pub use https::{Answer, Connection, HttpsClient};
pub use mock::Mock;
pub use native::{Native, NativeSetup};
pub use output::Output;
pub use port::Port;
pub use program::{Ended, Launch, Program};
pub use scripted::ScriptedCa;
pub use service::Service;
pub use upstream::FakeUpstream;
