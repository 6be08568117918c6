//! The journal when it is run for years: what operators see of it, a database that goes away, a disk that is full, files that are
//! damaged, a clock that is set, and several processes on one database.

mod clock;
mod corrupt;
mod disk;
mod look;
mod outage;
mod proxy;
mod replicas;
mod rows;
mod secure;
mod site;
