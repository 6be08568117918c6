//! Everything that reads what others wrote, as functions of bytes, and the properties that hold whatever the bytes are.
//!
//! A target panics when a property does not hold. `fuzz/run` puts the engine before them (CONTRIBUTING.md has the command); the tests
//! of this crate put every seed through them without one, so that a finding that became a seed stays found.
//!
//! Start with [`TARGETS`].

mod csr;
mod front;
mod keystore;
mod message;
mod nested;
mod protection;
mod rest;
mod site;
mod tlv;

/// One way in.
#[derive(Clone, Copy)]
pub struct Target {
    /// What it is called on the command line; its seeds are in `fuzz/seeds/` under this name, beside those that all share.
    pub name: &'static str,
    /// Takes the octets, and panics where a property does not hold.
    pub run: fn(&[u8]),
}

/// Every way in.
pub const TARGETS: [Target; 11] = [
    Target {
        name: "message_decode",
        run: message::decode,
    },
    Target {
        name: "message_reencode",
        run: message::reencode,
    },
    Target {
        name: "protection_parameters",
        run: protection::parameters,
    },
    Target {
        name: "nested_depth",
        run: nested::depth,
    },
    Target {
        name: "csr",
        run: csr::csr,
    },
    Target {
        name: "pem",
        run: csr::pem,
    },
    Target {
        name: "jks",
        run: keystore::jks,
    },
    Target {
        name: "pkcs12",
        run: keystore::pkcs12,
    },
    Target {
        name: "rest_headers",
        run: rest::headers,
    },
    Target {
        name: "cmp_front",
        run: front::cmp,
    },
    Target {
        name: "server_entry",
        run: front::connection,
    },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
