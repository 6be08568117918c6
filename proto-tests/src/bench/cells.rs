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
    /// REST v2 over mTLS: a CSR in, JSON out.
    RestV2,
    /// CMP over HTTP with a password-based MAC.
    Cmp {
        /// Whether the client confirms the certificate itself.
        explicit: bool,
    },
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
/// As [`LEAN`], with one salt of ours for an hour.
pub const SALTED: &str = "salted";
/// The label with nothing set that has a default: the request passed on with its own proof, explicit confirmation.
pub const DEFAULT: &str = "default";

/// The CA alone, asked as certway-ra asks it under [`LEAN`].
pub const CA_ALONE: &str = "CA alone, implicit";

/// Everything that is measured. A derivation is counted once for each party that has to make it: the CA's and ours upstream. The load
/// client has one salt for each key of its own, so what it and the front derive is used for the whole cell.
pub const CELLS: [Cell; 7] = [
    Cell {
        name: CA_ALONE,
        target: Target::Ca,
        front: Front::Cmp { explicit: false },
        label: "CA",
        clients: Clients::All,
        // The requests are prepared with a salt each, as certway-ra sends them; the client derives before the clock starts.
        floor: floor(0, 1, 3),
    },
    Cell {
        name: "CA alone, explicit",
        target: Target::Ca,
        front: Front::Cmp { explicit: true },
        label: "CA",
        clients: Clients::Most,
        floor: floor(0, 1, 7),
    },
    Cell {
        name: "REST v2",
        target: Target::Ra,
        front: Front::RestV2,
        label: LEAN,
        clients: Clients::All,
        // The CSR and the certificate here; MACs of request and answer, each made and checked.
        floor: floor(2, 2, 4),
    },
    Cell {
        name: "CMP implicit",
        target: Target::Ra,
        front: Front::Cmp { explicit: false },
        label: LEAN,
        clients: Clients::All,
        // The CRMF proof travels on unchanged, so the CA checks it as well. The client's request is prepared with its MAC.
        floor: floor(3, 2, 7),
    },
    Cell {
        name: "CMP explicit",
        target: Target::Ra,
        front: Front::Cmp { explicit: true },
        label: DEFAULT,
        clients: Clients::All,
        floor: floor(3, 2, 15),
    },
    Cell {
        name: "REST v2, all defaults upstream",
        target: Target::Ra,
        front: Front::RestV2,
        label: DEFAULT,
        clients: Clients::Most,
        // p10cr: the CA checks the proof too. certConf and pkiConf.
        floor: floor(3, 2, 8),
    },
    Cell {
        name: "REST v2, salt per hour",
        target: Target::Ra,
        front: Front::RestV2,
        label: SALTED,
        clients: Clients::Most,
        floor: floor(2, 0, 4),
    },
];

const fn floor(verifications: u32, derivations: u32, macs: u32) -> Floor {
    Floor {
        verifications,
        derivations,
        signatures: 1,
        macs,
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
