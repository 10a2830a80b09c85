//! The place in a model that holds its compiled form.

use std::fmt;
use std::sync::OnceLock;

use super::Compiled;
use crate::boost::model::BoostModel;

/// A compiled form that is built when it is first asked for.
///
/// It is made of the rest of the model, so it says nothing of its own: all cells are equal, and a clone starts empty, so
/// that a cloned model may be changed. Whoever changes a model that has already predicted must put a new cell in it.
#[derive(Default)]
pub(crate) struct CompiledCell(OnceLock<Box<Compiled>>);

impl CompiledCell {
    /// The compiled form of the model that holds this cell.
    pub(crate) fn get(&self, model: &BoostModel) -> &Compiled {
        let compiled = self.0.get_or_init(|| Box::new(Compiled::new(model)));
        assert_eq!(
            compiled.places.len(),
            model.trees.len(),
            "a compiled model does not change"
        );
        compiled
    }

    /// Bytes held on the heap so far.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0
            .get()
            .map_or(0, |compiled| size_of::<Compiled>() + compiled.heap_bytes())
    }
}

impl Clone for CompiledCell {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for CompiledCell {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl fmt::Debug for CompiledCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompiledCell({} bytes)", self.heap_bytes())
    }
}
