//! Every entry of a span, oldest or latest first, a page at a time.

use store::{History, Recorded, Span};

use super::Failure;

/// Rows read at once.
pub(super) const PAGE: u16 = 200;

/// Which end is first.
#[derive(Clone, Copy)]
pub(super) enum Order {
    OldestFirst,
    LatestFirst,
}

/// The entries of a span, a page at a time.
pub(super) struct Entries<'h> {
    history: &'h History,
    left: Option<Span>,
    order: Order,
}

impl<'h> Entries<'h> {
    pub(super) fn new(history: &'h History, span: Span, order: Order) -> Self {
        Self {
            history,
            left: Some(span),
            order,
        }
    }

    /// The next page; empty at the end.
    pub(super) async fn page(&mut self) -> Result<Vec<Recorded>, Failure> {
        let Some(span) = self.left else {
            return Ok(Vec::new());
        };
        let page = match self.order {
            Order::OldestFirst => self.history.oldest(span, PAGE).await?,
            Order::LatestFirst => self.history.latest(span, PAGE).await?,
        };
        self.left = page.last().map(|last| match self.order {
            Order::OldestFirst => Span(last.row.saturating_add(1), span.1),
            Order::LatestFirst => Span(span.0, last.row),
        });
        Ok(page)
    }
}
