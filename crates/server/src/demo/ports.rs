//! Ports of this machine's own address that are free.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

use super::Options;

/// Where the demo listens: on 127.0.0.1 alone.
#[derive(Debug)]
pub(super) struct Ports {
    /// REST and CMP over TLS.
    pub(super) rest: u16,
    /// CMP over plain HTTP.
    pub(super) cmp: u16,
    /// The CA.
    pub(super) ca: u16,
    /// The usual ones that were taken.
    pub(super) taken: Vec<u16>,
}

const REST: u16 = 8443;
const CMP: u16 = 8080;
const CA: u16 = 8081;

impl Ports {
    /// The wanted ones, or else the usual ones where they are free.
    pub(super) fn choose(options: &Options) -> anyhow::Result<Self> {
        let mut taken = Vec::new();
        // Held until all are chosen, so that no two are the same.
        let rest = socket(options.rest_port, REST, &mut taken)?;
        let cmp = socket(options.cmp_port, CMP, &mut taken)?;
        let ca = socket(options.ca_port, CA, &mut taken)?;
        let number = |socket: &TcpListener| socket.local_addr().map(|address| address.port());
        Ok(Self {
            rest: number(&rest)?,
            cmp: number(&cmp)?,
            ca: number(&ca)?,
            taken,
        })
    }
}

fn socket(wanted: Option<u16>, usual: u16, taken: &mut Vec<u16>) -> anyhow::Result<TcpListener> {
    let on = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = wanted {
        return on(port).with_context(|| format!("port {port} of 127.0.0.1 cannot be used"));
    }
    on(usual).or_else(|_| {
        taken.push(usual);
        on(0).context("127.0.0.1 has no free port")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_port_that_is_taken_is_an_error_and_not_another_port() {
        let (held, port) = held();
        let error = socket(Some(port), 0, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains(&port.to_string()), "{error}");
        drop(held);
    }

    #[test]
    fn a_usual_port_that_is_taken_is_replaced_by_a_free_one_and_named() {
        let (held, port) = held();
        let mut taken = Vec::new();
        let found = socket(None, port, &mut taken).unwrap();
        assert_ne!(found.local_addr().unwrap().port(), port);
        assert_eq!(taken, [port]);
        drop(held);
    }

    fn held() -> (TcpListener, u16) {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        (held, port)
    }
}
