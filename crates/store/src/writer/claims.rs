//! The claims this process holds, so that one that is stopped gives them back instead of letting others wait for their end.

use std::collections::HashMap;

use crate::rows::{Held, Work};

/// More than any process works on at a time. Claims that other processes took over are never ended here, and must not fill the memory.
const MOST: usize = 1 << 16;

/// Claims by row. Forgetting one costs time, nothing else: it ends by itself.
#[derive(Default)]
pub(super) struct Claims(HashMap<i64, Claimed>);

struct Claimed {
    fence: i64,
    /// Whether the row is the next claimant's to carry on at once. A row that a client's word was claimed for, and that was not written
    /// since, keeps its time: it may be the client's until then.
    is_due: bool,
}

impl Claims {
    /// Work that is durable, and the rows it got hold of.
    pub(super) fn note(&mut self, work: &Work, got: &[Held]) {
        match work {
            Work::Begin(_) | Work::ClaimDue { .. } => self.hold(got, true),
            Work::Claim { .. } => self.hold(got, false),
            Work::Write(row) if row.lease == ra::Lease::End || got.is_empty() => {
                self.end(row.held);
            }
            Work::Write(row) => self.hold(&[row.held], true),
            Work::Release(held) | Work::HandOver(held) => self.end(*held),
            Work::Record(_) | Work::Prune(_) | Work::Hasten(_) => {}
        }
    }

    /// Work that gives all of them back.
    pub(super) fn give_back(&mut self) -> Vec<Work> {
        let held = self.0.drain().map(|(row, Claimed { fence, is_due })| {
            let held = Held { row, fence };
            if is_due {
                Work::HandOver(held)
            } else {
                Work::Release(held)
            }
        });
        held.collect()
    }

    fn hold(&mut self, got: &[Held], is_due: bool) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let claimed = got
            .iter()
            .map(|&Held { row, fence }| (row, Claimed { fence, is_due }));
        self.0.extend(claimed);
    }

    fn end(&mut self, held: Held) {
        // Another fence is a later claim.
        if self
            .0
            .get(&held.row)
            .is_some_and(|claimed| claimed.fence == held.fence)
        {
            self.0.remove(&held.row);
        }
    }
}
