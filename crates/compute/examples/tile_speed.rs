#![allow(missing_docs)]
use kolosal_compute::kernels::tiles::*;
use std::time::Instant;
fn main() {
    let tiles: Vec<Tile> = (0..64)
        .map(|s| std::array::from_fn(|i| ((i + s) as f32 * 0.1).sin()))
        .collect();
    let rows: usize = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(32);
    let x: Vec<f32> = (0..8 * rows * 32).map(|i| (i as f32 * 0.3).cos()).collect();
    let mut out = vec![0.0f32; rows * 32];
    let start = Instant::now();
    let reps = 2000;
    for _ in 0..reps {
        for op in 0..8 {
            let t: Vec<&Tile> = (0..8).map(|ip| &tiles[op * 8 + ip]).collect();
            panel_product(&x, &t, &mut out);
            std::hint::black_box(&mut out);
        }
    }
    let s = start.elapsed().as_secs_f64();
    println!(
        "product {:.1} GFLOPS",
        2.0 * reps as f64 * rows as f64 * 65536.0 / s / 1e9
    );
    let blocks: Vec<Vec<f32>> = (0..8)
        .map(|_| (0..32 * 32).map(|i| (i as f32 * 0.3).cos()).collect())
        .collect();
    let pairs: Vec<(&[f32], &[f32])> = blocks.iter().map(|b| (&b[..], &b[..])).collect();
    let mut g = [0.0f32; 1024];
    let start = Instant::now();
    for _ in 0..20000 {
        outer_product(&pairs, &mut g);
        std::hint::black_box(&mut g);
    }
    let s = start.elapsed().as_secs_f64();
    println!("outer {:.1} GFLOPS", 2.0 * 20000.0 * 256.0 * 1024.0 / s / 1e9);
}
