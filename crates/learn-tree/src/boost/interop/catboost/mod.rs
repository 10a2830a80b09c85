//! CatBoost.
use kolosal_frame::Frame;
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Combination {}
impl Combination {
    pub(super) fn values(&self, _x: &Frame) -> Vec<f64> { Vec::new() }
}
/// x
pub fn read_catboost_json(_b: &[u8]) -> Result<super::ImportedBooster, super::InteropError> { todo!() }
