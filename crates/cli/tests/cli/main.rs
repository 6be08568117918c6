//! certway as its users meet it, against a service that does what a test wants.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod enroll;
#[cfg(test)]
mod fake_ra;
#[cfg(test)]
mod renew;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod tls;
