//! libFuzzer before one target: the one that `CERTWAY_FUZZ_TARGET` names. `fuzz/run` builds and calls it.

#![no_main]

use std::sync::LazyLock;

use fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("CERTWAY_FUZZ_TARGET").unwrap_or_default();
    match fuzz::target(&name) {
        Some(target) => target,
        None => {
            let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            eprintln!("CERTWAY_FUZZ_TARGET has to be one of: {}", names.join(" "));
            std::process::exit(2);
        }
    }
});

fuzz_target!(|octets: &[u8]| (TARGET.run)(octets));
