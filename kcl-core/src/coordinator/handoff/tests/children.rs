//! Which children the owner of a shard that ended takes at once, where rules touch some shards.

use super::*;

impl Scene {
    /// One that holds the lease 0 in a fleet with rules, and was told so much of its children.
    fn told(children: Taking) -> Self {
        let mut scene = Self::holding();
        let told = Assignment {
            version: PlanVersion { term: Epoch(1), version: 9 },
            takes_children: false,
            holds: vec![Hold { children, ..hold(0, None) }],
            ..scene.handoff.assignment().unwrap().clone()
        };
        scene.handoff.apply(told, &mut scene.ctx);
        assert_eq!(asked(&mut scene.ctx), []);
        scene
    }

    /// What is asked for once the end of the lease 0 is written, which goes on in this child.
    fn ended_with(&mut self, parents: &[u8]) -> Vec<StoreCall> {
        let mut child = Shard::open(shard(2), HashRange::ALL);
        child.parents = parents.iter().map(|number| shard(*number)).collect();
        let _ = self.run(8, RunNews::Ended { children: vec![child] });
        let put = Ok(Write::Done(free(2, 0)));
        let _ = self.after(Answer::PutChild(key(0), Epoch(8), shard(2), put));
        let ended = Lease { checkpoint: Checkpoint::ShardEnd, ..free(0, 8) };
        self.after(Answer::WriteEnd(key(0), Epoch(8), Ok(Write::Done(ended))))
    }
}

#[test]
fn children_that_no_rule_touches_are_taken_although_there_are_rules() {
    for (children, of_split, of_merge) in
        [(Taking::None, false, false), (Taking::OfSplit, true, false), (Taking::All, true, true)]
    {
        let taken = Scene::told(children).ended_with(&[0]);
        let acquires = taken.iter().filter(|call| matches!(call, StoreCall::Acquire(_))).count();
        assert_eq!(acquires, usize::from(of_split), "{children:?}: {taken:?}");
        let looked = Scene::told(children).ended_with(&[0, 1]);
        assert_eq!(looked, if of_merge { vec![read(1)] } else { vec![] }, "{children:?}");
    }
}

#[test]
fn of_a_lease_that_no_document_names_no_child_is_taken_where_there_are_rules() {
    let mut scene = Scene::told(Taking::All);
    let told = Assignment {
        version: PlanVersion { term: Epoch(1), version: 10 },
        holds: Vec::new(),
        ..scene.handoff.assignment().unwrap().clone()
    };
    scene.handoff.apply(told, &mut scene.ctx);
    assert_eq!(scene.ended_with(&[0]), []);
}
