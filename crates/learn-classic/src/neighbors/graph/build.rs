//! Points become a graph, batch after batch.

use kolosal_learner::{FitContext, FitError};

use super::beam::Beam;
use super::far::Ground;
use super::{FEWER, Graph, LINKS};

/// Links of a point on the lowest layer after it was trimmed; twice those of the layers above, as the paper has it.
const LINKS_LOW: usize = 2 * LINKS;
/// How wide new points look for their neighbours.
const BREADTH: usize = 128;
/// Points of a batch, at most; they look for neighbours in the graph of the batches before, and among themselves.
const BATCH: usize = 256;
/// The highest layer has no more points than this.
const TOP: usize = 16;

/// How many points each layer has, the lowest first.
pub(super) fn layers_of(count: usize) -> Vec<usize> {
    let mut counts = vec![count];
    while let Some(&last) = counts.last().filter(|last| **last > TOP) {
        counts.push(last.div_ceil(FEWER));
    }
    counts
}

/// Links of a layer while it grows: a fixed room a point.
struct Layer {
    room: usize,
    cap: usize,
    counts: Vec<u32>,
    links: Vec<u32>,
}

impl Layer {
    /// Half as many links again are let come before a point is trimmed, so that it is trimmed seldom.
    fn new(count: usize, cap: usize) -> Self {
        let room = cap + cap / 2;
        Self {
            room,
            cap,
            counts: vec![0; count],
            links: vec![0; count * room],
        }
    }

    fn of(&self, point: u32) -> &[u32] {
        let at = point as usize;
        &self.links[at * self.room..][..self.counts[at] as usize]
    }

    fn set(&mut self, point: u32, links: &[u32]) {
        let at = point as usize;
        self.links[at * self.room..][..links.len()].copy_from_slice(links);
        self.counts[at] = links.len() as u32;
    }
}

/// Links all points of a graph that has none.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn link(graph: &mut Graph, ground: Ground<'_>, cx: &FitContext<'_>) -> Result<(), FitError> {
    let counts = layers_of(graph.point_count());
    let cap = |layer: usize| if layer == 0 { LINKS_LOW } else { LINKS };
    let mut layers: Vec<Layer> = counts
        .iter()
        .enumerate()
        .map(|(layer, &count)| Layer::new(count, cap(layer)))
        .collect();
    let mut start = 1;
    while start < counts[0] {
        cx.checkpoint()?;
        let end = counts[0].min(start + start.min(BATCH));
        let batch: Vec<u32> = (start as u32..end as u32).collect();
        let chosen = cx.workers.map(batch.len(), |at| {
            neighbours_of(batch[at], &batch, &layers, ground)
        });
        for (layer, links) in layers.iter_mut().enumerate() {
            let of_layer = |(new, chosen): (&u32, &Vec<Vec<u32>>)| Some((*new, chosen.get(layer)?.clone()));
            let forth: Vec<(u32, Vec<u32>)> = batch.iter().zip(&chosen).filter_map(of_layer).collect();
            join(links, &forth, ground, cx);
        }
        start = end;
    }
    graph.starts = layers.iter().map(starts_of).collect();
    let packed = |layer: &Layer| {
        (0..layer.counts.len() as u32)
            .flat_map(|point| layer.of(point).to_vec())
            .collect()
    };
    graph.links = layers.iter().map(packed).collect();
    Ok(())
}

fn starts_of(layer: &Layer) -> Vec<u32> {
    let ends = layer.counts.iter().scan(0, |end, count| {
        *end += count;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

/// The links of a new point on each of its layers, the lowest first.
fn neighbours_of(new: u32, batch: &[u32], layers: &[Layer], ground: Ground<'_>) -> Vec<Vec<u32>> {
    let query = ground.far_from(new);
    let (mut beam, mut room) = (Beam::new(), Vec::new());
    let (mut start, mut chosen) = (0, Vec::new());
    for layer in layers.iter().rev() {
        let is_member = (new as usize) < layer.counts.len();
        let width = if is_member { BREADTH } else { 1 };
        beam.walk((start, width), &query, |point| layer.of(point));
        start = beam.closest();
        if !is_member {
            continue;
        }
        let mut near: Vec<(f64, u32)> = beam.found().collect();
        let peers: Vec<u32> = batch
            .iter()
            .copied()
            .filter(|&peer| peer != new && (peer as usize) < layer.counts.len())
            .collect();
        query.measure(&peers, &mut room);
        near.extend(room.iter().copied().zip(peers));
        near.sort_unstable_by(closer);
        near.truncate(BREADTH);
        chosen.push(spread(&near, LINKS, ground, &mut room));
    }
    chosen.reverse();
    chosen
}

fn closer(a: &(f64, u32), b: &(f64, u32)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// Of neighbours, closest first, those that are closer to the point than to any chosen before: links in all directions.
/// Where that leaves room, the closest of the others fill it.
fn spread(near: &[(f64, u32)], most: usize, ground: Ground<'_>, room: &mut Vec<f64>) -> Vec<u32> {
    let (mut chosen, mut others): (Vec<u32>, Vec<u32>) = (Vec::with_capacity(most), Vec::new());
    for &(far, point) in near {
        if chosen.len() == most {
            break;
        }
        let from = ground.far_from(point);
        if chosen.iter().all(|&other| from.measure_one(other, room) > far) {
            chosen.push(point);
        } else {
            others.push(point);
        }
    }
    // Half of the room is left for links that come from points yet to come.
    let fill = (most / 2).saturating_sub(chosen.len());
    chosen.extend(others.into_iter().take(fill));
    chosen
}

/// Sets the links of new points, and the links back to them.
fn join(layer: &mut Layer, forth: &[(u32, Vec<u32>)], ground: Ground<'_>, cx: &FitContext<'_>) {
    let mut back: Vec<(u32, u32)> = Vec::new();
    for (new, links) in forth {
        layer.set(*new, links);
        back.extend(links.iter().map(|&other| (other, *new)));
    }
    back.sort_unstable();
    let groups: Vec<&[(u32, u32)]> = back.chunk_by(|a, b| a.0 == b.0).collect();
    let shared = &*layer;
    let joined = cx.workers.map(groups.len(), |at| {
        let point = groups[at][0].0;
        let mut links = shared.of(point).to_vec();
        for (_, new) in groups[at] {
            if !links.contains(new) {
                links.push(*new);
            }
        }
        if links.len() > shared.room {
            links = trimmed(point, &links, shared.cap, ground);
        }
        (point, links)
    });
    for (point, links) in joined {
        layer.set(point, &links);
    }
}

fn trimmed(point: u32, links: &[u32], cap: usize, ground: Ground<'_>) -> Vec<u32> {
    let mut room = Vec::new();
    ground.far_from(point).measure(links, &mut room);
    let mut near: Vec<(f64, u32)> = room.iter().copied().zip(links.iter().copied()).collect();
    near.sort_unstable_by(closer);
    spread(&near, cap, ground, &mut room)
}
