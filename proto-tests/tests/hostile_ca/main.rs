//! A CMP CA that is broken, or not the CA at all. Whatever it says, nothing is believed that should not be, the client is told what is the
//! matter, nobody else notices, and when the CA recovers a retry gets its certificate.

mod cmp;
mod recovering;
mod refusing;
mod v2;
mod world;
