//! A CA that takes the connection, reads, and says nothing: what do clients of another CA notice?

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use anyhow::Result;
use futures::future::join_all;

use super::cells::{Cell, STUBBORN};
use super::figures::Figures;
use super::http::Http;
use super::load::{Bench, one_thread};

/// How many clients wait for it.
pub(crate) const WAITING: usize = 32;

/// The same cell twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    pub(crate) alone: Figures,
    /// While [`WAITING`] clients wait for the CA that does not answer.
    pub(crate) beside: Figures,
}

impl Bench<'_> {
    /// Measures a cell alone, and again while others wait for the CA that does not answer.
    pub(crate) fn beside_stubborn(
        &self,
        cell: &Cell,
        clients: usize,
        ca: TcpListener,
    ) -> Result<Beside> {
        let alone = self.measure(cell, clients)?;
        let (heard, hears) = mpsc::channel();
        // It ends with this process, or when nobody wants to know any more.
        std::thread::spawn(move || {
            let mut kept: Vec<TcpStream> = Vec::new();
            while let Ok((stream, _)) = ca.accept() {
                kept.push(stream);
                if heard.send(()).is_err() {
                    return;
                }
            }
        });
        let stubborn = Cell {
            label: STUBBORN,
            ..*cell
        };
        let shared = self.shared(&stubborn)?;
        let (address, tls) = (self.ra()?.rest.address(), std::sync::Arc::clone(self.tls));
        let subject = self.subjects(cell)[0].rest.clone();
        let waiting = std::thread::spawn(move || -> Result<()> {
            let ask = async |number: usize| -> Result<()> {
                let mut http = Http::connect(address, Some(&tls)).await?;
                let key = format!("Idempotency-Key: {}-{number}\r\n", shared.run);
                // Nobody waits for this answer: the run is over before.
                http.post(&[&shared.head, key.as_bytes()], &subject)
                    .await
                    .map(drop)
            };
            one_thread()?.block_on(join_all((0..WAITING).map(ask)));
            Ok(())
        });
        for _ in 0..WAITING {
            hears.recv_timeout(std::time::Duration::from_secs(30))?;
        }
        let beside = self.measure(cell, clients)?;
        anyhow::ensure!(
            !waiting.is_finished(),
            "the clients of the silent CA did not wait"
        );
        Ok(Beside { alone, beside })
    }
}
