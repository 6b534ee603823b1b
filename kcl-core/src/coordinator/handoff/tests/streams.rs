//! A lease is run only if it belongs to this worker's stream, in its present life (PROTOCOL rule
//! 17).

use super::*;

fn of(stream: &str) -> Hold {
    let key = format!("{stream}/shardId-000000000000").parse().unwrap();
    Hold { key, from: origin(None, 7, Transfer::Unowned), children: Taking::None }
}

impl Scene {
    /// The streams that are to be described, as soon as there may be another description.
    fn describes(&mut self) -> Vec<Option<StreamName>> {
        self.ctx.now = self.ctx.now.max(at(1_000));
        self.ctx.describe_due();
        let asked = done(&mut self.ctx).other.into_iter().map(|command| match command {
            Command::Describe(_, of) => of,
            other => panic!("{other:?}"),
        });
        asked.collect()
    }
}

fn orders_of_mine() -> Option<StreamName> {
    Some("orders".parse().unwrap())
}

#[test]
fn a_lease_of_another_stream_is_not_taken_and_told_of_once() {
    for (stream, described) in
        [("payments/5", vec![]), ("orders/4", vec![]), ("orders/6", vec![orders_of_mine()])]
    {
        let mut scene = Scene::new();
        let lease = of(stream);
        let planned = scene.plan(vec![lease.clone()], Vec::new());
        assert_eq!(planned.asked, [], "{stream}");
        assert_eq!(planned.noted, [Notice::NotOfMyStream(lease.key.clone())]);
        assert_eq!(scene.wakes(), at(1_500));
        assert_eq!(scene.describes(), described, "{stream}");
        let again = scene.tick(1_500);
        assert_eq!((again.asked, again.noted), (vec![], vec![]), "{stream}");
        assert_eq!(scene.wakes(), at(3_000));
    }
}

#[test]
fn a_lease_of_another_stream_that_a_former_life_held_is_given_up() {
    let mut scene = Scene::new();
    assert_eq!(scene.taken_back(vec![of("payments/5")]), []);
    assert_eq!(scene.wakes(), Time::NEVER);
}

#[test]
fn a_lease_of_a_later_life_is_taken_once_the_source_knows_of_that() {
    let mut scene = Scene::new();
    let lease = of("orders/6");
    assert_eq!(scene.planned(vec![lease.clone()], Vec::new()), []);
    scene.describe(6);
    let seen = Lease { epoch: Epoch(7), ..Lease::new(lease.key, after(5)) };
    assert_eq!(scene.tick(1_500).asked, [acquire(&seen, 8)]);
}

#[test]
fn a_grant_of_a_life_that_is_over_meanwhile_is_given_back() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    scene.describe(6);
    let done = scene.answer(granted(0, 8));
    assert_eq!(done.asked, [StoreCall::Release(release())]);
    assert_eq!((orders(done), scene.wakes()), (vec![], at(1_500)));
}

#[test]
fn a_run_whose_source_reads_another_stream_is_dropped_and_its_lease_given_back() {
    let mut scene = Scene::holding();
    let other = scene.run(8, RunNews::OtherStream);
    assert_eq!(other.noted, [Notice::NotOfMyStream(key(0))]);
    assert_eq!(orders(other), [RunOrder::Drop(DropReason::Lost)]);
    assert_eq!(scene.describes(), [orders_of_mine()]);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(release())]);
}
