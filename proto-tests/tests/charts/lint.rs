//! What Helm itself says of the charts.

use proto_tests::kube::{Chart, Stack};

#[test]
fn helm_finds_nothing_wrong_with_any_chart_and_any_of_its_values() {
    let Some(stack) = Stack::here() else { return };
    for chart in Chart::all(stack) {
        for values in chart.ci_values() {
            let ended = chart.lint(&values);
            let file = values.display();
            assert_eq!(
                ended.code,
                Some(0),
                "{file}: {}{}",
                ended.stdout,
                ended.stderr
            );
        }
    }
}
