//! One histogram a stage and CA, found without hashing two texts on the way of every request.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::{Histogram, HistogramVec};
use ra::{AuthorityName, Stage};

/// The histograms of the line's stages.
pub(super) struct Stages {
    all: HistogramVec,
    /// CAs come with configuration: this is written a few times in the life of a process and read a thousand times a second.
    known: ArcSwap<HashMap<AuthorityName, Arc<Vec<Histogram>>>>,
}

impl Stages {
    pub(super) fn new(all: HistogramVec) -> Self {
        Self {
            all,
            known: ArcSwap::default(),
        }
    }

    pub(super) fn observe(&self, stage: Stage, authority: &AuthorityName, seconds: f64) {
        let known = self.known.load();
        match known.get(authority) {
            Some(histograms) => observe(histograms, stage, seconds),
            None => observe(&self.learn(authority), stage, seconds),
        }
    }

    fn learn(&self, authority: &AuthorityName) -> Arc<Vec<Histogram>> {
        let stages = Stage::ALL.iter();
        let histograms: Arc<Vec<Histogram>> = Arc::new(
            stages
                .map(|stage| {
                    self.all
                        .with_label_values(&[stage.as_str(), authority.as_str()])
                })
                .collect(),
        );
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(authority.clone(), Arc::clone(&histograms));
            known
        });
        histograms
    }
}

fn observe(histograms: &[Histogram], stage: Stage, seconds: f64) {
    if let Some(histogram) = histograms.get(stage as usize) {
        histogram.observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_stands_at_its_place_in_the_list() {
        for (place, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, place);
        }
    }
}
