//! What strangers may do to a service that everyone can reach: many connections, slow ones, rubbish without end. Memory stays bounded,
//! others are served, and when it is over everything is as before.
//!
//! `./proto-tests/run --floods` does it in full size: 10 000 idle connections and 100 000 requests of rubbish.

mod bursts;
mod guarded;
mod idle;
mod junk;
mod slow;
mod world;
