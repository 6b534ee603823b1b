use super::{
    request::{ReadingNo, Reply},
    *,
};
use crate::{
    assignment::placement::{Mode, Placement, PlacementRules, Rule, Target, Uncovered},
    coordinator::{
        command::{Command, Notice},
        document::{FrozenStart, StreamStart},
        event::StreamView,
        op::StoreCall,
        planner::{
            signal::Signal,
            tests::{context, described, held, key, name, row_of, shard_id, shards, view},
        },
        signal::Signal as Any,
        tests::{Done, at, done, id, said, session},
    },
    env::WallTime,
    lease::{Checkpoint, DocName, Document, Epoch, PlanVersion, PutDoc, Write},
    settings::{Coordination, InitialPosition},
    store::{Consistency, Listing, StoreErrorKind},
    stream::{Shard, SourceErrorKind},
};

mod fleet;
mod mending;
mod reading;
mod rules;
mod starts;

struct Scene {
    catalogue: Catalogue,
    ctx: Context,
    /// Whether the catalogue said that the reading is complete.
    complete: bool,
}

fn listing() -> StoreCall {
    StoreCall::Sessions(Consistency::Strong)
}

fn start_doc() -> StoreCall {
    StoreCall::Doc(DocName::start(&described(5).key))
}

fn start(at: Option<u64>, by: InitialPosition) -> FrozenStart {
    FrozenStart { at: at.map(WallTime::from_millis), by: Some(by) }
}

fn put_start(start: FrozenStart) -> StoreCall {
    let name = DocName::start(&described(5).key);
    StoreCall::PutDoc(PutDoc::new(name, None, start.encode()))
}

impl Scene {
    fn with(settings: Coordination) -> Self {
        let ctx = context(settings);
        let catalogue = Catalogue::new(at(100), Standbys::default(), &ctx);
        Self { catalogue, ctx, complete: false }
    }

    fn new() -> Self {
        Self::with(Coordination::default())
    }

    /// A catalogue whose first reading has begun, at 100 ms.
    fn reading() -> Self {
        let mut scene = Self::new();
        let rules = StoreCall::Doc(DocName::placement());
        assert_eq!(scene.tick(100).asked, [StoreCall::Leases, listing(), rules]);
        scene
    }

    fn tick(&mut self, millis: u64) -> Done {
        self.ctx.now = at(millis);
        self.catalogue.list_due(&mut self.ctx);
        self.complete = self.catalogue.go_on(&mut self.ctx);
        done(&mut self.ctx)
    }

    fn answer(&mut self, answer: impl FnOnce(ReadingNo) -> Reply) -> Done {
        let answer = answer(self.catalogue.round);
        self.complete = self.catalogue.on_answer(answer, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn rows(&mut self, rows: Vec<Lease>) -> Done {
        self.answer(|round| Reply::Leases(round, Ok(Listing::of(rows))))
    }

    fn sessions(&mut self, workers: &[&str]) -> Done {
        let rows = workers.iter().map(|worker| session(worker).reading(name())).collect();
        self.answer(|round| Reply::Sessions(round, Ok(rows)))
    }

    fn rules(&mut self, doc: Option<Document>) -> Done {
        self.answer(|round| Reply::Rules(round, Ok(doc)))
    }

    fn listed(&mut self, listed: Result<StreamView, SourceErrorKind>) -> Done {
        self.complete = self.catalogue.on_shards(&name(), listed, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn start(&mut self, doc: Option<&FrozenStart>) -> Done {
        let of = described(5).key;
        let doc = doc.map(|start| Document::new(DocName::start(&of), 1, start.encode()));
        self.answer(|round| Reply::Start(round, of, Ok(doc)))
    }

    /// The start is stored, as it was put.
    fn start_is_put(&mut self, start: FrozenStart) -> Done {
        let of = described(5).key;
        let doc = Document::new(DocName::start(&of), 1, start.encode());
        self.answer(|round| Reply::PutStart(round, of, Ok(Write::Done(doc))))
    }

    fn created(&mut self, row: &Lease) -> Done {
        let (key, row) = (row.key.clone(), row.clone());
        self.answer(|round| Reply::Create(round, key, Ok(Write::Done(row))))
    }

    /// A beat was answered that was sent now.
    fn beaten(&mut self) -> Done {
        self.ctx.heard = self.ctx.now;
        self.complete = self.catalogue.go_on(&mut self.ctx);
        done(&mut self.ctx)
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Planner(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    /// Everything is read but the listing that was asked for: two leases of a worker, no rules.
    fn all_but_shards() -> Self {
        let mut scene = Self::reading();
        assert_eq!(lists(&scene.rows(held(2, "w")).other), [name()]);
        assert_eq!(scene.sessions(&["w"]).asked, []);
        assert_eq!(scene.rules(None).asked, []);
        scene
    }

    /// A reading is complete, of two leases of a worker.
    fn read() -> Self {
        let mut scene = Self::all_but_shards();
        assert_eq!(scene.listed(Ok(view(shards(2)))).asked, [start_doc()]);
        let known = start(None, InitialPosition::TrimHorizon);
        assert_eq!(scene.start(Some(&known)).asked, []);
        assert!(scene.complete);
        scene
    }

    /// There is a stream of two shards and nothing else; its start is being read.
    fn of_new_stream(by: InitialPosition) -> Self {
        let mut scene =
            Self::with(Coordination { initial_position: by, ..Coordination::default() });
        let _ = scene.tick(100);
        let _ = scene.rows(Vec::new());
        let _ = scene.sessions(&["w"]);
        let _ = scene.rules(None);
        assert_eq!(scene.listed(Ok(view(shards(2)))).asked, [start_doc()]);
        scene
    }
}

/// The streams that were to be listed.
fn lists(commands: &[Command]) -> Vec<StreamName> {
    let listed = commands.iter().filter_map(|command| match command {
        Command::ListShards(_, of) => Some(of.clone()),
        _ => None,
    });
    listed.collect()
}

fn creates(rows: &[Lease]) -> Vec<StoreCall> {
    rows.iter().cloned().map(StoreCall::Create).collect()
}
