//! The names that have issued something, for a journal whose rows are older than the table of them.

use sqlx::{AnyConnection, Row as _};

use crate::fault::Fault;
use crate::known::Known;
use crate::name::folded;
use crate::sql::Sql;

/// Puts the subjects of every CA certificate that came with an answer into an empty table of issuers. Those that issue
/// from now on are added as they do.
pub(crate) async fn complete(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    known: &Known,
) -> Result<(), Fault> {
    if sqlx::query(sql.any_issuer)
        .fetch_optional(&mut *connection)
        .await?
        .is_some()
    {
        return Ok(());
    }
    let rows = sqlx::query(sql.ca_certificates)
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        // A damaged one is found, and said to be so, when it is needed.
        let Ok(certificate) = pki::Certificate::from_der(row.try_get::<Vec<u8>, _>(0)?) else {
            continue;
        };
        let Ok(name) = pki::name::to_der(certificate.subject()) else {
            continue;
        };
        let digest = pki::digest::sha256(&name);
        for (text, _) in sql.insert_issuer.cut(&[()]) {
            let query = sqlx::query(text).bind(&digest[..]);
            let query = query.bind(folded(certificate.subject())).bind(&name[..]);
            query.execute(&mut *connection).await?;
        }
        known.add_issuer(digest);
    }
    Ok(())
}
