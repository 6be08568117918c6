//! Under a service manager: what it is told, and when.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use proto_tests::Native;
use proto_tests::native::NativeSetup;

/// systemd's end of `sd_notify(3)`.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self {
            socket,
            path,
            _folder: folder,
        }
    }

    /// The next notification that is no sign of life.
    fn hears(&self) -> String {
        loop {
            let text = self.anything();
            if text != "WATCHDOG=1\n" {
                return text;
            }
        }
    }

    fn anything(&self) -> String {
        let mut octets = [0; 4096];
        let length = self.socket.recv(&mut octets).expect("a notification");
        String::from_utf8(octets[..length].to_vec()).unwrap()
    }

    fn starts(&self, setup: NativeSetup) -> Native {
        let config = setup.local_authority() + &setup.label("", "");
        let launch = setup.launch(&config);
        setup.start_as(launch.managed(&self.path, Duration::from_millis(200)))
    }
}

#[test]
fn it_says_that_it_is_ready_once_it_listens_and_that_it_stops() {
    let manager = Manager::new();
    let mut native = manager.starts(NativeSetup::new());
    let ready = manager.hears();
    assert_eq!(ready, "READY=1\nSTATUS=serving 1 labels\n");
    // Whoever starts after it can use it.
    assert_eq!(native.cmp().get("/", &[]).status, 404);
    native.program.signal("TERM");
    let stopping = manager.hears();
    assert!(
        stopping.starts_with(
            "STOPPING=1\nSTATUS=finishing what was begun\nEXTEND_TIMEOUT_USEC=25000000\n"
        ),
        "{stopping}"
    );
    assert_eq!(native.program.wait().code(), Some(0));
}

#[test]
fn it_says_twice_in_its_time_that_it_is_alive() {
    let manager = Manager::new();
    let _native = manager.starts(NativeSetup::new());
    let begun = std::time::Instant::now();
    let mut signs = 0;
    while signs < 6 {
        signs += usize::from(manager.anything() == "WATCHDOG=1\n");
    }
    // 200 ms are given: six signs take 500, and come no faster.
    assert!(begun.elapsed() > Duration::from_millis(300));
}

#[test]
fn a_reload_is_announced_and_ended_also_when_the_configuration_cannot_be_used() {
    let manager = Manager::new();
    let native = manager.starts(NativeSetup::new());
    manager.hears();
    native.program.signal("HUP");
    let reloading = manager.hears();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    until(&manager, "READY=1\nSTATUS=serving 1 labels\n");

    native.setup.write("server.pem", "no key");
    native.program.signal("HUP");
    until(&manager, "RELOADING=1\n");
    let status = until(&manager, "READY=1\n");
    assert!(
        status.contains("STATUS=serving 1 labels of the last good configuration;")
            && status.contains("listen.tls.keystore: "),
        "{status}"
    );
}

fn until(manager: &Manager, beginning: &str) -> String {
    loop {
        let text = manager.hears();
        if text.starts_with(beginning) {
            return text;
        }
    }
}
