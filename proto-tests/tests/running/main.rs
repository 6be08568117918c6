//! certway-ra as something that is run: stopped, started again, told to reload, and under a service manager.

mod enrollment;
mod manager;
mod operations;
mod reloading;
mod sockets;
mod stopping;
mod swapping;
mod unit;
