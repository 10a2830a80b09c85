//! Saved transforms, whole and damaged.

use kolosal_learner::{Decoder, FittedTransform};

use super::{TransformCase, bytes_of, same_values};
use crate::clause::{Verdict, caught, demand};
use crate::learner::{damages, places};
use crate::tables::Table;

pub(super) fn read_back_the_same(case: &TransformCase) -> Verdict {
    let table = case.table();
    let fitted = case.fit(&table)?.transform;
    let bytes = bytes_of(fitted.as_ref());
    let mut from = Decoder::new(&bytes);
    let loaded = case
        .transform
        .load(&mut from)
        .map_err(|error| format!("its own bytes are refused: {error}"))?;
    from.finish()
        .map_err(|error| format!("not all bytes are read: {error}"))?;
    demand(loaded.name() == fitted.name(), || {
        format!("it calls itself '{}'", loaded.name())
    })?;
    demand(loaded.origins() == fitted.origins(), || {
        "origins differ after loading".to_owned()
    })?;
    demand(bytes_of(loaded.as_ref()) == bytes, || {
        "saving again gives other bytes".to_owned()
    })?;
    let (before, after) = (fitted.apply(table.view()), loaded.apply(table.view()));
    same_values("applied after loading", before.view(), after.view())
}

pub(super) fn truncated_are_refused(case: &TransformCase) -> Verdict {
    let bytes = bytes_of(case.fit(&case.table())?.transform.as_ref());
    places(bytes.len()).try_for_each(|at| {
        let is_refused = case.transform.load(&mut Decoder::new(&bytes[..at])).is_err();
        demand(is_refused, || {
            format!("the first {at} of {} bytes are accepted", bytes.len())
        })
    })
}

pub(super) fn damaged_do_no_harm(case: &TransformCase) -> Verdict {
    let table = case.table();
    let few = table.gather(&(0..6).collect::<Vec<_>>());
    let mut bytes = bytes_of(case.fit(&table)?.transform.as_ref());
    for at in places(bytes.len()) {
        let whole = bytes[at];
        for damaged in damages(whole, at) {
            bytes[at] = damaged;
            if let Ok(loaded) = case.transform.load(&mut Decoder::new(&bytes)) {
                survives(loaded.as_ref(), &few).map_err(|panic| {
                    format!("byte {at} changed from {whole:#04x} to {damaged:#04x}: {panic}")
                })?;
            }
        }
        bytes[at] = whole;
    }
    Ok(())
}

fn survives(transform: &dyn FittedTransform, table: &Table) -> Verdict {
    caught(|| {
        transform.apply(table.view());
        transform.origins();
        bytes_of(transform);
    })
}
