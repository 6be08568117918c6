//! docs/ISSUANCE.md says what happens after kill at each step, and the code has no step that it does not name.

use std::path::Path;

/// The steps at which a process can be stopped, and the words of the table.
const ROWS: [(u64, &str); 8] = [
    (7, "7 prepare"),
    (8, "8 begin"),
    (9, "9 ask"),
    (10, "10 check"),
    (11, "11 finish"),
    (12, "12 told"),
    (13, "12 done"),
    (14, "14 heard"),
];

#[test]
fn the_table_has_every_step_at_which_the_process_can_be_stopped() {
    let steps = read("crates/ra/src/step.rs");
    let mut numbers: Vec<u64> = steps
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": u64 = "))
        .map(|(_, number)| number.trim_end_matches(';').parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ROWS.map(|(number, _)| number));

    let page = read("docs/ISSUANCE.md");
    let (_, table) = page
        .split_once("## What is durable when the process dies")
        .unwrap();
    let (table, exceptions) = table.split_once("\n### ").unwrap();
    for words in ["`Lost`", "`Withdrawn`"] {
        assert!(exceptions.contains(words), "{words}");
    }
    for (_, words) in ROWS {
        let row = format!("| {words} |");
        assert_eq!(table.matches(&row).count(), 1, "{row}");
    }
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}
