//! kill -9 at every numbered step of the line (docs/ISSUANCE.md): nothing is lost and nothing issued twice, on SQLite
//! and on PostgreSQL with two processes.
//!
//! certway-ra is built with `server/stop-points` and ends itself, without any destructor, at the step that `CERTWAY_STOP_AT` names.
//! Then it is started again on the same journal, and its client sends the very same request again until it has its one certificate.

mod ca_dies;
mod certconf;
mod fronts;
mod no_repeat;
mod replicas;
mod revoking;
mod site;
mod steps;
mod table;
mod waiting;
