//! The columns a fitted transform gives: their schema, and which input column each comes from.

use std::sync::Arc;

use kolosal_frame::{Column, Field, Frame, Schema};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

/// Schema and origins of the output columns.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    schema: Arc<Schema>,
    origins: Vec<usize>,
}

/// Collects output columns.
#[derive(Debug, Default)]
pub(crate) struct OutputBuilder {
    fields: Vec<Field>,
    origins: Vec<usize>,
}

impl OutputBuilder {
    /// Adds a column made from the input column `origin`; a name that is taken gets a number behind it.
    pub(crate) fn push(&mut self, origin: usize, field: Field) {
        self.fields.push(field);
        self.origins.push(origin);
    }

    /// Ends collecting.
    pub(crate) fn finish(self) -> Output {
        Output {
            schema: Arc::new(Schema::new(distinct(self.fields)).expect("names were made distinct")),
            origins: self.origins,
        }
    }
}

/// Appends numbers to repeated names.
fn distinct(mut fields: Vec<Field>) -> Vec<Field> {
    let mut taken: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    for field in &mut fields {
        let plain = field.name.clone();
        let mut number = 2;
        while !taken.insert(field.name.clone()) {
            field.name = format!("{plain} {number}");
            number += 1;
        }
    }
    fields
}

impl Output {
    /// Joins the output columns of some rows.
    pub(crate) fn frame(&self, columns: Vec<Column>) -> Frame {
        Frame::with_schema(&self.schema, columns)
    }

    /// Origin of each output column.
    pub(crate) fn origins(&self) -> &[usize] {
        &self.origins
    }

    /// Kind of each output column.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = kolosal_frame::Kind> + '_ {
        self.schema.fields().iter().map(|field| field.kind)
    }

    /// How many input columns there must at least be.
    fn inputs_min(&self) -> usize {
        self.origins.iter().max().map_or(0, |&last| last + 1)
    }

    /// Writes schema and origins.
    pub(crate) fn save(&self, to: &mut Encoder) {
        to.schema(&self.schema);
        self.origins.iter().for_each(|&origin| to.u32(origin as u32));
    }

    /// Reads schema and origins of a transform that takes `inputs` columns.
    pub(crate) fn load(from: &mut Decoder<'_>, inputs: usize) -> Result<Self, ArtifactError> {
        let schema = from.schema()?;
        let origins = (0..schema.len())
            .map(|_| Ok(from.u32()? as usize))
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        let output = Self {
            schema: Arc::new(schema),
            origins,
        };
        if output.inputs_min() > inputs {
            return Err(ArtifactError::damaged(
                "a feature comes from a column that does not exist",
            ));
        }
        Ok(output)
    }
}
