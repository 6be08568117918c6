//! `journal export`.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;
use store::{History, Recorded};

use super::lines::{Entries, Order, PAGE};
use super::list::{damage, told};
use super::view::{EntryView, EventView, IssuanceView, RevokedView};
use super::{Failure, Period};

/// What there is in a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Requests and where they stand.
    Entries,
    /// Certificates that were issued.
    Certificates,
    /// Revocations.
    Revocations,
    /// The audit trail.
    Events,
}

pub(super) async fn export(
    history: &History,
    kinds: &[Kind],
    period: Period,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let wanted = |kind| kinds.is_empty() || kinds.contains(&kind);
    let mut damaged = None;
    if wanted(Kind::Entries) {
        let mut entries = Entries::new(history, period.span(), Order::OldestFirst);
        loop {
            let page = entries.page().await?;
            if page.is_empty() {
                break;
            }
            for Recorded {
                row,
                retired,
                entry,
            } in page
            {
                match entry {
                    Ok(entry) => line(out, &EntryView::of(row, retired, &entry))?,
                    Err(error) => damage(&mut damaged, &error),
                }
            }
        }
    }
    if wanted(Kind::Certificates) {
        // They have the number of the entry that they were issued for.
        let span = period.span();
        let mut after = span.0.saturating_sub(1);
        'pages: loop {
            let page = history.issuances(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (row, issuance) in &page {
                if *row >= span.1 {
                    break 'pages;
                }
                line(out, &IssuanceView::from(issuance))?;
            }
        }
    }
    if wanted(Kind::Revocations) {
        let mut after = -1;
        loop {
            let page = history.revocations(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for revoked in page.into_iter().filter(|one| period.has(one.entry.at)) {
                line(out, &RevokedView::from(revoked))?;
            }
        }
    }
    if wanted(Kind::Events) {
        let mut after = -1;
        loop {
            let page = history.events(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for event in page.into_iter().filter(|event| period.has(event.at)) {
                line(out, &EventView::from(event))?;
            }
        }
    }
    told(damaged)
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
