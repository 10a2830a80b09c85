//! Every learner on the list keeps every clause of the contract. A new learner is held against it by being listed.

use kolosal_learners::LEARNERS;
use kolosal_testkit::clause::{breaches, expect_none};
use kolosal_testkit::learner::{CARD_CLAUSES, FIT_CLAUSES, LearnerCase, shared_names};

#[test]
fn every_card_and_table_of_parameters_keeps_the_contract() {
    let case = |learner: &&'static dyn kolosal_learner::Learner| LearnerCase {
        learner: *learner,
        task: None,
    };
    let cases: Vec<LearnerCase> = LEARNERS.iter().map(case).collect();
    expect_none(&breaches(&cases, CARD_CLAUSES));
}

#[test]
fn no_two_learners_share_a_name() {
    assert_eq!(shared_names(LEARNERS), Vec::<&str>::new());
}

/// The clauses about fits, in two halves of the list that can run side by side.
fn check_half(half: usize) {
    let cases = LEARNERS.iter().flat_map(|learner| LearnerCase::of(*learner));
    let cases: Vec<LearnerCase> = cases
        .enumerate()
        .filter(|(i, _)| i % 2 == half)
        .map(|(_, case)| case)
        .collect();
    expect_none(&breaches(&cases, FIT_CLAUSES));
}

#[test]
fn every_fit_keeps_the_contract_first_half() {
    check_half(0);
}

#[test]
fn every_fit_keeps_the_contract_second_half() {
    check_half(1);
}
