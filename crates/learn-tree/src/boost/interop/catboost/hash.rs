//! CatBoost's hashes: CityHash64 of a text in its first version, and the hash of a combination.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;
const COMBINE: u64 = 0x4906_ba49_4954_cb65;

/// The hash of a combination with one more member.
pub(super) fn combine(hash: u64, member: u64) -> u64 {
    COMBINE.wrapping_mul(hash.wrapping_add(COMBINE.wrapping_mul(member)))
}

/// A category's hash as a member of a combination: read as a signed number.
pub(super) fn member(category: u32) -> u64 {
    i64::from(category.cast_signed()).cast_unsigned()
}

/// The hash of a category.
pub(super) fn category(text: &str) -> u32 {
    city(text.as_bytes()) as u32
}

fn fetch64(s: &[u8], at: usize) -> u64 {
    let bytes = s[at..at + 8].try_into().expect("eight bytes were cut");
    u64::from_le_bytes(bytes)
}

fn fetch32(s: &[u8], at: usize) -> u64 {
    let bytes = s[at..at + 4].try_into().expect("four bytes were cut");
    u64::from(u32::from_le_bytes(bytes))
}

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

/// Murmur's mix of two words.
fn mix(low: u64, high: u64) -> u64 {
    const MULTIPLIER: u64 = 0x9ddf_ea08_eb38_2d69;
    let a = shift_mix((low ^ high).wrapping_mul(MULTIPLIER));
    shift_mix((high ^ a).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER)
}

fn city(s: &[u8]) -> u64 {
    match s.len() {
        0..=16 => up_to_16(s),
        17..=32 => up_to_32(s),
        33..=64 => up_to_64(s),
        _ => beyond_64(s),
    }
}

fn up_to_16(s: &[u8]) -> u64 {
    let len = s.len();
    if len > 8 {
        let (a, b) = (fetch64(s, 0), fetch64(s, len - 8));
        return mix(a, b.wrapping_add(len as u64).rotate_right(len as u32)) ^ b;
    }
    if len >= 4 {
        return mix((len as u64).wrapping_add(fetch32(s, 0) << 3), fetch32(s, len - 4));
    }
    if len == 0 {
        return K2;
    }
    let (a, b, c) = (u64::from(s[0]), u64::from(s[len >> 1]), u64::from(s[len - 1]));
    let (y, z) = (a + (b << 8), len as u64 + (c << 2));
    shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K3)).wrapping_mul(K2)
}

fn up_to_32(s: &[u8]) -> u64 {
    let len = s.len();
    let a = fetch64(s, 0).wrapping_mul(K1);
    let b = fetch64(s, 8);
    let c = fetch64(s, len - 8).wrapping_mul(K2);
    let d = fetch64(s, len - 16).wrapping_mul(K0);
    let low = a
        .wrapping_sub(b)
        .rotate_right(43)
        .wrapping_add(c.rotate_right(30))
        .wrapping_add(d);
    let high = a
        .wrapping_add((b ^ K3).rotate_right(20))
        .wrapping_sub(c)
        .wrapping_add(len as u64);
    mix(low, high)
}

/// Hashes 32 bytes at `at` with two seeds.
fn weak(s: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let [w, x, y, z] = [0, 8, 16, 24].map(|step| fetch64(s, at + step));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    let b = b.wrapping_add(a.rotate_right(44));
    (a.wrapping_add(z), b.wrapping_add(c))
}

fn up_to_64(s: &[u8]) -> u64 {
    let len = s.len();
    let half = |start: u64, at: usize, seed: u64, last: u64| {
        let mut a = start.wrapping_add(seed);
        let mut b = a.wrapping_add(last).rotate_right(52);
        let mut c = a.rotate_right(37);
        a = a.wrapping_add(fetch64(s, at + 8));
        c = c.wrapping_add(a.rotate_right(7));
        a = a.wrapping_add(fetch64(s, at + 16));
        let f = a.wrapping_add(last);
        b = b.wrapping_add(a.rotate_right(31)).wrapping_add(c);
        (f, b)
    };
    let z = fetch64(s, 24);
    let seed = (len as u64).wrapping_add(fetch64(s, len - 16)).wrapping_mul(K0);
    let (vf, vs) = half(fetch64(s, 0), 0, seed, z);
    let (wf, ws) = half(
        fetch64(s, 16),
        len - 32,
        fetch64(s, len - 32),
        fetch64(s, len - 8),
    );
    let r = shift_mix(
        vf.wrapping_add(ws)
            .wrapping_mul(K2)
            .wrapping_add(wf.wrapping_add(vs).wrapping_mul(K0)),
    );
    shift_mix(r.wrapping_mul(K0).wrapping_add(vs)).wrapping_mul(K2)
}

fn beyond_64(s: &[u8]) -> u64 {
    let len = s.len();
    let mut x = fetch64(s, 0);
    let mut y = fetch64(s, len - 16) ^ K1;
    let mut z = fetch64(s, len - 56) ^ K0;
    let mut v = weak(s, len - 64, len as u64, y);
    let mut w = weak(s, len - 32, (len as u64).wrapping_mul(K1), K0);
    z = z.wrapping_add(shift_mix(v.1).wrapping_mul(K1));
    x = z.wrapping_add(x).rotate_right(39).wrapping_mul(K1);
    y = y.rotate_right(33).wrapping_mul(K1);
    for at in (0..(len - 1) & !63).step_by(64) {
        x = x
            .wrapping_add(y)
            .wrapping_add(v.0)
            .wrapping_add(fetch64(s, at + 16))
            .rotate_right(37)
            .wrapping_mul(K1);
        y = y
            .wrapping_add(v.1)
            .wrapping_add(fetch64(s, at + 48))
            .rotate_right(42)
            .wrapping_mul(K1);
        x ^= w.1;
        y ^= v.0;
        z = (z ^ w.0).rotate_right(33);
        v = weak(s, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(s, at + 32, z.wrapping_add(w.1), y);
        std::mem::swap(&mut z, &mut x);
    }
    let low = mix(v.0, w.0)
        .wrapping_add(shift_mix(y).wrapping_mul(K1))
        .wrapping_add(z);
    mix(low, mix(v.1, w.1).wrapping_add(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_hash_as_in_files_that_catboost_wrote() {
        // From `features_info.cat_features_hash` of a model that CatBoost 1.2.10 trained on these texts.
        let known = [
            (String::new(), 797_982_799),
            ("a".to_owned(), 3_489_901_818),
            ("abc".to_owned(), 978_243_121),
            ("abcd".to_owned(), 345_588_365),
            ("abcdefgh".to_owned(), 4_270_775_063),
            ("abcdefghi".to_owned(), 3_019_552_977),
            ("0123456789abcdef".to_owned(), 2_645_308_183),
            ("0123456789abcdefg".to_owned(), 3_849_924_666),
            ("0123456789abcdef".repeat(2), 4_254_365_430),
            ("0123456789abcdef".repeat(2) + "X", 1_472_187_645),
            ("x".repeat(64), 648_792_787),
            ("y".repeat(65), 3_114_503_727),
            ("0123456789".repeat(13), 2_713_618_934),
            ("z".repeat(200), 1_500_317_608),
            ("grün".to_owned(), 3_055_766_120),
        ];
        for (text, hash) in known {
            assert_eq!(category(&text), hash, "{text}");
        }
    }
}
