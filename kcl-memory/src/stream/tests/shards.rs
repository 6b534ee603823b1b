use super::*;

#[test]
fn partition_keys_hash_as_in_kinesis() {
    assert_eq!(hash_of("a"), 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
}

#[tokio::test(start_paused = true)]
async fn shards_cover_all_hash_keys_once() {
    for count in [1, 2, 3, 7, 20] {
        let shards = MemoryStream::new("orders", count).shards().await.unwrap();
        let mut next = Some(0);
        for range in shards.iter().map(|shard| shard.range.unwrap()) {
            assert_eq!(Some(range.start), next);
            next = range.end.checked_add(1);
        }
        assert_eq!((next, shards.len()), (None, count as usize));
    }
}

#[tokio::test(start_paused = true)]
async fn sequence_numbers_have_56_digits_and_grow() {
    let stream = MemoryStream::with(options());
    let first = put_numbers(&stream, 0..12);
    stream.create(1);
    let second = put_numbers(&stream, 0..3);
    assert!(first.iter().all(|position| position.sequence.as_str().len() == 56));
    assert!(first.is_sorted() && second.is_sorted() && first.last() < second.first());
}

#[tokio::test(start_paused = true)]
async fn a_split_ends_the_shard_and_names_its_children() {
    let stream = MemoryStream::with(options());
    put_numbers(&stream, 0..2);
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    let [first, second] = stream.split(&id(0)).unwrap();
    put_numbers(&stream, 2..4);
    assert_eq!(texts(&mut reader).await, ["0", "1"]);
    let ReadEvent::End { children: Some(children), proven: true } = next(&mut reader).await else {
        panic!("no end")
    };
    assert_eq!(children.iter().map(|shard| &shard.id).collect::<Vec<_>>(), [&first, &second]);
    assert!(children.iter().all(|shard| shard.parents == [id(0)] && !shard.closed));
    let listed = stream.shards().await.unwrap();
    assert!(listed[0].closed && listed.len() == 3);
}

#[tokio::test(start_paused = true)]
async fn a_split_wakes_a_reader_that_waits() {
    let options = StreamOptions { reports_children: false, ..options() };
    let stream = MemoryStream::with(options);
    let mut reader = open(&stream, 0, StartAt::Latest).await;
    let split = async { stream.split_at(&id(0), 77).map(drop) };
    let (end, split) = tokio::join!(next(&mut reader), split);
    split.unwrap();
    assert!(matches!(end, ReadEvent::End { children: None, .. }), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn only_open_adjacent_shards_merge() {
    let stream = MemoryStream::with(StreamOptions { shards: 3, ..options() });
    let refused = |one, other| stream.merge(&id(one), &id(other)).unwrap_err();
    assert_eq!(refused(0, 2).kind, SourceErrorKind::Misconfigured);
    assert_eq!(refused(0, 9).kind, SourceErrorKind::NoShard);
    let child = stream.merge(&id(2), &id(1)).unwrap();
    assert_eq!(refused(0, 1).kind, SourceErrorKind::Misconfigured, "closed");
    let shards = stream.shards().await.unwrap();
    let merged = shards.iter().find(|shard| shard.id == child).unwrap();
    assert_eq!(merged.parents, [id(2), id(1)]);
    assert_eq!(merged.range.unwrap().end, HashKey::MAX);
    stream.merge(&id(0), &child).unwrap();
}

#[test]
fn bad_records_are_refused_with_the_limit() {
    let stream = MemoryStream::new("orders", 1);
    let refused = |key: &str, data: Vec<u8>| {
        let error = stream.put(key, data).unwrap_err();
        (error.kind, error.source.unwrap().to_string())
    };
    let (kind, why) = refused("", vec![]);
    assert!(kind == SourceErrorKind::Misconfigured && why.contains("1 to 256"), "{why}");
    let (_, why) = refused(&"k".repeat(257), vec![]);
    assert!(why.contains("257"), "{why}");
    let (_, why) = refused("k", vec![0; MemoryStream::MAX_DATA + 1]);
    assert!(why.contains("10485760"), "{why}");
}

/// Follows every shard to its end, parents before children; what it read, by shard.
async fn read_all(stream: &MemoryStream) -> BTreeMap<ShardId, Vec<Position>> {
    let mut read = BTreeMap::new();
    for shard in stream.shards().await.unwrap() {
        let life = stream.describe().await.unwrap().key;
        let mut reader = stream.open(&life, &shard.id, StartAt::TrimHorizon).await.unwrap();
        let positions: &mut Vec<Position> = read.entry(shard.id).or_default();
        loop {
            match reader.next(ByteLimit(2_000)).await.unwrap() {
                ReadEvent::Batch(batch) if batch.records.is_empty() => break,
                ReadEvent::Batch(batch) => {
                    positions.extend(batch.records.into_iter().map(|record| record.position));
                }
                ReadEvent::End { .. } => break,
                other => panic!("{other:?}"),
            }
        }
    }
    read
}

#[tokio::test(start_paused = true)]
async fn everything_put_is_read_once_and_in_order_whatever_the_resharding() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let stream = MemoryStream::with(StreamOptions { shards: 3, ..options() });
        for n in 0..400 {
            let shards = stream.shards().await.unwrap();
            let pick = |rng: &mut Rng| {
                let at = usize::try_from(rng.below(shards.len() as u64)).unwrap();
                shards[at].id.clone()
            };
            match rng.below(30) {
                // Refusals (closed, not adjacent) are part of the play.
                0..2 => drop(stream.split(&pick(&mut rng))),
                2..5 => drop(stream.merge(&pick(&mut rng), &pick(&mut rng))),
                _ => drop(stream.put(&rng.next_u64().to_string(), n.to_string()).unwrap()),
            }
        }
        let history = stream.history();
        let put: BTreeMap<_, Vec<_>> = history
            .iter()
            .map(|shard| {
                let positions = shard.records.iter().map(|record| record.position.clone());
                (shard.shard.id.clone(), positions.collect())
            })
            .collect();
        assert!(put.len() > 3, "nothing was resharded");
        assert!(put.values().all(|positions| positions.is_sorted()));
        assert_eq!(read_all(&stream).await, put, "seed {seed}");
    }
}
