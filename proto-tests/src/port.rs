//! TCP ports that are free, and stay ours while a program that listens on them is killed and started again.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range the system gives to outgoing connections.
const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;

/// A port of 127.0.0.1 that no other test, in this process or another, is given while this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// A free one.
    pub fn free() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("certway-test-ports");
        std::fs::create_dir_all(&folder).unwrap();
        let offset = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + (u32::from(offset) * 64 + u32::from(step)) as u16 % COUNT;
            let Ok(lock) = File::create(folder.join(number.to_string())) else {
                continue;
            };
            let listens = || TcpListener::bind((Ipv4Addr::LOCALHOST, number));
            if lock.try_lock().is_ok() && listens().is_ok() {
                return Self {
                    number,
                    _lock: lock,
                };
            }
        }
        panic!("no free port from {FIRST} on");
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}
