use proptest::prelude::*;

use super::*;

fn key(shard: usize) -> LeaseKey {
    format!("orders/1700000000000/shardId-{shard:012}").parse().unwrap()
}

fn span() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of((0..100_000_000_u64).prop_map(Duration::from_millis))
}

fn load() -> impl Strategy<Value = Load> {
    let figures = proptest::array::uniform4(any::<Option<u64>>());
    (figures, span()).prop_map(|([bytes, records, busy, processed], lag)| Load {
        bytes_per_second: bytes,
        records_per_second: records,
        busy_permille: busy,
        lag,
        processed_per_second: processed,
    })
}

fn trouble() -> impl Strategy<Value = Option<Trouble>> {
    let kind = prop::sample::select(TroubleKind::ALL.to_vec());
    let trouble = (kind, 0..1_000_000_u64, span());
    prop::option::of(
        trouble.prop_map(|(kind, ago, failing)| {
            Trouble::new(kind, Duration::from_millis(ago), failing)
        }),
    )
}

fn shard() -> impl Strategy<Value = ShardReport> {
    let counts = proptest::array::uniform3(any::<Option<u64>>());
    let at = || prop::option::of((any::<u128>(), 0..3_u64));
    let at = || at().prop_map(|at| at.map(|(number, sub)| Position::new(number.into(), sub)));
    (load(), span(), span(), counts, trouble(), [at(), at(), at()]).prop_map(
        |(load, read, progress, [reads, throttled, bytes], trouble, [first, last, skipped])| {
            ShardReport {
                load,
                read,
                progress,
                reads,
                throttled,
                read_bytes_per_second: bytes,
                trouble,
                stuck: first.zip(last).map(|(first, last)| Stuck::new(first, last)),
                skipped,
            }
        },
    )
}

fn settings() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop::sample::select(vec!["session_timeout", "balance", "max_leases", "moonlight"]);
    proptest::collection::btree_map(name.prop_map(str::to_owned), "[a-z0-9 ]{0,12}", 0..4)
}

prop_compose! {
    fn report()(
        (incarnation, beat, clock, store) in any::<(Option<u128>, u64, Option<u64>, Option<u64>)>(),
        (version, zone) in (prop::option::of("[0-9.]{1,9}"), prop::option::of("[a-z0-9-]{1,20}")),
        (up, late, ago) in (span(), span(), span()),
        settings in settings(),
        (count, left_out) in any::<(u64, u32)>(),
        calls in proptest::collection::btree_map("[a-z:]{1,12}", any::<u64>(), 0..4),
        shards in proptest::collection::vec(shard(), 0..12),
    ) -> WorkerReport {
        WorkerReport {
            incarnation: incarnation.map(Incarnation::from_bits),
            beat,
            version,
            clock: clock.map(WallTime::from_millis),
            store_clock: store.map(StoreTime),
            up,
            zone: zone.map(|zone| zone.parse().unwrap()),
            settings,
            denial: ago.map(|ago| Denial::new("store:acquire", "denied", ago, count)),
            throttles: Throttles::new(calls, Duration::from_millis(count % 1_000_000)),
            late,
            keeps_skipped: Some(beat % 2 == 0),
            shards: shards.into_iter().enumerate().map(|(at, it)| (key(at), it)).collect(),
            left_out: left_out.into(),
        }
    }
}

proptest! {
    #[test]
    fn a_report_reads_back(report in report()) {
        prop_assert_eq!(WorkerReport::decode(&report.encode()), Some(report));
    }

    /// `Older` has the fields of the report in releases that reported loads only.
    #[test]
    fn older_builds_read_the_loads_of_a_newer_report(report in report()) {
        #[derive(Deserialize)]
        struct Older {
            #[serde(rename = "l", default)]
            loads: BTreeMap<String, BTreeMap<String, Vec<Option<u64>>>>,
        }
        let older: Older = serde_json::from_slice(&report.encode()).unwrap();
        let told: usize = older.loads.values().map(BTreeMap::len).sum();
        prop_assert_eq!(told, report.shards.len());
        for (key, shard) in &report.shards {
            let (life, name) = lives::split(key).unwrap();
            let figure = |at: usize| older.loads[life][name].get(at).copied().flatten();
            prop_assert_eq!(figure(0), shard.load.bytes_per_second);
            prop_assert_eq!(figure(2), shard.load.busy_permille);
            prop_assert_eq!(figure(3), shard.load.lag.map(millis));
        }
    }
}

