//! Thresholds between libraries that compare in single precision and trees that compare in double precision.

/// Bits of a number in an order that grows with it.
fn rank(value: f64) -> u64 {
    let bits = value.to_bits();
    if value.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn unrank(rank: u64) -> f64 {
    f64::from_bits(if rank >> 63 == 1 { rank & !(1 << 63) } else { !rank })
}

/// The largest finite number for which `goes_left` holds, which must hold up to some number and not beyond; `None` if it
/// holds for none.
fn last_left(goes_left: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (rank(f64::MIN), rank(f64::MAX));
    if !goes_left(unrank(low)) {
        return None;
    }
    // Invariant: `low` goes left and whatever lies above `high` does not.
    while low < high {
        let middle = high - (high - low) / 2;
        if goes_left(unrank(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Some(unrank(low))
}

/// The threshold `t` for which `x <= t` decides every finite `x` as `x as f32 < limit` does.
pub(super) fn from_below(limit: f32) -> Option<f64> {
    last_left(|x| (x as f32) < limit)
}

/// The threshold `t` for which `x <= t` decides every finite `x` as `x as f32 <= limit` does.
pub(super) fn from_up_to(limit: f32) -> Option<f64> {
    last_left(|x| (x as f32) <= limit)
}

/// The limit for which `x as f32 < limit` decides as `x <= threshold` does, as far as single precision can tell.
///
/// It can for every `x` that single precision holds, and for the two values that a threshold lies halfway between unless
/// both become the same number. A short decimal on the threshold, which tables of decimals often have, goes where it went. A
/// threshold made by [`from_below`] gives its limit back. The largest limit is finite, because JSON has no infinities.
pub(super) fn to_below(threshold: f64) -> f32 {
    let near = threshold as f32;
    let floor = if f64::from(near) > threshold {
        near.next_down()
    } else {
        near
    };
    let limit = match decimal_at(threshold) {
        Some(decimal) if decimal <= threshold => (decimal as f32).next_up(),
        Some(decimal) => decimal as f32,
        None => floor.next_up(),
    };
    limit.clamp(f32::MIN, f32::MAX)
}

/// The decimal of seven digits that this number is but for the rounding of a midpoint, if it is one.
fn decimal_at(number: f64) -> Option<f64> {
    let decimal: f64 = format!("{number:.6e}").parse().ok()?;
    ((decimal - number).abs() <= number.abs() * 1e-14).then_some(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_in_single_precision_decides_every_double_alike() {
        let limits = [
            0.0,
            -0.0,
            1.5,
            -1.5,
            0.1,
            1e-45,
            -1e-45,
            f32::MAX,
            f32::MIN_POSITIVE,
            16_777_217.0,
        ];
        for limit in limits {
            let below = from_below(limit).unwrap();
            let up_to = from_up_to(limit).unwrap();
            let near = [
                below,
                up_to,
                f64::from(limit),
                f64::from(limit.next_down()),
                f64::from(limit.next_up()),
            ];
            for x in near
                .iter()
                .flat_map(|x| [x.next_down(), *x, x.next_up()])
                .filter(|x| x.is_finite())
            {
                assert_eq!(x <= below, (x as f32) < limit, "{x:e} below {limit:e}");
                assert_eq!(x <= up_to, (x as f32) <= limit, "{x:e} up to {limit:e}");
            }
        }
        assert_eq!(from_below(f32::INFINITY).map(|t| t as f32), Some(f32::MAX));
    }

    #[test]
    fn neighbours_that_single_precision_tells_apart_stay_apart() {
        let mut value = 0.3_f64;
        for step in 1..2000_u32 {
            value += f64::from(step) * 3e-9;
            let (a, b) = (value, value + f64::from(step % 40) * 2e-9);
            let limit = to_below(f64::midpoint(a, b));
            if (a as f32) < (b as f32) {
                assert!((a as f32) < limit && (b as f32) >= limit, "{a} {b} {limit}");
            }
        }
    }

    #[test]
    fn a_limit_survives_the_way_there_and_back() {
        for bits in (0..0x7f80_0000_u32).step_by(65_521) {
            for limit in [f32::from_bits(bits), -f32::from_bits(bits)] {
                if let Some(threshold) = from_below(limit) {
                    assert_eq!(to_below(threshold), limit, "{limit:e}");
                }
            }
        }
    }
}
