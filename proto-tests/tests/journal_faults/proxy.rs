//! A wire to the database that can be cut, or go silent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    silent: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            wire: Arc::default(),
        };
        let wire = Arc::clone(&proxy.wire);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let address = SocketAddr::from(([127, 0, 0, 1], port));
                let Ok(server) = TcpStream::connect(address) else {
                    continue;
                };
                let mut state = wire.state.lock().unwrap();
                for stream in [&client, &server] {
                    state.open.push(stream.try_clone().unwrap());
                }
                drop(state);
                for (from, to) in [
                    (client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (server, client),
                ] {
                    let wire = Arc::clone(&wire);
                    thread::spawn(move || wire.carry(from, to));
                }
            }
        });
        proxy
    }

    /// Every connection there is breaks, whatever is on its way.
    pub(crate) fn cut(&self) {
        for stream in self.wire.state.lock().unwrap().open.drain(..) {
            let _broken_already = stream.shutdown(Shutdown::Both);
        }
    }

    /// Nothing comes through any more, and nobody is told; or it does again.
    pub(crate) fn silence(&self, silent: bool) {
        self.wire.state.lock().unwrap().silent = silent;
        self.wire.changed.notify_all();
    }
}

impl Wire {
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let state = self.state.lock().unwrap();
            drop(
                self.changed
                    .wait_while(state, |state| state.silent)
                    .unwrap(),
            );
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        for stream in [from, to] {
            let _broken_already = stream.shutdown(Shutdown::Both);
        }
    }
}
