use super::{super::tests as scene, *};
use crate::{
    coordinator::{
        op::StoreCall,
        tests::{asked, at, id},
    },
    lease::{Checkpoint, Document, Progress},
    settings::Coordination,
    store::StoreErrorKind,
};

fn row(owner: Option<&str>, rate: u64) -> Lease {
    let key = "orders/7/shard-0".parse().unwrap();
    let mut row = Lease::new(key, Checkpoint::TrimHorizon);
    row.owner = owner.map(id);
    row.progress = Progress { rate, ..Progress::NONE };
    row
}

fn report(bytes: Option<u64>) -> WorkerReport {
    let mut load = Load { bytes_per_second: bytes, ..Load::UNKNOWN };
    load.lag = Some(Duration::from_secs(7));
    WorkerReport::of_loads([(row(None, 0).key, load)])
}

#[test]
fn a_lease_weighs_what_its_owner_tells_else_what_was_last_told_else_what_its_row_says() {
    let mut loads = Loads::default();
    assert_eq!(loads.weight(&row(Some("a"), 0)), None, "not measured is not zero");
    assert_eq!(loads.weight(&row(Some("a"), 5)), Some(5), "an older build tells in the row");
    loads.learn("a".parse().unwrap(), report(Some(40)), 1, at(0));
    assert_eq!(loads.weight(&row(Some("a"), 5)), Some(40));
    assert_eq!(loads.lag(&row(Some("a"), 5)), Some(Duration::from_secs(7)));
    // The lease has just moved to a worker that has not measured it.
    loads.learn("b".parse().unwrap(), report(None), 1, at(0));
    assert_eq!(loads.weight(&row(Some("b"), 0)), Some(40));
    assert_eq!(loads.weight(&row(None, 0)), Some(40));
    loads.learn("b".parse().unwrap(), report(Some(0)), 1, at(0));
    assert_eq!(loads.weight(&row(Some("b"), 5)), Some(0), "it is known to be idle");
}

#[test]
fn whoever_is_gone_is_forgotten_and_so_is_what_has_ended() {
    let mut loads = Loads::default();
    loads.learn("a".parse().unwrap(), report(Some(40)), 1, at(0));
    let mut held = row(Some("a"), 0);
    let rows = |row: &Lease| BTreeMap::from([(row.key.clone(), row.clone())]);
    loads.keep(&[], &rows(&held));
    assert_eq!((loads.lag(&held), loads.weight(&held)), (None, Some(40)));
    held.checkpoint = Checkpoint::ShardEnd;
    loads.keep(&[], &rows(&held));
    assert_eq!(loads.weight(&held), None);
}

fn reports(workers: &[&str]) -> Vec<StoreCall> {
    let name = |worker: &&str| DocName::report(&worker.parse().unwrap());
    workers.iter().map(name).map(StoreCall::Doc).collect()
}

#[test]
fn reports_are_read_shortly_before_each_audit() {
    let mut ctx = scene::context(Coordination::default());
    let mut loads = Loads::default();
    let nobody = scene::catalogue(Vec::new(), &[], &ctx);
    let audit = at(60_000);
    loads.read_due(&nobody, audit, &mut ctx);
    assert_eq!((asked(&mut ctx), loads.next_wake()), (vec![], at(1_000)), "who is there?");
    ctx.now = at(1_000);
    let catalogue = scene::catalogue(scene::held(2, "a"), &["a", "b"], &ctx);
    loads.read_due(&catalogue, audit, &mut ctx);
    assert_eq!((asked(&mut ctx), loads.next_wake()), (reports(&["a", "b"]), at(58_000)));
    ctx.now = at(57_999);
    loads.read_due(&catalogue, audit, &mut ctx);
    assert_eq!(asked(&mut ctx), []);
    // The report of a worker that is gone is forgotten.
    loads.learn("gone".parse().unwrap(), report(Some(40)), 1, at(0));
    ctx.now = at(58_000);
    loads.read_due(&catalogue, audit, &mut ctx);
    let next = at(58_000) + ctx.settings.audit_interval;
    assert_eq!((asked(&mut ctx), loads.next_wake()), (reports(&["a", "b"]), next));
    assert_eq!(loads.lag(&row(Some("gone"), 0)), None);
}

#[test]
fn a_worker_that_does_not_go_on_telling_tells_nothing_of_the_present() {
    let mut loads = Loads::default();
    let held = row(Some("a"), 0);
    loads.learn("a".parse().unwrap(), report(Some(40)), 7, at(1_000));
    loads.learn("a".parse().unwrap(), report(Some(40)), 7, at(61_000));
    let late = at(1_000) + STALE_AFTER;
    assert!(loads.fresh(&held, late).is_some());
    assert_eq!(loads.fresh(&held, late + Duration::from_millis(1)), None);
    loads.learn("a".parse().unwrap(), report(Some(40)), 8, late);
    assert!(loads.fresh(&held, late + Duration::from_millis(1)).is_some());
}

#[test]
fn a_report_that_is_not_there_or_makes_no_sense_leaves_what_was_told_before() {
    let mut loads = Loads::default();
    let worker = || "a".parse::<WorkerId>().unwrap();
    let doc = |body| Document::new(DocName::report(&worker()), 1, body);
    let ctx = scene::context(Coordination::default());
    loads.on_answer(Reply::Report(worker(), Ok(Some(doc(report(Some(40)).encode())))), &ctx);
    for answer in [Ok(None), Ok(Some(doc("[".into()))), Err(StoreErrorKind::Unavailable)] {
        loads.on_answer(Reply::Report(worker(), answer), &ctx);
        assert_eq!(loads.weight(&row(Some("a"), 0)), Some(40));
    }
}
