use std::collections::HashMap;

use bytes::Bytes;
use futures::StreamExt as _;
use jiff::Timestamp;
use pki::{Certificate, CertificateId};
use ra::{
    AuthorityName, Correlation, CredentialId, CrlEntry, Entry, EntryId, Issuance, JournalError,
    Sealed, UnderWay,
};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

use crate::codec::{CodecError, count, head_of, phase_of};
use crate::fault::unavailable;
use crate::known::{Digest, Known};
use crate::name::name_of;
use crate::sql::Sql;

/// What can be asked without the writer.
pub(crate) struct Reader<'a> {
    pub(crate) pool: &'a AnyPool,
    pub(crate) sql: &'static Sql,
    pub(crate) known: &'a Known,
    pub(crate) leaves: &'a Known,
}

impl Reader<'_> {
    /// The entry under a key, with its row's number.
    pub(crate) async fn by_key(&self, id: &EntryId) -> Result<Option<(i64, Entry)>, JournalError> {
        let row = sqlx::query(&*self.sql.find_by_key)
            .bind(&id.0[..])
            .fetch_optional(self.pool)
            .await;
        self.entry(row.map_err(unavailable)?).await
    }

    /// The entry in a row.
    pub(crate) async fn by_row(&self, row: i64) -> Result<Option<(i64, Entry)>, JournalError> {
        let row = sqlx::query(&*self.sql.find_by_row)
            .bind(row)
            .fetch_optional(self.pool)
            .await;
        self.entry(row.map_err(unavailable)?).await
    }

    /// What is known of a certificate.
    pub(crate) async fn issuance(
        &self,
        of: &CertificateId,
    ) -> Result<Option<Issuance>, JournalError> {
        let row = sqlx::query(self.sql.issuance)
            .bind(name_of(of))
            .fetch_optional(self.pool)
            .await;
        let Some(row) = row.map_err(unavailable)? else {
            return Ok(None);
        };
        let read = || -> Result<Issuance, ReadError> {
            let revoked = match (
                row.try_get::<Option<i64>, _>(4)?,
                row.try_get::<Option<i64>, _>(5)?,
            ) {
                (Some(at), Some(reason)) => Some((time(at)?, byte(reason)?)),
                _ => None,
            };
            Ok(Issuance {
                certificate: certificate(row.try_get(0)?)?,
                authority: AuthorityName::new(row.try_get::<String, _>(1)?),
                owner: CredentialId::new(row.try_get::<String, _>(2)?),
                entry: EntryId(fixed(row.try_get(3)?)?),
                revoked,
            })
        };
        let issuance = read().map_err(|e| e.of("an issuance"))?;
        Ok((issuance.certificate.id() == *of).then_some(issuance))
    }

    /// Every revocation by a CA, oldest first.
    pub(crate) async fn revoked(&self, by: &AuthorityName) -> Result<Vec<CrlEntry>, JournalError> {
        let rows = sqlx::query(self.sql.revoked)
            .bind(by.as_str())
            .fetch_all(self.pool)
            .await
            .map_err(unavailable)?;
        let read = |row: &AnyRow| -> Result<CrlEntry, ReadError> {
            let of = CertificateId {
                issuer: row.try_get::<Vec<u8>, _>(0)?.into(),
                serial: row.try_get::<Vec<u8>, _>(1)?.into(),
            };
            Ok(CrlEntry {
                of,
                at: time(row.try_get(2)?)?,
                reason: byte(row.try_get(3)?)?,
            })
        };
        rows.iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|e| e.of("a revocation"))
    }

    /// How many requests stand where, of those that still move.
    pub(crate) async fn under_way(&self) -> Result<UnderWay, JournalError> {
        let mut counted = UnderWay::default();
        let mut rows = sqlx::query(self.sql.under_way).fetch(self.pool);
        while let Some(row) = rows.next().await {
            let row = row.map_err(unavailable)?;
            let phase = row.try_get::<Option<Vec<u8>>, _>(0);
            let phase = phase.map_err(|e| ReadError::from(e).of("a phase"))?;
            // A damaged row is found where it is read for its own sake.
            let _damaged = count(phase.as_deref(), &mut counted);
        }
        Ok(counted)
    }

    async fn entry(&self, row: Option<AnyRow>) -> Result<Option<(i64, Entry)>, JournalError> {
        let Some(row) = row else { return Ok(None) };
        let row = EntryRow::of(&row).map_err(|e| e.of("an entry"))?;
        let number = row.number;
        let name = format!("entry {} (row {number})", row.id);
        let (changed_at, phase) = match &row.phase {
            None => (None, ra::Phase::Begun),
            Some(bytes) => {
                let stored = phase_of(bytes).map_err(|e| ReadError::Codec(e).of(&name))?;
                let mut others = HashMap::new();
                for digest in stored.others() {
                    if let Some(certificate) = self.certificate(digest, &name).await? {
                        others.insert(digest, certificate);
                    }
                }
                let leaf = row.leaf.as_ref().map(|der| self.leaf(der)).transpose();
                let leaf = leaf.map_err(|e| e.of(&name))?;
                let changed_at = stored.changed_at;
                let phase = stored.with(leaf.as_ref(), |digest| others.get(digest).cloned());
                (
                    Some(changed_at),
                    phase.map_err(|e| ReadError::Codec(e).of(&name))?,
                )
            }
        };
        let head = head_of(&row.head).map_err(|e| ReadError::Codec(e).of(&name))?;
        let entry = Entry {
            id: row.id,
            owner: head.owner,
            fingerprint: row.fingerprint,
            replay_for: head.replay_for,
            label: head.label,
            authority: head.authority,
            profile: head.profile,
            asked: head.asked,
            confirmed_by: head.confirmed_by,
            front: Sealed(row.front),
            correlation: row.correlation,
            upstream: Sealed(row.upstream),
            phase,
            due: row.due,
            begun_at: head.begun_at,
            changed_at: changed_at.unwrap_or(head.changed_at),
        };
        Ok(Some((number, entry)))
    }

    fn leaf(&self, der: &[u8]) -> Result<Certificate, ReadError> {
        let digest = pki::digest::sha256(der);
        match self.leaves.find(&digest) {
            Some(known) => Ok(known),
            None => {
                let leaf = certificate(der.to_vec())?;
                self.leaves.add(digest, leaf.clone());
                Ok(leaf)
            }
        }
    }

    async fn certificate(
        &self,
        digest: Digest,
        of: &str,
    ) -> Result<Option<Certificate>, JournalError> {
        if let Some(known) = self.known.find(&digest) {
            return Ok(Some(known));
        }
        let row = sqlx::query(self.sql.certificate)
            .bind(&digest[..])
            .fetch_optional(self.pool)
            .await;
        let Some(row) = row.map_err(unavailable)? else {
            return Ok(None);
        };
        let der = row
            .try_get(0)
            .map_err(ReadError::from)
            .and_then(certificate)
            .map_err(|e| e.of(of))?;
        self.known.add(digest, der.clone());
        Ok(Some(der))
    }
}

