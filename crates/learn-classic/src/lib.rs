//! Classical learners. So far one: [`baseline::Baseline`], which looks at no feature and which every other has to beat.

pub mod baseline;
