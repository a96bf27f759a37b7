// SPDX-License-Identifier: GPL-2.0

//! rnull's models of latencies: whatever a text is, it is refused, or shown as one that means the
//! same, and draws times that there can be.

use crate::latency_model::{LatencyModel, MOST_NSEC};

/// Random numbers at the edges, and between.
const RANDOM: [u64; 6] = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, 0x5555_5555_5555_5555];

/// Reads a text as a model.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(model) = LatencyModel::parse(text) else {
        return;
    };
    let shown = model.to_string();
    assert_eq!(LatencyModel::parse(&shown), Ok(model), "{shown}");
    for random in RANDOM {
        let drawn = model.draw(|| random);
        assert_eq!(drawn.is_none(), model == LatencyModel::Off);
        // A normal distribution has no end; 4 deviations above the mean is more than the table has.
        assert!(drawn.unwrap_or(0) <= 5 * MOST_NSEC, "{shown}: {drawn:?}");
        let is_bounded = matches!(model, LatencyModel::Uniform { least, most }
            if drawn.is_some_and(|drawn| drawn < least || drawn > most));
        assert!(!is_bounded, "{shown}: {drawn:?}");
    }
}
