//! `journal show`.

use std::io::Write;

use ra::EntryId;
use store::History;

use super::Failure;
use super::view::{EntryView, EventView, Story};

pub(super) async fn show(
    history: &History,
    text: &str,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let missing = || Failure::NotFound(text.to_owned());
    let id = EntryId::parse(text).ok_or_else(missing)?;
    let (row, entry) = history.entry(&id).await?.ok_or_else(missing)?;
    let events = history.events_of(row, &id).await?;
    let story = Story {
        entry: EntryView::of(row, false, &entry),
        events: events.into_iter().map(EventView::from).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &story).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
