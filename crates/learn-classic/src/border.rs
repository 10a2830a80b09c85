//! Where scores of strangeness count as strange.

/// The score beyond which so large a share of the scores lies, linear between two of them; `None` for a share of zero.
pub(crate) fn border(scores: &[f64], contamination: f64) -> Option<f64> {
    if contamination <= 0.0 || scores.is_empty() {
        return None;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (1.0 - contamination) * (sorted.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    Some(sorted[low] + part * (sorted[high] - sorted[low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_leaves_the_asked_share_beyond_it() {
        let scores: Vec<f64> = (0..101).map(f64::from).collect();
        assert_eq!(border(&scores, 0.1), Some(90.0));
        assert_eq!(border(&scores, 0.0), None);
        assert_eq!(border(&[1.0, 2.0], 0.25), Some(1.75));
    }
}
