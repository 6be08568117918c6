//! The common part of enrollment and renewal: from a request to files, resumable at every step.

use std::path::PathBuf;

use api::{
    ProblemSlug,
    client::Client,
    v2::{EnrollRequest, Issued},
};
use jiff::Timestamp;
use pki::{KeyKind, PrivateKey, PublicKey};

use crate::{
    bundle::Bundle,
    exit::{Exit, Failure},
    job::{Intent, Job, Workplace},
    key,
    notes::Notes,
    outputs::Places,
    patience::Patience,
    report::Report,
};

/// Where the key of the certificate comes from.
pub(crate) enum KeySource {
    /// One is made.
    Make(KeyKind),
    /// Here it is; perhaps out of this file.
    Given(PrivateKey, Option<PathBuf>),
    /// Its owner sent a CSR and keeps it.
    Elsewhere(PublicKey),
}

/// Where results go, and where unfinished work is kept beside them.
pub(crate) struct Site<'a> {
    /// The results.
    pub(crate) places: &'a Places,
    /// The work.
    pub(crate) workplace: &'a Workplace,
    /// What people are told.
    pub(crate) notes: &'a Notes,
}

impl Site<'_> {
    /// Takes up the work for this intent or begins it, and sees it through. `request` is made once per enrollment, with the key if it is
    /// here.
    pub(crate) async fn acquire(
        &self,
        client: &Client,
        patience: Patience,
        intent: Intent,
        source: KeySource,
        request: impl FnOnce(Option<&PrivateKey>) -> Result<EnrollRequest, Failure>,
    ) -> Result<Report, Failure> {
        let (job, key) = match self.resumed(&intent, source) {
            Ok(resumed) => resumed,
            Err(source) => self.begun(intent, source, request)?,
        };
        if let Some(issued) = &job.issued {
            let bundle = self.believed(issued, key.public())?;
            return self.delivered(&job, &bundle, &key, None);
        }
        let idempotency_key = job.idempotency_key()?;
        let sent = patience
            .see_through::<Issued>(self.notes, async || {
                client
                    .enroll(&job.intent.ca, &job.request, &idempotency_key)
                    .await
            })
            .await;
        let answer = sent.inspect_err(|failure| self.given_up(failure))?;
        let bundle = self.believed(&answer.body, key.public())?;
        let job = job.answered(answer.body);
        self.workplace.keep(&job, None)?;
        self.delivered(&job, &bundle, &key, answer.correlation_id.as_deref())
    }

    /// If an earlier run got the answer and then died: puts the files in their places.
    pub(crate) fn finish(
        &self,
        intent: &Intent,
        given: Option<KeySource>,
    ) -> Result<Option<Report>, Failure> {
        let Some((job, issued)) = self
            .workplace
            .begun(intent)
            .and_then(|job| job.issued.clone().map(|issued| (job, issued)))
        else {
            return Ok(None);
        };
        let key = match given {
            Some(source) => Held::of(source)?,
            None => match self.workplace.key() {
                Ok(key) => Held::Here(key, None),
                Err(_) => return Ok(None),
            },
        };
        let Ok(bundle) = Bundle::checked(&issued, key.public(), Timestamp::now()) else {
            return Ok(None);
        };
        self.notes
            .say("the certificate was here already; finishing what an earlier run began");
        self.delivered(&job, &bundle, &key, None).map(Some)
    }

    fn believed(&self, issued: &Issued, key: &PublicKey) -> Result<Bundle, Failure> {
        let file = self.workplace.file().display();
        Bundle::checked(issued, key, Timestamp::now()).map_err(|f| {
            Failure::new(
                f.exit,
                format!("{f}; if it stays so, remove {file} to start anew"),
            )
        })
    }

    fn delivered(
        &self,
        job: &Job,
        bundle: &Bundle,
        key: &Held,
        correlation_id: Option<&str>,
    ) -> Result<Report, Failure> {
        let file = if let Held::Here(_, Some(file)) = key {
            Some(file.as_path())
        } else {
            None
        };
        let written = self
            .places
            .write(bundle, key.private(), file, Timestamp::now())?;
        self.workplace.clear()?;
        Ok(Report::issued(
            bundle,
            job.issued.as_ref(),
            &written,
            correlation_id,
        ))
    }

    /// The work of an earlier run; the source again if there is none, or its key is gone.
    fn resumed(&self, intent: &Intent, source: KeySource) -> Result<(Job, Held), KeySource> {
        let Some(job) = self.workplace.begun(intent) else {
            return Err(source);
        };
        let key = match source {
            KeySource::Make(kind) => match self.workplace.key() {
                Ok(key) => Held::Here(key, None),
                Err(_) => return Err(KeySource::Make(kind)),
            },
            KeySource::Given(key, file) => Held::Here(key, file),
            KeySource::Elsewhere(key) => Held::There(key),
        };
        self.notes
            .say("going on with an enrollment that was begun before");
        Ok((job, key))
    }

    fn begun(
        &self,
        intent: Intent,
        source: KeySource,
        request: impl FnOnce(Option<&PrivateKey>) -> Result<EnrollRequest, Failure>,
    ) -> Result<(Job, Held), Failure> {
        let made = matches!(source, KeySource::Make(_));
        let key = Held::of(source)?;
        let job = Job::new(intent, request(key.private())?)?;
        if self.workplace.file().exists() {
            self.notes
                .say("an unfinished enrollment for something else is given up");
        }
        self.workplace.clear()?;
        self.workplace.keep(&job, key.private().filter(|_| made))?;
        Ok((job, key))
    }

    /// Forgets work that will never be finished. What may still be, stays.
    fn given_up(&self, failure: &Failure) {
        let over = failure.exit == Exit::Rejected
            || matches!(
                failure.slug(),
                Some(ProblemSlug::Lost | ProblemSlug::WaitingTimeout)
            );
        if over && let Err(trouble) = self.workplace.clear() {
            self.notes.say(&trouble.message);
        }
    }
}

/// The key of the certificate, or as much of it as we have.
enum Held {
    Here(PrivateKey, Option<PathBuf>),
    There(PublicKey),
}

impl Held {
    fn of(source: KeySource) -> Result<Self, Failure> {
        Ok(match source {
            KeySource::Make(kind) => Self::Here(key::make(kind)?, None),
            KeySource::Given(key, file) => Self::Here(key, file),
            KeySource::Elsewhere(key) => Self::There(key),
        })
    }

    fn public(&self) -> &PublicKey {
        match self {
            Self::Here(key, _) => key.public_key(),
            Self::There(key) => key,
        }
    }

    fn private(&self) -> Option<&PrivateKey> {
        match self {
            Self::Here(key, _) => Some(key),
            Self::There(_) => None,
        }
    }
}
