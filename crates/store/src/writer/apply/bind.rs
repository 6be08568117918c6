use ra::Lease;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

use crate::rows::{AuditRow, BeginRow, IssuanceRow, WriteRow, span};

pub(super) type Bound<'q> = Query<'q, Any, AnyArguments>;

pub(super) fn bind_journal<'r>(query: Bound<'r>, row: &'r BeginRow) -> Bound<'r> {
    query
        .bind(row.row)
        .bind(&row.key[..])
        .bind(&row.fingerprint[..])
        .bind(&row.head[..])
        .bind(&row.front[..])
        .bind(row.correlation.as_deref())
}

pub(super) fn bind_running<'r>(query: Bound<'r>, row: &'r BeginRow) -> Bound<'r> {
    query
        .bind(row.row)
        .bind(1_i64)
        .bind(row.lease)
        .bind(row.due)
        .bind(&row.upstream[..])
}

pub(super) fn bind_ending<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    query.bind(row.held.row).bind(row.held.fence)
}

pub(super) fn bind_moving<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    let (lease, until) = match row.lease {
        Lease::Keep => (0_i64, 0),
        Lease::End => (1, 0),
        Lease::Again(lease) => (2, span(lease)),
    };
    query
        .bind(row.held.row)
        .bind(row.held.fence)
        .bind(row.due)
        .bind(row.upstream.as_deref())
        .bind(lease)
        .bind(until)
}

pub(super) fn bind_issuance<'r>(
    query: Bound<'r>,
    row: i64,
    issuance: &'r IssuanceRow,
) -> Bound<'r> {
    query
        .bind(row)
        .bind(&issuance.name[..])
        .bind(&issuance.certificate[..])
        .bind(&*issuance.authority)
        .bind(&*issuance.owner)
        .bind(&issuance.entry[..])
        .bind(issuance.not_after)
}

pub(super) fn bind_outcome<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    query
        .bind(row.held.row)
        .bind(&row.phase[..])
        .bind(row.front.as_deref())
        .bind(row.leaf.as_deref())
}

pub(super) fn bind_audit<'r>(query: Bound<'r>, row: &'r AuditRow) -> Bound<'r> {
    query
        .bind(row.at)
        .bind(row.kind)
        .bind(row.entry.as_deref())
        .bind(&*row.credential)
        .bind(&*row.label)
        .bind(row.serial.as_deref())
        .bind(&*row.detail)
        .bind(row.correlation.as_deref())
        .bind(row.journal)
}