#[test]
fn what_a_later_version_adds_is_passed_over_and_what_an_earlier_one_lacks_is_unknown() {
    let later = br#"{"w":9,"l":{"orders/7":{"shard-0":[5,null,30,0,2,7,8,9,1,3,77],"?":[1]}},
        "e":{"orders/7":{"shard-0":{"k":"bored","a":4,"x":[]},"shard-9":{"k":"denied"}}},
        "s":{"T":"6s","Q":"9"},"d":{"c":"store:beat","e":"denied","a":1,"u":[1]}}"#;
    let read = WorkerReport::decode(later).unwrap();
    let shard = &read.shards[&"orders/7/shard-0".parse::<LeaseKey>().unwrap()];
    assert_eq!((read.shards.len(), shard.load.bytes_per_second), (1, Some(5)));
    assert_eq!((shard.load.records_per_second, shard.load.lag), (None, Some(Duration::ZERO)));
    assert_eq!((shard.read, shard.throttled), (Some(Duration::from_millis(7)), Some(1)));
    assert_eq!(shard.trouble.as_ref().unwrap().kind, TroubleKind::Other("bored".into()));
    let settings = read.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(settings.collect::<Vec<_>>(), [("Q", "9"), ("session_timeout", "6s")]);
    let earlier = WorkerReport::decode(br#"{"l":{"orders/7":{"shard-0":[5]}}}"#).unwrap();
    let load = Load { bytes_per_second: Some(5), ..Load::UNKNOWN };
    let key = "orders/7/shard-0".parse().unwrap();
    assert_eq!(earlier, WorkerReport::of_loads([(key, load)]));
    assert_eq!(WorkerReport::decode(b"{}"), Some(WorkerReport::default()));
    assert_eq!(WorkerReport::decode(b"none"), None);
}

#[test]
fn what_does_not_fit_a_document_is_the_lightest_that_nothing_is_wrong_with_and_is_counted() {
    let all = 20_000;
    let mut report = WorkerReport::of_loads(
        (0..all).map(|at| (key(at), Load { bytes_per_second: Some(at as u64), ..Load::UNKNOWN })),
    );
    let failing = Trouble::new(TroubleKind::Denied, Duration::ZERO, Some(Duration::ZERO));
    report.shards.get_mut(&key(0)).unwrap().trouble = Some(failing);
    let text = report.encode();
    assert!(text.len() <= Document::MAX_BODY, "{}", text.len());
    assert!(text.len() > Document::MAX_BODY / 2, "{}", text.len());
    let read = WorkerReport::decode(&text).unwrap();
    assert_eq!(read.left_out + read.shards.len() as u64, all as u64);
    assert!(read.shards.contains_key(&key(0)) && read.shards.contains_key(&key(all - 1)));
    assert!(!read.shards.contains_key(&key(1)));
}

#[test]
fn the_report_of_a_worker_with_seven_shards_costs_no_more_than_two_write_units() {
    let load = Load {
        bytes_per_second: Some(1_048_576),
        records_per_second: Some(1_000),
        busy_permille: Some(1_000),
        lag: Some(Duration::from_secs(100)),
        processed_per_second: Some(1_000),
    };
    let mut report = WorkerReport::of_loads((0..7).map(|at| (key(at), load)));
    for shard in report.shards.values_mut() {
        (shard.read, shard.progress) = (Some(Duration::from_secs(1)), Some(Duration::from_secs(1)));
        (shard.reads, shard.throttled, shard.read_bytes_per_second) = (Some(60), Some(0), Some(1));
    }
    report.incarnation = Some(Incarnation::from_bits(u128::MAX));
    report.settings = crate::settings::Settings::default().reported();
    let text = report.encode();
    assert!(text.len() < 2_048 - 200, "{} bytes and the names of the row", text.len());
}

#[test]
fn clocks_are_compared_at_one_moment() {
    let mut report = WorkerReport::default();
    assert_eq!(report.clock_ahead(), None);
    report.clock = Some(WallTime::from_millis(5_000));
    report.store_clock = Some(StoreTime(7_500));
    assert_eq!(report.clock_ahead(), Some(-2_500));
}

#[test]
fn a_little_more_or_less_is_much_the_same_and_unknown_is_not_zero() {
    let report = |load| WorkerReport::of_loads([(key(0), load)]);
    let weighing = |bytes| {
        report(Load { bytes_per_second: Some(bytes), records_per_second: Some(3), ..Load::UNKNOWN })
    };
    let told = weighing(80_000);
    assert!(told.weighs_much_like(&weighing(89_000)));
    assert!(!told.weighs_much_like(&weighing(100_000)));
    assert!(weighing(0).weighs_much_like(&weighing(900)));
    assert!(!report(Load::UNKNOWN).weighs_much_like(&weighing(0)));
    assert!(!told.weighs_much_like(&WorkerReport::default()));
}
