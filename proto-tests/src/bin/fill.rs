//! `fill URL ROWS`: see [`proto_tests::fill`].

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, rows] = &arguments[..] else {
        eprintln!("fill URL ROWS: adds so many finished requests to a journal that has one");
        return ExitCode::from(2);
    };
    let Ok(rows) = rows.parse() else {
        eprintln!("{rows}: not a number");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let filled = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(proto_tests::fill::fill(url, rows)));
    match filled {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}
