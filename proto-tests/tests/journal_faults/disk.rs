//! A disk that is full or cannot be written: requests are shed, nothing is lost, and service is back when there is room.

use std::path::Path;
use std::process::Command;

use proto_tests::record::Ledger;
use proto_tests::{EmbeddedCa, Launch, peer};

use crate::site::{Node, Order, Site};

/// A process that is told when it writes too much, instead of being killed.
fn told_of_limits(launch: Launch) -> Launch {
    launch.under("sh", &["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
}

/// From now on it can write no file beyond that many bytes; `unlimited` lifts it.
fn limit(node: &Node, bytes: &str) {
    let pid = node.program.id().to_string();
    peer::run(
        "prlimit",
        Path::new("/"),
        &["--pid", &pid, &format!("--fsize={bytes}:unlimited")],
    );
}

fn agree(ca: &EmbeddedCa, site: &Site) {
    let ledger = Ledger::file(&site.setup.path("journal.db"));
    let records = ledger.all();
    let held = records.iter().filter(|r| r.certificate.is_some()).count();
    assert_eq!(i64::try_from(held).unwrap(), ca.issued());
    assert!(records.iter().all(|record| !record.runs), "{records:?}");
}

#[test]
fn a_journal_that_can_grow_no_more_sheds_requests_and_goes_on_when_it_can() {
    if peer::missing("prlimit") {
        return;
    }
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(told_of_limits(site.launch()));
    let client = site.rest(&node);
    Order::new("before").finish(&client);
    let issued = ca.issued();

    limit(&node, "4096");
    let orders: Vec<Order> = (0..6).map(|n| Order::new(&format!("full-{n}"))).collect();
    for order in &orders {
        let answer = order.send(&client).unwrap();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(
        ca.issued(),
        issued,
        "the CA is not asked for what cannot be written down"
    );
    node.program.log_has("reading or writing the disk failed");

    limit(&node, "unlimited");
    for order in &orders {
        order.finish(&client);
    }
    agree(&ca, &site);
}

/// A small file system of one's own; it goes with this value.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where this user may not mount.
    fn small() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|done| done.status.success())
            .then_some(Self(folder))
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let path = self.0.path().display().to_string();
        peer::run("mount", Path::new("/"), &["-o", &how, &path]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _busy = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_sheds_requests_and_service_is_back_when_there_is_room() {
    let Some(disk) = Disk::small() else { return };
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let file = disk.0.path().join("journal.db");
    let url = format!("sqlite://{}", file.display());
    let node = Node::start(site.launch_on(&url));
    let client = site.rest(&node);
    let ballast = disk.0.path().join("ballast");
    let full = std::fs::write(&ballast, vec![0; 2 << 20]);
    assert!(full.is_err(), "the disk was to be full");
    let mut orders = Vec::new();
    let mut shed = 0;
    for n in 0..30 {
        let order = Order::new(&format!("full-{n}"));
        let answer = order.send(&client).unwrap();
        shed += usize::from(answer.status == 503);
        orders.push(order);
        if shed >= 3 {
            break;
        }
    }
    assert!(shed >= 3, "never full");
    node.program.log_has("free some space");

    std::fs::remove_file(&ballast).unwrap();
    for order in &orders {
        order.finish(&client);
    }
    let records = Ledger::file(&file).all();
    let held = records.iter().filter(|r| r.certificate.is_some()).count();
    assert_eq!(
        (held, i64::try_from(held).unwrap()),
        (orders.len(), ca.issued())
    );
}

#[test]
fn a_read_only_disk_is_said_at_start() {
    let Some(disk) = Disk::small() else { return };
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let url = format!("sqlite://{}/journal.db", disk.0.path().display());
    let mut node = Node::start(site.launch_on(&url));
    node.program.terminate();
    disk.remount("ro");
    let ended = site.launch_on(&url).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("the journal cannot be opened") && ended.stderr.contains("write"),
        "{}",
        ended.stderr
    );
    disk.remount("rw");
    Order::new("a").finish(&site.rest(&Node::start(site.launch_on(&url))));
}

/// What turns the disk below a folder read-only, and writable again.
struct Turned {
    folder: tempfile::TempDir,
    switch: std::path::PathBuf,
}

impl Turned {
    /// `None`, said aloud, where there is no C compiler and need not be.
    fn prepare() -> Option<Self> {
        if peer::missing("cc") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/journal_faults/read_only.c"
        );
        let arguments = ["-shared", "-fPIC", "-o", "read_only.so", source, "-ldl"];
        peer::run("cc", folder.path(), &arguments);
        std::fs::create_dir(folder.path().join("disk")).unwrap();
        let switch = folder.path().join("read-only");
        Some(Self { folder, switch })
    }

    fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("disk/journal.db")
    }

    fn under(&self, launch: Launch) -> Launch {
        launch
            .env("LD_PRELOAD", self.folder.path().join("read_only.so"))
            .env("READ_ONLY_BELOW", self.folder.path().join("disk"))
            .env("READ_ONLY_WHILE", &self.switch)
    }
}

#[test]
fn a_disk_that_turns_read_only_sheds_requests_and_readiness_and_both_are_back_when_it_is_writable()
{
    let Some(disk) = Turned::prepare() else {
        return;
    };
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let url = format!("sqlite://{}", disk.journal().display());
    let node = Node::start(disk.under(site.launch_on(&url)));
    let client = site.rest(&node);
    let ready = || node.program.admin().get("/readyz", &[]);
    Order::new("before").finish(&client);
    assert_eq!(ready().status, 200);
    let issued = ca.issued();

    std::fs::write(&disk.switch, "").unwrap();
    let orders: Vec<Order> = (0..4)
        .map(|n| Order::new(&format!("read-only-{n}")))
        .collect();
    for order in &orders {
        let answer = order.send(&client).unwrap();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    node.program.log_has("the journal cannot be written");
    let unready = ready();
    assert_eq!(unready.status, 503);
    assert!(
        unready.text().contains("the journal is not available"),
        "{}",
        unready.text()
    );
    let metrics = node.program.admin().get("/metrics", &[]).text();
    assert!(metrics.contains("certway_journal_up 0"), "{metrics}");
    assert_eq!(ca.issued(), issued, "nothing that cannot be written down");

    std::fs::remove_file(&disk.switch).unwrap();
    // Without anybody's request.
    node.program.log_has("the journal can be written again");
    assert_eq!(ready().status, 200);
    for order in &orders {
        order.finish(&client);
    }
    let records = Ledger::file(&disk.journal()).all();
    let held = records.iter().filter(|r| r.certificate.is_some()).count();
    assert_eq!(
        (held, i64::try_from(held).unwrap()),
        (1 + orders.len(), ca.issued())
    );
}
