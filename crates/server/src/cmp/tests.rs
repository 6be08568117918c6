//! The front over the CA in memory, asked by `pkixcmp`'s own client.

mod client;
mod confirm;
mod enroll;
mod house;
mod http;
mod openssl;
mod protection;
mod refuse;
mod revoke;
