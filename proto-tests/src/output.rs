//! What a program writes, kept and searchable while it runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// For how long a line is waited for. Long enough for a machine under load; a test that passes never waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Everything a program wrote to standard output and standard error since it was first started.
#[derive(Clone, Default)]
pub struct Output(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Default)]
struct State {
    text: String,
    /// Streams not yet at their end.
    open: usize,
}

impl Output {
    /// Keeps what comes out of `stream`, here and in `file`, until its end.
    pub(crate) fn keep(&self, stream: impl Read + Send + 'static, file: PathBuf) {
        self.state().open += 1;
        let output = self.clone();
        std::thread::spawn(move || {
            let mut copy = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(file)
                .ok();
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if let Some(copy) = &mut copy {
                    let _full_disk = copy.write_all(&line);
                }
                output
                    .state()
                    .text
                    .push_str(&String::from_utf8_lossy(&line));
                output.0.grown.notify_all();
                line.clear();
            }
            output.state().open -= 1;
            output.0.grown.notify_all();
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// All of it up to now.
    pub fn text(&self) -> String {
        self.state().text.clone()
    }

    /// How much there is up to now: a mark to search from.
    pub fn mark(&self) -> usize {
        self.state().text.len()
    }

    /// Waits until `found` finds something in what was written after `mark`; `None` when the program ends or patience does first.
    pub fn wait<T>(&self, mark: usize, found: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some(found) = state.text.get(mark..).and_then(&found) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.open == 0 || left.is_zero() {
                return None;
            }
            state = self.0.grown.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits until the program has closed its output; false when patience ended first.
    pub fn ended(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while state.open > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.0.grown.wait_timeout(state, left).unwrap().0;
        }
        true
    }
}
