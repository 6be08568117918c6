//! CMP clients that openssl cannot play: what belongs to no transaction, what is too much, what is almost right. Each gets the error that
//! belongs there, nothing is issued that should not be, and whoever comes next is served.

mod client;
mod limits;
mod requests;
mod transactions;
