//! `journal list`.

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;
use ra::{Asked, Entry};
use store::{History, Recorded};

use super::lines::{Entries, Order};
use super::{Failure, Period};

/// Which requests.
#[derive(Clone, Debug, Default, Args)]
pub struct Filter {
    /// Where it stands: begun, waiting, abandoned, issued, confirming, confirmed, withdrawn, revoked, refused, not-sent, lost.
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<String>,
    /// The label it was sent to.
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// The CA it was sent on to.
    #[arg(long, value_name = "NAME")]
    pub authority: Option<String>,
    /// The profile it came under.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The credential it was made with.
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)] // clap would take it for the help of the command.
    pub period: Period,
}

impl Filter {
    fn takes(&self, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        same(&self.phase, entry.phase.name())
            && same(&self.label, entry.label.as_str())
            && same(&self.authority, entry.authority.as_str())
            && same(&self.profile, entry.profile.as_str())
            && same(&self.owner, entry.owner.as_str())
    }
}

pub(super) async fn list(
    history: &History,
    filter: &Filter,
    limit: u64,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut entries = Entries::new(history, filter.period.span(), Order::LatestFirst);
    let (mut shown, mut damaged) = (0, None);
    while shown < limit {
        let page = entries.page().await?;
        if page.is_empty() {
            break;
        }
        for Recorded { entry, .. } in page {
            match entry {
                Ok(entry) if shown < limit && filter.takes(&entry) => {
                    writeln!(out, "{}", line(&entry))?;
                    shown += 1;
                }
                Ok(_) => {}
                Err(error) => damage(&mut damaged, &error),
            }
        }
    }
    told(damaged)
}

/// Takes note of an entry that cannot be read.
pub(super) fn damage(damaged: &mut Option<(u64, String)>, error: &ra::JournalError) {
    match damaged {
        Some((count, _)) => *count += 1,
        None => *damaged = Some((1, error.to_string())),
    }
}

/// What could not be read is said at the end.
pub(super) fn told(damaged: Option<(u64, String)>) -> Result<(), Failure> {
    match damaged {
        Some((count, first)) => Err(Failure::Damaged(count, first)),
        None => Ok(()),
    }
}

fn line(entry: &Entry) -> String {
    let begun = entry.begun_at.to_zoned(TimeZone::UTC);
    let subject = match &entry.asked {
        Asked::Enroll(template) => template.subject.to_string(),
        Asked::Revoke { of, .. } => format!("revoke {of}"),
    };
    let line = format!(
        "{}  {}  {:<10}  {}  {}  {}  {subject}",
        entry.id,
        begun.strftime("%Y-%m-%dT%H:%M:%SZ"),
        entry.phase.name(),
        entry.label,
        entry.authority,
        entry.owner,
    );
    // Names come from requesters: what would move a terminal's cursor is not passed on.
    line.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use pki::CertificateId;
    use ra::{
        AuthorityName, ConfirmedBy, CredentialId, EntryId, Label, Phase, ProfileName, Sealed,
    };

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_passed_on() {
        let of = CertificateId {
            issuer: Bytes::new(),
            serial: Bytes::new(),
        };
        let entry = Entry {
            id: EntryId([0; 16]),
            owner: CredentialId::new("a\u{1b}[2Jb\nc"),
            fingerprint: [0; 32],
            replay_for: None,
            label: Label::new("site"),
            authority: AuthorityName::new("ca"),
            profile: ProfileName::new("server"),
            asked: Asked::Revoke { of, reason: 0 },
            confirmed_by: ConfirmedBy::Ra,
            front: Sealed::default(),
            correlation: None,
            upstream: Sealed::default(),
            phase: Phase::Begun,
            due: None,
            begun_at: Timestamp::UNIX_EPOCH,
            changed_at: Timestamp::UNIX_EPOCH,
        };
        let line = line(&entry);
        assert!(line.contains("a\u{fffd}[2Jb\u{fffd}c"), "{line:?}");
    }
}
