use super::*;

#[tokio::test(start_paused = true)]
async fn trimmed_records_are_told_as_lost_once() {
    let stream = MemoryStream::with(options());
    let positions = put_numbers(&stream, 0..6);
    let mut fresh = open(&stream, 0, StartAt::TrimHorizon).await;
    let mut resumed = open(&stream, 0, StartAt::After(positions[1].clone())).await;
    let mut level = open(&stream, 0, StartAt::After(positions[3].clone())).await;
    let mut timed = open(&stream, 0, StartAt::AtTimestamp(WallTime::from_millis(EPOCH))).await;
    stream.trim(&id(0), 2).unwrap();
    for (reader, expected) in [(&mut fresh, None), (&mut resumed, Some(1)), (&mut timed, None)] {
        let ReadEvent::Lost { from, to } = next(reader).await else { panic!("nothing lost") };
        assert_eq!(from, expected.map(|n: usize| positions[n].clone()));
        assert_eq!(to, Some(positions[4].clone()));
        assert_eq!(texts(reader).await, ["4", "5"]);
    }
    assert_eq!(texts(&mut level).await, ["4", "5"], "it had read what was trimmed");
    let mut late = open(&stream, 0, StartAt::TrimHorizon).await;
    assert_eq!(texts(&mut late).await, ["4", "5"], "what is left is all it asked for");
    assert_eq!(stream.history()[0].records.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn records_and_closed_shards_expire() {
    let stream = MemoryStream::with(options());
    let clock = stream.0.options.env.clock.clone();
    stream.retain(Duration::from_secs(60));
    put_numbers(&stream, 0..2);
    clock.sleep(Duration::from_secs(40)).await;
    put_numbers(&stream, 2..3);
    stream.split(&id(0)).unwrap();
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    clock.sleep(Duration::from_secs(30)).await;
    assert!(matches!(next(&mut reader).await, ReadEvent::Lost { from: None, to: Some(_) }));
    assert_eq!(texts(&mut reader).await, ["2"]);
    clock.sleep(Duration::from_secs(60)).await;
    let listed: Vec<_> = stream.shards().await.unwrap().into_iter().map(|s| s.id).collect();
    assert_eq!(listed, [id(1), id(2)]);
    let life = stream.describe().await.unwrap().key;
    let gone = stream.open(&life, &id(0), StartAt::TrimHorizon).await.map(drop).unwrap_err();
    assert_eq!(gone.kind, SourceErrorKind::NoShard);
    assert_eq!(reader.next(ByteLimit(1)).await.unwrap_err().kind, SourceErrorKind::NoShard);
    assert_eq!(stream.history().iter().map(|shard| shard.records.len()).sum::<usize>(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_forgetful_stream_remembers_what_is_left() {
    let stream = MemoryStream::with(StreamOptions { remembers: false, ..options() });
    let positions = put_numbers(&stream, 0..6);
    let mut reader = open(&stream, 0, StartAt::After(positions[0].clone())).await;
    stream.trim(&id(0), 2).unwrap();
    stream.trim(&id(0), 1).unwrap();
    assert!(matches!(next(&mut reader).await, ReadEvent::Lost { .. }));
    assert_eq!(texts(&mut reader).await, ["5"]);
    assert_eq!(stream.history()[0].records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_made_again_is_another_one() {
    let stream = MemoryStream::with(options());
    put_numbers(&stream, 0..2);
    let before = stream.describe().await.unwrap();
    let mut reader = open(&stream, 0, StartAt::Latest).await;
    stream.delete();
    assert_eq!(stream.describe().await.unwrap_err().kind, SourceErrorKind::NoStream);
    assert_eq!(reader.next(ByteLimit(1)).await.unwrap_err().kind, SourceErrorKind::NoStream);
    assert_eq!(stream.put("key", "x").unwrap_err().kind, SourceErrorKind::NoStream);
    stream.create(1);
    put_numbers(&stream, 5..6);
    let after = stream.describe().await.unwrap();
    assert!(after.key.name == before.key.name && after.key.created > before.key.created);
    assert_eq!(reader.next(ByteLimit(1)).await.unwrap_err().kind, SourceErrorKind::NoShard);
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    assert_eq!(texts(&mut reader).await, ["5"]);
    let lives: Vec<_> = stream.history().into_iter().map(|shard| shard.stream).collect();
    assert_eq!(lives, [before.key, after.key]);
}
