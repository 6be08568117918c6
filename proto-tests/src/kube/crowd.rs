//! Requests to the API server by the thousand.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::kube::api::Api;

/// How many send at a time.
const HANDS: usize = 4;

/// One request: method, path, media type and body.
pub type Sent = (&'static str, String, &'static str, Value);

impl Api {
    /// Sends that many requests. Several connections, one request after the other on each: none pays for a handshake.
    ///
    /// # Errors
    /// Those of a connection, and the first that the API server did not take.
    pub fn each(&self, requests: usize, request: impl Fn(usize) -> Sent + Sync) -> Result<()> {
        let own = self.headers();
        let work = |hand: usize| -> Result<()> {
            let mut connection = self.https().connect()?;
            for n in (hand..requests).step_by(HANDS) {
                let (method, path, media_type, body) = request(n);
                let own = own.iter().map(|(name, value)| (*name, value.as_str()));
                let fields = [("Content-Type", media_type), ("Accept", "application/json")];
                let fields: Vec<(&str, &str)> = own.chain(fields).collect();
                let body = body.to_string();
                let answer = connection.request(method, &path, &fields, body.as_bytes())?;
                let taken = matches!(answer.status, 200 | 201);
                ensure!(taken, "{method} {path}: {}", answer.text());
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let work = &work;
            let hands: Vec<_> = (0..HANDS)
                .map(|hand| scope.spawn(move || work(hand)))
                .collect();
            let mut done = hands.into_iter().map(|hand| hand.join().unwrap());
            done.try_for_each(|one| one)
        })
    }
}
