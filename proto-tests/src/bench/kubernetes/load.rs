//! Objects by the thousand, and the time until they are ready.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::{Csr, Template};
use serde_json::{Value, json};

use super::site::Site;
use crate::Keys;
use crate::certs::{dn, sans};
use crate::kube::Resource;
use crate::kube::watch::condition;

/// Server-side apply.
pub(super) const APPLY: &str = "application/apply-patch+yaml";
/// JSON merge patch (RFC 7396).
pub(super) const MERGE: &str = "application/merge-patch+json";
/// What takes longer does not end.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Makes that many requests.
pub(super) fn requests(site: &Site, objects: usize) -> Result<()> {
    let key = Keys::ec();
    let mut template = Template::new(dn("CN=request"), key.public_key().clone());
    template.sans = sans(&["dns:request.example.com"]);
    let csr = BASE64_STANDARD.encode(Csr::build(&template, &key)?.to_pem());
    let spec = json!({ "spec": { "request": csr, "issuerRef": site.issuer() } });
    let requests = Resource::cert_manager("CertificateRequest");
    let namespace = site.namespace();
    let path = requests.path(Some(&namespace.name));
    site.cluster.admin.each(objects, |n| {
        let object = namespace.object(&requests, &name(n), &spec);
        ("POST", path.clone(), "application/json", object)
    })
}

/// Makes that many requests and has them approved: by cert-manager's approver where it runs, else as it does.
pub(super) fn approved_requests(site: &mut Site, objects: usize) -> Result<()> {
    if site.ours.is_some() {
        let make = |site: &mut Site| requests(site, objects);
        return until("CertificateRequest", "Approved", site, objects, make).map(|_| ());
    }
    requests(site, objects)?;
    let status = json!({ "status": { "conditions": [approved()] } });
    status_of_each(site, objects, MERGE, &status)
}

/// An approver's condition.
pub(super) fn approved() -> Value {
    json!({
        "type": "Approved", "status": "True", "reason": "Measured", "message": "for a measure",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

/// Writes the same status to each of them, by a kind of patch.
pub(super) fn status_of_each(
    site: &Site,
    objects: usize,
    media_type: &'static str,
    status: &Value,
) -> Result<()> {
    let requests = Resource::cert_manager("CertificateRequest");
    let namespace = site.namespace();
    let path = requests.path(Some(&namespace.name));
    let more = if media_type == APPLY {
        "fieldManager=bench&force=true"
    } else {
        "fieldManager=bench"
    };
    site.cluster.admin.each(objects, |n| {
        let path = format!("{path}/{}/status?{more}", name(n));
        let object = namespace.object(&requests, &name(n), status);
        ("PATCH", path, media_type, object)
    })
}

/// Makes that many Certificates.
pub(super) fn certificates(site: &Site, objects: usize) -> Result<()> {
    let certificates = Resource::cert_manager("Certificate");
    let namespace = site.namespace();
    let path = certificates.path(Some(&namespace.name));
    site.cluster.admin.each(objects, |n| {
        let spec = json!({ "spec": {
            "dnsNames": [format!("{}.example.com", name(n))],
            "secretName": name(n),
            "privateKey": { "algorithm": "ECDSA", "size": 256 },
            "issuerRef": site.issuer(),
        } });
        let object = namespace.object(&certificates, &name(n), &spec);
        ("POST", path.clone(), "application/json", object)
    })
}

fn name(n: usize) -> String {
    format!("n-{n}")
}

/// From the first of them that has reached a condition to the last, by this machine's clock, while `begin` gives the work.
pub(super) fn until(
    kind: &str,
    reached: &'static str,
    site: &mut Site,
    objects: usize,
    begin: impl FnOnce(&mut Site) -> Result<()>,
) -> Result<Duration> {
    let path = Resource::cert_manager(kind).path(Some(&site.namespace().name));
    let admin = site.cluster.admin.clone();
    let watch = std::thread::spawn(move || {
        let (mut there, mut first, mut last) = (HashSet::new(), None, None);
        let complete = admin.each_change(&path, LONGEST, |object| {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if name.starts_with("n-")
                && condition(object, reached)["status"] == "True"
                && there.insert(name.to_owned())
            {
                last = Some(Instant::now());
                first = first.or(last);
            }
            there.len() < objects
        });
        complete.map(|()| (first, last, there.len()))
    });
    begin(site)?;
    let (first, last, count) = watch.join().unwrap()?;
    ensure!(count == objects, "{count} of {objects} have {reached}");
    let (first, last) = first.zip(last).context("there was nothing")?;
    Ok(last - first)
}
