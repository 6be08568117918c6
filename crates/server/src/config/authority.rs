//! Authorities: the CAs we can ask.

use std::path::PathBuf;

use ::authority::cmp::GuardedCmp;
use ::authority::local::{HierarchySettings, LocalSettings};
use pki::Name;

use super::context::Context;
use super::raw::RawAuthority;

mod cmp;
mod guard;
mod local;
mod transport;

/// One CA, ready to be built.
pub enum AuthorityConfig {
    /// It speaks CMP.
    Cmp(Box<GuardedCmp>),
    /// It is our own.
    Local(Box<LocalConfig>),
}

/// A CA of our own.
pub struct LocalConfig {
    /// Where its keys and certificates are; made there on first start.
    pub folder: PathBuf,
    /// What is made on first start.
    pub hierarchy: HierarchySettings,
    /// What it puts into certificates.
    pub settings: LocalSettings,
}

const DN: &str = "a name like `O=Example,CN=CA`, as encoded from left to right";

pub(super) fn check(name: &str, raw: &RawAuthority, cx: &mut Context) -> Option<AuthorityConfig> {
    let at = format!("authorities.{name}");
    match (&raw.cmp, &raw.local) {
        (Some(cmp), None) => cmp::check(&format!("{at}.cmp"), name, cmp, cx)
            .map(|cmp| AuthorityConfig::Cmp(Box::new(cmp))),
        (None, Some(local)) => local::check(&format!("{at}.local"), local, cx)
            .map(|local| AuthorityConfig::Local(Box::new(local))),
        (Some(_), Some(_)) => {
            cx.wrong(&at, "both `cmp` and `local`", "one of them");
            None
        }
        (None, None) => {
            cx.wrong(
                &at,
                "neither `cmp` nor `local`",
                "`[authorities.NAME.cmp]` or `[authorities.NAME.local]`",
            );
            None
        }
    }
}

fn dn(key: &str, text: &str, cx: &mut Context) -> Option<Name> {
    match pki::name::onap::parse(text) {
        Ok(name) => Some(name),
        Err(e) => {
            cx.wrong(key, e.to_string(), DN);
            None
        }
    }
}