struct EntryRow {
    number: i64,
    id: EntryId,
    fingerprint: [u8; 32],
    head: Vec<u8>,
    front: Bytes,
    due: Option<Timestamp>,
    upstream: Bytes,
    phase: Option<Vec<u8>>,
    leaf: Option<Vec<u8>>,
    correlation: Option<Correlation>,
}

impl EntryRow {
    fn of(row: &AnyRow) -> Result<Self, ReadError> {
        let newer_front: Option<Vec<u8>> = row.try_get(8)?;
        let own_leaf: Option<Vec<u8>> = row.try_get(9)?;
        Ok(Self {
            number: row.try_get(0)?,
            id: EntryId(fixed(row.try_get(1)?)?),
            fingerprint: fixed(row.try_get(2)?)?,
            head: row.try_get(3)?,
            front: match newer_front {
                Some(front) => front.into(),
                None => row.try_get::<Vec<u8>, _>(4)?.into(),
            },
            due: row.try_get::<Option<i64>, _>(5)?.map(time).transpose()?,
            upstream: row
                .try_get::<Option<Vec<u8>>, _>(6)?
                .unwrap_or_default()
                .into(),
            phase: row.try_get(7)?,
            leaf: match own_leaf {
                Some(leaf) => Some(leaf),
                None => row.try_get(10)?,
            },
            correlation: row
                .try_get::<Option<String>, _>(11)?
                .and_then(|text| Correlation::parse(&text)),
        })
    }
}

/// Why a row could not be turned into what it says; never quotes it.
enum ReadError {
    Codec(CodecError),
    Column,
}

impl ReadError {
    fn of(&self, what: &str) -> JournalError {
        let why = match self {
            Self::Codec(e) => e.to_string(),
            Self::Column => "a column is missing or holds something else".to_owned(),
        };
        JournalError::Unavailable(format!(
            "{what} cannot be read ({why}): restore the journal from a backup, or ask again under a new key"
        ))
    }
}

impl From<CodecError> for ReadError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(_: sqlx::Error) -> Self {
        Self::Column
    }
}

fn certificate(der: Vec<u8>) -> Result<Certificate, ReadError> {
    Certificate::from_der(der).map_err(|_| CodecError::Damaged("certificate").into())
}

fn time(micros: i64) -> Result<Timestamp, ReadError> {
    Timestamp::from_microsecond(micros).map_err(|_| CodecError::Damaged("time").into())
}

fn byte(number: i64) -> Result<u8, ReadError> {
    u8::try_from(number).map_err(|_| CodecError::Damaged("reason").into())
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], ReadError> {
    bytes.try_into().map_err(|_| ReadError::Column)
}
