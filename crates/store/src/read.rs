use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use jiff::Timestamp;
use pki::{Certificate, CertificateId, Name};
use ra::{
    AuthorityName, Correlation, CredentialId, CrlEntry, Entry, EntryId, Issuance, JournalError,
    Sealed, UnderWay,
};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Row as _};

use crate::codec::{CodecError, count, head_of, is_for_its_requester, phase_of};
use crate::database::Database;
use crate::fault::{Blame, Fault};
use crate::known::{Digest, Known};
use crate::name::{folded, name_of};
use crate::numbers::begun_at;
use crate::outage::Outage;
use crate::rows::PutOff;
use crate::sql::Sql;

/// What can be asked without the writer.
pub(crate) struct Reader<'a> {
    pub(crate) pool: &'a AnyPool,
    pub(crate) database: &'a Database,
    pub(crate) known: &'a Known,
    pub(crate) leaves: &'a Known,
    pub(crate) outage: &'a Outage,
    /// How long an answer may take.
    pub(crate) within: Duration,
}

impl Reader<'_> {
    pub(crate) fn sql(&self) -> &'static Sql {
        self.database.sql()
    }

    /// Every row of a query, whose connection may be gone or its password be another by now: it only reads, so it is
    /// asked once more then.
    pub(crate) async fn rows<'q>(
        &self,
        query: impl Fn() -> Query<'q, Any, AnyArguments>,
    ) -> Result<Vec<AnyRow>, JournalError> {
        let fault = match self.ask(query()).await {
            Ok(rows) => return Ok(rows),
            Err(fault) => fault,
        };
        if fault.password {
            self.database.refresh(self.pool).await;
        } else if fault.blame != Blame::Connection {
            return Err(fault.into());
        }
        Ok(self.ask(query()).await?)
    }

    /// The only row there can be.
    async fn row<'q>(
        &self,
        query: impl Fn() -> Query<'q, Any, AnyArguments>,
    ) -> Result<Option<AnyRow>, JournalError> {
        Ok(self.rows(query).await?.pop())
    }

    async fn ask(&self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<AnyRow>, Fault> {
        let asked = tokio::time::timeout(self.within, query.fetch_all(self.pool));
        match self.outage.unless(asked).await? {
            Ok(rows) => Ok(rows?),
            Err(_) => Err(Fault::no_answer()),
        }
    }

    /// The entry under a key, with its row's number.
    pub(crate) async fn by_key(&self, id: &EntryId) -> Result<Option<(i64, Entry)>, JournalError> {
        let row = self.row(|| sqlx::query(&*self.sql().find_by_key).bind(&id.0[..]));
        self.entry(row.await?).await
    }

    /// The entry in a row.
    pub(crate) async fn by_row(&self, row: i64) -> Result<Option<(i64, Entry)>, JournalError> {
        let row = self.row(|| sqlx::query(&*self.sql().find_by_row).bind(row));
        self.entry(row.await?).await
    }

    /// Whether a row has come to exactly that phase.
    pub(crate) async fn stands(&self, row: i64, phase: &[u8]) -> Result<bool, JournalError> {
        let found = self.rows(|| sqlx::query(self.sql().stands).bind(row).bind(phase));
        Ok(!found.await?.is_empty())
    }

    /// What is known of a certificate.
    pub(crate) async fn issuance(
        &self,
        of: &CertificateId,
    ) -> Result<Option<Issuance>, JournalError> {
        let row = self.row(|| sqlx::query(self.sql().issuance).bind(name_of(of)));
        let Some(row) = row.await? else {
            return Ok(None);
        };
        let issuance = issuance(&row).map_err(|e| e.of("an issuance"))?;
        Ok((issuance.certificate.id() == *of).then_some(issuance))
    }

    /// What is known of a certificate whose issuer has that name, however it is encoded.
    pub(crate) async fn issuance_by(
        &self,
        issuer: &Name,
        serial: &Bytes,
    ) -> Result<Option<Issuance>, JournalError> {
        let rows = self.rows(|| sqlx::query(self.sql().issuers).bind(folded(issuer)));
        for row in rows.await? {
            let issuer: Vec<u8> = row
                .try_get(0)
                .map_err(|e| ReadError::from(e).of("an issuer's name"))?;
            let of = CertificateId {
                issuer: issuer.into(),
                serial: serial.clone(),
            };
            if let Some(found) = self.issuance(&of).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Every revocation by a CA, oldest first.
    pub(crate) async fn revoked(&self, by: &AuthorityName) -> Result<Vec<CrlEntry>, JournalError> {
        let rows = self.rows(|| sqlx::query(self.sql().revoked).bind(by.as_str()));
        rows.await?
            .iter()
            .map(revocation)
            .collect::<Result<_, _>>()
            .map_err(|e| e.of("a revocation"))
    }

    /// How many requests stand where, of those that still move.
    pub(crate) async fn under_way(&self) -> Result<UnderWay, JournalError> {
        let counting = async {
            let mut counted = UnderWay::default();
            let mut rows = sqlx::query(self.sql().under_way).fetch(self.pool);
            while let Some(row) = rows.next().await {
                let phase = row?.try_get::<Option<Vec<u8>>, _>(0)?;
                // A damaged row is found where it is read for its own sake.
                let _damaged = count(phase.as_deref(), &mut counted);
            }
            Ok::<_, Fault>(counted)
        };
        let counted = self
            .outage
            .unless(tokio::time::timeout(self.within, counting));
        Ok(counted.await?.unwrap_or_else(|_| Err(Fault::no_answer()))?)
    }

    /// What is due later than `at`, as [`ra::Journal::hasten`] means it.
    pub(crate) async fn put_off(&self, at: i64) -> Result<Vec<PutOff>, JournalError> {
        let rows = self.rows(|| sqlx::query(self.sql().later).bind(at)).await?;
        let put_off = |row: &AnyRow| {
            let phase: Option<Vec<u8>> = row.try_get(2)?;
            // A damaged row is found where it is read for its own sake.
            let waits = is_for_its_requester(phase.as_deref()).unwrap_or(true);
            let found = PutOff {
                row: row.try_get(0)?,
                due: row.try_get(1)?,
                to: at,
            };
            Ok::<_, sqlx::Error>((!waits).then_some(found))
        };
        let found = rows.iter().map(put_off).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|e| ReadError::from(e).of("what is under way"))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// When the newest entry was begun.
    pub(crate) async fn newest(&self) -> Result<Option<Timestamp>, JournalError> {
        let row = self.row(|| sqlx::query(self.sql().newest)).await?;
        let number = row.map(|row| row.try_get::<Option<i64>, _>(0)).transpose();
        let number = number.map_err(|e| ReadError::from(e).of("the newest entry"))?;
        Ok(number.flatten().map(begun_at))
    }

    async fn entry(&self, row: Option<AnyRow>) -> Result<Option<(i64, Entry)>, JournalError> {
        match row {
            Some(row) => self.entry_of(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The entry that a row of one of the queries for entries holds.
    pub(crate) async fn entry_of(&self, row: &AnyRow) -> Result<(i64, Entry), JournalError> {
        let row = EntryRow::of(row).map_err(|e| e.of("an entry"))?;
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
        Ok((number, entry))
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
        let row = self.row(|| sqlx::query(self.sql().certificate).bind(digest.to_vec()));
        let Some(row) = row.await? else {
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

/// An issuance: certificate, CA, owner, entry, and when and why it was revoked.
pub(crate) fn issuance(row: &AnyRow) -> Result<Issuance, ReadError> {
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
}

/// A revocation: issuer, serial number, when and why.
pub(crate) fn revocation(row: &AnyRow) -> Result<CrlEntry, ReadError> {
    let of = CertificateId {
        issuer: row.try_get::<Vec<u8>, _>(0)?.into(),
        serial: row.try_get::<Vec<u8>, _>(1)?.into(),
    };
    Ok(CrlEntry {
        of,
        at: time(row.try_get(2)?)?,
        reason: byte(row.try_get(3)?)?,
    })
}

/// Why a row could not be turned into what it says; never quotes it.
pub(crate) enum ReadError {
    Codec(CodecError),
    Column,
}

impl ReadError {
    pub(crate) fn of(&self, what: &str) -> JournalError {
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

pub(crate) fn time(micros: i64) -> Result<Timestamp, ReadError> {
    Timestamp::from_microsecond(micros).map_err(|_| CodecError::Damaged("time").into())
}

fn byte(number: i64) -> Result<u8, ReadError> {
    u8::try_from(number).map_err(|_| CodecError::Damaged("reason").into())
}

pub(crate) fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], ReadError> {
    bytes.try_into().map_err(|_| ReadError::Column)
}
