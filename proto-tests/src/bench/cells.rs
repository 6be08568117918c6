//! What is measured.

use super::floor::Floor;

/// How enrollments come in, where they go, and what crypto nobody can avoid for one.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Its name in the table.
    pub name: &'static str,
    /// Who is asked.
    pub target: Target,
    /// How.
    pub front: Front,
    /// What is certified.
    pub key: Key,
    /// Under which label of the configuration.
    pub label: &'static str,
    /// Whether it is measured with every number of clients or with the greatest alone.
    pub clients: Clients,
    /// What no party can avoid, all parties together.
    pub floor: Floor,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The CA itself.
    Ca,
    /// certway-ra before it.
    Ra,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// REST v1 over mTLS: a CSR and its private key in, JSON out.
    RestV1,
    /// REST v2 over mTLS: a CSR in, JSON out.
    RestV2,
    /// CMP over HTTP with a password-based MAC.
    Cmp {
        /// Whether the client confirms the certificate itself.
        explicit: bool,
        /// How many salts the load client has: what the CA has to derive is its doing.
        salts: Salts,
    },
}

/// How many salts a CMP client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salts {
    /// One for all its messages.
    One,
    /// One for each transaction.
    Each,
}

/// What is certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// An EC key.
    P256,
    /// An RSA key of 2,048 bits.
    Rsa2048,
}

/// With how many clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Every number that is asked for.
    All,
    /// The greatest of them.
    Most,
}

/// The label whose CA is told that we checked the proof-of-possession, and that it need not wait for a confirmation.
pub const LEAN: &str = "lean";
/// What certway-ra is told of that CA.
pub const LEAN_UPSTREAM: &str = "confirmation = \"implicit\"\ntakes = { ra_verified = true, p10cr = false }\nquirks = { repeats = true }";
/// As [`LEAN`], with a salt of ours for each transaction.
pub const SALTED: &str = "salted";
/// The label with nothing set that has a default: the request passed on with its own proof, explicit confirmation.
pub const DEFAULT: &str = "default";
/// The label whose CA takes its time.
pub const STUBBORN: &str = "stubborn";

/// The CA alone, asked as certway-ra asks it under [`LEAN`].
pub const CA_ALONE: &str = "CA alone, implicit";
/// The CA alone, asked by clients that derive a key for each certificate, as most do.
pub const CA_SALTED: &str = "CA alone, implicit, a salt each";
/// The cell that most goals are about.
pub const REST_V2: &str = "REST v2";
/// What explicit confirmation is compared with.
pub const CMP_IMPLICIT: &str = "CMP implicit";
/// Confirmed by the client, and by certway-ra towards the CA.
pub const CMP_EXPLICIT: &str = "CMP explicit";

const IMPLICIT: Front = Front::Cmp {
    explicit: false,
    salts: Salts::One,
};
const EXPLICIT: Front = Front::Cmp {
    explicit: true,
    salts: Salts::One,
};

/// The CA by itself, asked over CMP.
const CA: Cell = Cell {
    name: CA_ALONE,
    target: Target::Ca,
    front: IMPLICIT,
    key: Key::P256,
    label: "CA",
    clients: Clients::All,
    floor: floor(0, 0, 3),
};

/// certway-ra before it.
const RA: Cell = Cell {
    name: REST_V2,
    target: Target::Ra,
    front: Front::RestV2,
    key: Key::P256,
    label: LEAN,
    clients: Clients::All,
    // The CSR and the certificate here; MACs of request and answer, each made and checked.
    floor: floor(2, 0, 4),
};

/// Everything that is measured. Where one salt is used for long, nobody has to derive anything; a salt for each transaction makes one
/// derivation for each party that sees it.
pub const CELLS: [Cell; 12] = [
    CA,
    Cell {
        name: CA_SALTED,
        front: Front::Cmp {
            explicit: false,
            salts: Salts::Each,
        },
        // The client derives before the clock starts.
        floor: floor(0, 1, 3),
        ..CA
    },
    Cell {
        name: "CA alone, explicit",
        front: EXPLICIT,
        clients: Clients::Most,
        floor: floor(0, 0, 7),
        ..CA
    },
    RA,
    Cell {
        name: "REST v1",
        front: Front::RestV1,
        // Here a proof is signed for the client, which the CA verifies, and the certificate is verified.
        floor: Floor {
            signatures: 2,
            ..floor(2, 0, 4)
        },
        ..RA
    },
    Cell {
        name: CMP_IMPLICIT,
        front: IMPLICIT,
        // The CRMF proof travels on unchanged, so the CA checks it as well. The client's request is prepared with its MAC.
        floor: floor(3, 0, 7),
        ..RA
    },
    Cell {
        name: CMP_EXPLICIT,
        front: EXPLICIT,
        label: DEFAULT,
        floor: floor(3, 0, 15),
        ..RA
    },
    Cell {
        name: "REST v2, all defaults upstream",
        label: DEFAULT,
        clients: Clients::Most,
        // p10cr: the CA checks the proof too. certConf and pkiConf.
        floor: floor(3, 0, 8),
        ..RA
    },
    Cell {
        name: "REST v2, salt per transaction",
        label: SALTED,
        clients: Clients::Most,
        floor: floor(2, 2, 4),
        ..RA
    },
    Cell {
        name: "CMP implicit, a salt each",
        front: Front::Cmp {
            explicit: false,
            salts: Salts::Each,
        },
        clients: Clients::Most,
        floor: floor(3, 1, 7),
        ..RA
    },
    Cell {
        name: "REST v2, RSA-2048",
        key: Key::Rsa2048,
        clients: Clients::Most,
        floor: Floor {
            rsa_verifications: 1,
            ..floor(1, 0, 4)
        },
        ..RA
    },
    Cell {
        name: "REST v1, RSA-2048",
        front: Front::RestV1,
        key: Key::Rsa2048,
        clients: Clients::Most,
        floor: Floor {
            rsa_verifications: 1,
            rsa_signatures: 1,
            ..floor(1, 0, 4)
        },
        ..RA
    },
];

const fn floor(verifications: u32, derivations: u32, macs: u32) -> Floor {
    Floor {
        verifications,
        derivations,
        signatures: 1,
        macs,
        rsa_verifications: 0,
        rsa_signatures: 0,
    }
}

impl Cell {
    /// The numbers of clients it is measured with, of those asked for.
    pub fn counts(&self, asked: &[usize]) -> Vec<usize> {
        match self.clients {
            Clients::All => asked.to_vec(),
            Clients::Most => asked.iter().max().copied().into_iter().collect(),
        }
    }
}
