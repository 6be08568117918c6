//! The real `openssl cmp` client against the CMP front: what it asks for, how it protects it, and what it gets when that is wrong.

mod http;
mod mac;
mod pop;
mod renew;
mod signature;
mod tls;
