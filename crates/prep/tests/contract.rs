//! Every transform on the list keeps every clause of the contract.

use kolosal_prep::TRANSFORMS;
use kolosal_testkit::{check_transform, expect_none};

#[test]
fn every_transform_keeps_the_contract() {
    let found: Vec<_> = TRANSFORMS
        .iter()
        .flat_map(|transform| check_transform(*transform))
        .collect();
    expect_none(&found);
}
