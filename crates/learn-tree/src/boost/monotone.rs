//! Bounds that keep answers monotone in a column.

use super::leaf::Bounds;

/// Bounds of both children: where the split's column is monotone, the middle of their answers parts them.
pub(crate) fn split_bounds(parent: Bounds, answers: [f64; 2], monotone: i8) -> [Bounds; 2] {
    let middle = f64::midpoint(answers[0], answers[1]);
    let low = Bounds {
        high: parent.high.min(middle),
        ..parent
    };
    let high = Bounds {
        low: parent.low.max(middle),
        ..parent
    };
    match monotone {
        1 => [low, high],
        -1 => [high, low],
        _ => [parent; 2],
    }
}
