//! Saved models, whole and damaged.

use kolosal_base::Seed;
use kolosal_learner::{Decoder, FittedModel};

use super::{LearnerCase, bytes_of, predict, same_bits};
use crate::clause::{Verdict, demand};
use crate::tables::Table;

/// Most places of a saved model that are damaged.
const PLACES_MAX: usize = 2000;

pub(super) fn read_back_the_same(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    let bytes = bytes_of(model.as_ref());
    let mut from = Decoder::new(&bytes);
    let loaded = case
        .learner
        .load(&mut from)
        .map_err(|error| format!("its own bytes are refused: {error}"))?;
    from.finish()
        .map_err(|error| format!("not all bytes are read: {error}"))?;
    let facts = |model: &dyn FittedModel| (model.shape(), model.feature_count());
    demand(facts(model.as_ref()) == facts(loaded.as_ref()), || {
        "shape or columns differ".to_owned()
    })?;
    same_bits(
        "predicted after loading",
        &predict(model.as_ref(), table.view()),
        &predict(loaded.as_ref(), table.view()),
    )?;
    demand(bytes_of(loaded.as_ref()) == bytes, || {
        "saving again gives other bytes".to_owned()
    })?;
    demand(model.importances() == loaded.importances(), || {
        "importances differ after loading".to_owned()
    })
}

/// Places spread over the bytes, every one if there are few.
pub(crate) fn places(len: usize) -> impl Iterator<Item = usize> {
    let step = len.div_ceil(PLACES_MAX).max(1);
    let mut rng = Seed::new(len as u64).rng();
    (0..len)
        .step_by(step)
        .map(move |start| start + rng.below(step.min(len - start)))
}

pub(super) fn truncated_are_refused(case: &LearnerCase) -> Verdict {
    let bytes = bytes_of(case.model(&case.table())?.as_ref());
    places(bytes.len()).try_for_each(|at| {
        let is_refused = case.learner.load(&mut Decoder::new(&bytes[..at])).is_err();
        demand(is_refused, || {
            format!("the first {at} of {} bytes are accepted", bytes.len())
        })
    })
}

/// One byte changed in four ways: a low bit, the sign or a high bit, all bits, and zero.
pub(crate) fn damages(byte: u8, at: usize) -> [u8; 4] {
    [byte ^ (1 << (at % 7)), byte ^ 0x80, !byte, 0]
}

pub(super) fn damaged_do_no_harm(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    let facts = (model.shape(), model.feature_count());
    let few = table.gather(&(0..12).collect::<Vec<_>>());
    let mut bytes = bytes_of(model.as_ref());
    for at in places(bytes.len()) {
        let whole = bytes[at];
        for damaged in damages(whole, at) {
            bytes[at] = damaged;
            // A pipeline takes no model of another shape than its own.
            if let Ok(loaded) = case.learner.load(&mut Decoder::new(&bytes))
                && (loaded.shape(), loaded.feature_count()) == facts
            {
                survives(loaded.as_ref(), &few, (at, whole, damaged))?;
            }
        }
        bytes[at] = whole;
    }
    Ok(())
}

fn survives(model: &dyn FittedModel, table: &Table, damage: (usize, u8, u8)) -> Verdict {
    let (at, whole, damaged) = damage;
    crate::clause::caught(|| {
        predict(model, table.view());
        model.importances();
        bytes_of(model);
    })
    .map_err(|panic| format!("byte {at} changed from {whole:#04x} to {damaged:#04x}: {panic}"))
}
