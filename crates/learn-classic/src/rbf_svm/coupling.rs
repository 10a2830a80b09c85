//! From probabilities of pairs of classes to probabilities of classes (Wu, Lin, Weng 2004, their second method).

/// Rounds of updates; a handful is usual.
const ROUNDS: usize = 100;

/// Where class `a` and `b > a` of `k` stand in a list of all pairs.
pub(super) fn pair_place(a: usize, b: usize, k: usize) -> usize {
    a * (2 * k - a - 1) / 2 + (b - a - 1)
}

/// Writes the probabilities that minimise `sum_a sum_b (r_ba p_a - r_ab p_b)^2`, given for each pair the probability
/// `r_ab` of its first class.
pub(super) fn couple(pairs: &[f64], probabilities: &mut [f64]) {
    let k = probabilities.len();
    let wins = |a: usize, b: usize| {
        if a < b {
            pairs[pair_place(a, b, k)]
        } else {
            1.0 - pairs[pair_place(b, a, k)]
        }
    };
    let mut matrix = vec![0.0; k * k];
    for a in 0..k {
        for b in (0..k).filter(|&b| b != a) {
            matrix[a * k + a] += wins(b, a) * wins(b, a);
            matrix[a * k + b] = -wins(b, a) * wins(a, b);
        }
    }
    probabilities.fill(1.0 / k as f64);
    let mut image = vec![0.0; k];
    for _ in 0..ROUNDS {
        for (a, image) in image.iter_mut().enumerate() {
            *image = (0..k).map(|b| matrix[a * k + b] * probabilities[b]).sum();
        }
        let mut value: f64 = probabilities.iter().zip(&image).map(|(p, q)| p * q).sum();
        let worst = image
            .iter()
            .fold(0.0_f64, |worst, q| worst.max((q - value).abs()));
        if worst < 1e-6 / k as f64 {
            break;
        }
        for a in 0..k {
            let own = matrix[a * k + a];
            let change = (value - image[a]) / own;
            if !change.is_finite() {
                continue;
            }
            probabilities[a] += change;
            let total = 1.0 + change;
            value = (value + change * (change * own + 2.0 * image[a])) / (total * total);
            for (b, image) in image.iter_mut().enumerate() {
                *image = (*image + change * matrix[b * k + a]) / total;
            }
            probabilities.iter_mut().for_each(|p| *p /= total);
        }
    }
    let total: f64 = probabilities.iter().map(|p| p.clamp(0.0, 1.0)).sum();
    probabilities
        .iter_mut()
        .for_each(|p| *p = p.clamp(0.0, 1.0) / total);
}

/// Writes the softmax of the classes' votes, given for each pair a score that is positive for its first class. Between
/// equal votes the sum of the scores decides, drawn into less than a vote.
pub(super) fn vote(pairs: &[f64], probabilities: &mut [f64]) {
    let k = probabilities.len();
    let mut sums = vec![0.0; k];
    probabilities.fill(0.0);
    for a in 0..k {
        for b in a + 1..k {
            let score = pairs[pair_place(a, b, k)];
            probabilities[if score > 0.0 { a } else { b }] += 1.0;
            sums[a] += score;
            sums[b] -= score;
        }
    }
    for (votes, sum) in probabilities.iter_mut().zip(sums) {
        *votes += sum / (3.0 * (sum.abs() + 1.0));
    }
    crate::scores::probabilities(probabilities, k);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_that_explain_all_pairs_are_found() {
        let truth = [0.5, 0.2, 0.25, 0.05];
        let mut pairs = Vec::new();
        for a in 0..4 {
            for b in a + 1..4 {
                assert_eq!(pair_place(a, b, 4), pairs.len());
                pairs.push(truth[a] / (truth[a] + truth[b]));
            }
        }
        let mut found = [0.0; 4];
        couple(&pairs, &mut found);
        assert!(
            found.iter().zip(truth).all(|(p, q)| (p - q).abs() < 1e-5),
            "{found:?}"
        );
    }

    #[test]
    fn votes_decide_and_scores_between_equal_votes() {
        // Class 1 beats both others narrowly; class 0 beats class 2 by far.
        let mut found = [0.0; 3];
        vote(&[-0.1, 9.0, 0.1], &mut found);
        assert!(found[1] > found[0] && found[0] > found[2], "{found:?}");
        // Each beats one other.
        vote(&[1.0, -0.5, 2.0], &mut found);
        assert!(found[1] > found[0] && found[0] > found[2], "{found:?}");
    }
}
