//! Every seed through its target, without an engine: what was found once and became a seed stays found.

use std::path::{Path, PathBuf};

use fuzz::{TARGETS, Target, target};

/// The seeds of a target: its own, and those it shares with the others.
fn seeds(target: &Target) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = format!("fuzz/seeds/{}", target.name);
    let shared = include_str!("../seeds/shared").lines();
    let folders = shared.chain([own.as_str()]);
    let entries = folders.flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    entries.map(|entry| entry.unwrap().path()).collect()
}

macro_rules! targets {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            let target = target(stringify!($name)).unwrap();
            for seed in seeds(&target) {
                let octets = std::fs::read(&seed).unwrap();
                println!("{}", seed.display());
                (target.run)(&octets);
            }
        })+

        #[test]
        fn every_target_has_its_test_here() {
            let here = [$(stringify!($name)),+];
            assert_eq!(TARGETS.map(|target| target.name), here);
        }
    };
}

targets! {
    message_decode message_reencode protection_parameters nested_depth csr pem jks pkcs12 rest_headers cmp_front server_entry
}
