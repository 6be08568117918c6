use std::{marker::PhantomData, time::Duration};

use serde::de::DeserializeOwned;
use url::Url;

use super::{Answer, Client, ClientError, answer::Reply};
use crate::{
    media, paths,
    v2::{Enrollment, Issued, Revocation, RevocationStatus},
};

/// How far something is that a CA may take its time for.
#[derive(Clone, Debug)]
pub enum Progress<T> {
    /// There it is.
    Done(T),
    /// Not yet.
    Waiting(Box<Pending<T>>),
}

/// Something a CA has not decided yet. Ask again after [`Pending::check_after`]; each answer is the next state:
///
/// ```no_run
/// # async fn wait(client: api::client::Client, request: api::v2::EnrollRequest, key: api::client::IdempotencyKey) -> Result<(), api::client::ClientError> {
/// use api::client::Progress;
/// let mut progress = client.enroll("web", &request, &key).await?.body;
/// let issued = loop {
///     match progress {
///         Progress::Done(issued) => break issued,
///         Progress::Waiting(pending) => {
///             tokio::time::sleep(pending.check_after()).await;
///             progress = pending.ask().await?.body;
///         }
///     }
/// };
/// # drop(issued); Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Pending<T> {
    client: Client,
    ca: String,
    id: String,
    address: Url,
    check_after: Duration,
    of: PhantomData<fn() -> T>,
}

impl<T: Awaited> Pending<T> {
    /// The service's name for it, with which another process can go on.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When asking again may be worth while: what the service said, between one second and a day.
    #[must_use]
    pub fn check_after(&self) -> Duration {
        self.check_after
    }

    /// Asks again. After an error that is transient, this may be asked once more.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask(&self) -> Result<Answer<Progress<T>>, ClientError> {
        let reply = self.client.get(self.address.clone(), media::JSON).await?;
        Self::progress(&self.client, &self.ca, reply)
    }

    /// What an answer says, and where to ask again if it says "not yet".
    pub(super) fn progress(
        client: &Client,
        ca: &str,
        reply: Reply,
    ) -> Result<Answer<Progress<T>>, ClientError> {
        let located = reply.location().and_then(|l| client.base.located(l));
        let from_head = reply.retry_after();
        let Answer {
            body,
            correlation_id,
        } = reply.json::<T::Wire>()?;
        let body = match T::judge(body) {
            Judged::Done(done) => Progress::Done(done),
            Judged::Waiting { id, check_after } => Progress::Waiting(Box::new(Self {
                client: client.clone(),
                ca: ca.to_owned(),
                address: located.unwrap_or_else(|| client.base.at(&T::path(ca, &id))),
                id,
                check_after: from_head
                    .unwrap_or(Duration::from_secs(check_after))
                    .clamp(SHORTEST_WAIT, LONGEST_WAIT),
                of: PhantomData,
            })),
        };
        Ok(Answer {
            body,
            correlation_id,
        })
    }
}

const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// What a CA may take its time for: certificates and revocations.
pub trait Awaited: sealed::Awaited {}
impl<T: sealed::Awaited> Awaited for T {}

/// A revocation that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The service's name for the revocation.
    pub id: String,
}

use sealed::Judged;

mod sealed {
    use super::DeserializeOwned;

    pub trait Awaited: Sized {
        /// How its state is written.
        type Wire: DeserializeOwned;
        fn judge(wire: Self::Wire) -> Judged<Self>;
        fn path(ca: &str, id: &str) -> String;
    }

    pub enum Judged<T> {
        Done(T),
        Waiting { id: String, check_after: u64 },
    }
}

impl sealed::Awaited for Issued {
    type Wire = Enrollment;

    fn judge(wire: Enrollment) -> Judged<Self> {
        match wire {
            Enrollment::Issued(issued) => Judged::Done(*issued),
            Enrollment::Waiting(waiting) => Judged::Waiting {
                id: waiting.id,
                check_after: waiting.check_after,
            },
        }
    }

    fn path(ca: &str, id: &str) -> String {
        paths::enrollment(ca, id)
    }
}

impl sealed::Awaited for Revoked {
    type Wire = Revocation;

    fn judge(wire: Revocation) -> Judged<Self> {
        match wire.status {
            RevocationStatus::Revoked => Judged::Done(Self { id: wire.id }),
            RevocationStatus::Waiting => Judged::Waiting {
                id: wire.id,
                check_after: wire.check_after.unwrap_or(5),
            },
        }
    }

    fn path(ca: &str, id: &str) -> String {
        paths::revocation(ca, id)
    }
}
