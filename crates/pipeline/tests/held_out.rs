//! Held-out rows for early stopping reach the learner with the features it learns from.

use kolosal_frame::Column;
use kolosal_learner::{
    ArtifactError, Decoder, FitContext, FitError, FittedModel, Learner, LearnerCard, ParamDef, ParamError,
    Point, Task, TrainView,
};
use kolosal_pipeline::{MemberPlan, fit_member};
use kolosal_testkit::{Room, tables::everything};

/// The ridge regression, which takes no numbers with gaps, looking at its held-out rows first.
struct Looking;

fn ridge() -> &'static dyn Learner {
    kolosal_learners::find("ridge").expect("it is on the list")
}

impl Learner for Looking {
    fn card(&self) -> &'static LearnerCard {
        ridge().card()
    }

    fn params(&self) -> &'static [ParamDef] {
        ridge().params()
    }

    fn check(&self, point: &Point) -> Result<Point, ParamError> {
        ridge().check(point)
    }

    fn fit(
        &self,
        point: &Point,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let valid = cx.valid.expect("held-out rows were given");
        assert_eq!(
            valid.features().frame().schema(),
            train.features().frame().schema()
        );
        assert_eq!((valid.row_count(), train.row_count()), (40, 150));
        let gaps = |column: &Column| !matches!(column, Column::Categories(_)) && column.missing_count() > 0;
        assert!(
            !valid.features().frame().columns().iter().any(gaps),
            "gaps are filled"
        );
        assert_eq!(
            valid.numbers()[7],
            everything(Task::Regression, 40, 2).train().numbers()[7]
        );
        ridge().fit(point, train, cx)
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedModel>, ArtifactError> {
        ridge().load(from)
    }
}

#[test]
fn held_out_rows_are_transformed_like_the_rows_of_training() {
    let table = everything(Task::Regression, 150, 1);
    let mut other = everything(Task::Regression, 40, 2);
    let frozen = kolosal_frame::FrozenSchema::of(&table.frame);
    other.frame = frozen.align(&other.frame).expect("the same columns");
    let plan = MemberPlan::plain(&Looking, Point::new());
    let (room, valid) = (Room::new(1), other.train());
    let cx = FitContext {
        valid: Some(&valid),
        ..room.cx()
    };
    let member = fit_member(&plan, &table.train(), &cx).expect("a healthy table");
    assert_eq!(member.learner(), "ridge");
}
