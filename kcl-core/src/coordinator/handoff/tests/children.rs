//! Which children the owner of a shard that ended takes at once, where rules touch some shards.

use super::*;

impl Scene {
    /// A handoff that holds the lease 0 in a fleet with rules; its document says this of the
    /// children.
    fn told(children: Taking) -> Self {
        let mut scene = Self::holding();
        assert_eq!(scene.told_anew(vec![Hold { children, ..hold(0, None) }]), []);
        scene
    }

    fn told_anew(&mut self, holds: Vec<Hold>) -> Vec<StoreCall> {
        let told = self.document(holds, Vec::new());
        self.follow(Assignment { takes_children: false, ..told }).asked
    }
}

#[test]
fn children_that_no_rule_touches_are_taken_although_there_are_rules() {
    for (children, of_split, of_merge) in
        [(Taking::None, false, false), (Taking::OfSplit, true, false), (Taking::All, true, true)]
    {
        let taken = Scene::told(children).ends(0, 8, &[0]);
        let child = acquire(&free(9, 0), 9);
        assert_eq!(taken, if of_split { vec![child] } else { vec![] }, "{children:?}");
        let looked = Scene::told(children).ends(0, 8, &[0, 1]);
        assert_eq!(looked, if of_merge { vec![read(1)] } else { vec![] }, "{children:?}");
    }
}

#[test]
fn of_a_lease_that_no_document_names_no_child_is_taken_where_there_are_rules() {
    let mut scene = Scene::told(Taking::All);
    assert_eq!(scene.told_anew(Vec::new()), []);
    assert_eq!(scene.ends(0, 8, &[0]), []);
}
