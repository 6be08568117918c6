//! What one cell gave.

/// The figures of one cell with one number of clients.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Enrollments a second.
    pub(crate) rate: f64,
    /// Milliseconds from sending to the last answer.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Milliseconds of user and system time for one enrollment.
    pub(crate) ra_cpu: f64,
    pub(crate) ca_cpu: f64,
    pub(crate) client_cpu: f64,
    /// MiB in use by certway-ra at the end, clients connected.
    pub(crate) resident: f64,
}

/// The median of each figure by itself.
pub(crate) fn median(all: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| middle(all.iter().map(figure).collect());
    Figures {
        rate: of(|f| f.rate),
        p50: of(|f| f.p50),
        p99: of(|f| f.p99),
        ra_cpu: of(|f| f.ra_cpu),
        ca_cpu: of(|f| f.ca_cpu),
        client_cpu: of(|f| f.client_cpu),
        resident: of(|f| f.resident),
    }
}

/// The median; of an even number the lower of the two in the middle. 0 of none.
pub(crate) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = values.len().saturating_sub(1) / 2;
    values.get(at).copied().unwrap_or_default()
}

/// The value below which `part` of the sorted ones are.
pub(crate) fn quantile(sorted: &[u32], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    let value = sorted.get(at.min(sorted.len().saturating_sub(1)));
    f64::from(value.copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(middle(vec![4.0, 1.0]), 1.0);
        assert_eq!(middle(Vec::new()), 0.0);
    }

    #[test]
    fn quantiles_are_taken_of_sorted_values() {
        let values: Vec<u32> = (1..=100).collect();
        assert_eq!(quantile(&values, 0.5), 51.0);
        assert_eq!(quantile(&values, 0.99), 100.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
