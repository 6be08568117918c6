//! A CA with several endpoints, endpoints that do not answer, and what that costs the clients of others.

mod health;
mod several;
mod shedding;
mod silence;
mod world;
