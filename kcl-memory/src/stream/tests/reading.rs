use super::*;

#[tokio::test(start_paused = true)]
async fn a_reader_starts_where_it_is_told() {
    let stream = MemoryStream::with(options());
    let clock = stream.0.options.env.clock.clone();
    let mut positions = Vec::new();
    for n in 0..5 {
        positions.extend(put_numbers(&stream, n..n + 1));
        clock.sleep(Duration::from_secs(10)).await;
    }
    let after_third = WallTime::from_millis(EPOCH + 20_001);
    let starts = [
        (StartAt::TrimHorizon, vec!["0", "1", "2", "3", "4"]),
        (StartAt::At(positions[2].sequence.clone()), vec!["2", "3", "4"]),
        (StartAt::After(positions[2].clone()), vec!["3", "4"]),
        (StartAt::AtTimestamp(after_third), vec!["3", "4"]),
        (StartAt::AtTimestamp(WallTime::from_millis(0)), vec!["0", "1", "2", "3", "4"]),
        (StartAt::Latest, vec![]),
    ];
    for (at, expected) in starts {
        let mut reader = open(&stream, 0, at.clone()).await;
        assert_eq!(texts(&mut reader).await, expected, "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn latest_means_when_it_was_opened() {
    let stream = MemoryStream::with(options());
    put_numbers(&stream, 0..2);
    let mut reader = open(&stream, 0, StartAt::Latest).await;
    put_numbers(&stream, 2..4);
    assert_eq!(texts(&mut reader).await, ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_at_the_tip_waits_for_data_and_no_longer_than_the_poll_interval() {
    let stream = MemoryStream::with(options());
    let clock = stream.0.options.env.clock.clone();
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    let empty = batch(&mut reader).await;
    assert!(empty.records.is_empty() && empty.at_tip);
    assert_eq!(clock.now().since(Time::ZERO), Duration::from_secs(1));
    let writer = async {
        clock.sleep(Duration::from_millis(300)).await;
        put_numbers(&stream, 0..1);
    };
    let (read, ()) = tokio::join!(texts(&mut reader), writer);
    assert_eq!(read, ["0"]);
    assert!(clock.now().since(Time::ZERO) < Duration::from_millis(1_400));
}

#[tokio::test(start_paused = true)]
async fn answers_fit_the_room_but_hold_at_least_one_record() {
    let stream = MemoryStream::with(StreamOptions { batch_limit: 3, ..options() });
    for n in 0..6_u8 {
        stream.put("key", vec![n; 100]).unwrap();
    }
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    let mut read = async |room| match reader.next(ByteLimit(room)).await.unwrap() {
        ReadEvent::Batch(batch) => batch.records.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(read(0).await, 1);
    assert_eq!(read(400).await, 2);
    assert_eq!(read(1 << 20).await, 3, "the limit of the stream");
    let batch = Batch::of(stream.history()[0].records.clone());
    assert_eq!(batch.records.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn lag_is_told_until_the_tip() {
    let stream = MemoryStream::with(StreamOptions { batch_limit: 1, ..options() });
    put_numbers(&stream, 0..2);
    stream.0.options.env.clock.sleep(Duration::from_secs(7)).await;
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    let (behind, tip) = (batch(&mut reader).await, batch(&mut reader).await);
    assert_eq!((behind.millis_behind, behind.at_tip), (Some(7_000), false));
    assert_eq!((tip.millis_behind, tip.at_tip), (Some(0), true));
}

#[tokio::test(start_paused = true)]
async fn readers_share_the_read_limit_of_their_shard() {
    let options = StreamOptions { reads_per_second: Some(5), batch_limit: 1, ..options() };
    let stream = MemoryStream::with(options);
    let clock = stream.0.options.env.clock.clone();
    put_numbers(&stream, 0..20);
    let mut one = open(&stream, 0, StartAt::TrimHorizon).await;
    let mut other = open(&stream, 0, StartAt::TrimHorizon).await;
    let started = clock.now();
    for _ in 0..10 {
        tokio::join!(batch(&mut one), batch(&mut other));
    }
    // Five in a burst, fifteen at five a second.
    assert_eq!(clock.now().since(started), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn calls_fail_as_they_are_told() {
    let stream = MemoryStream::with(options());
    put_numbers(&stream, 0..1);
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    stream.fail(Arc::new(move |call| {
        seen.fetch_add(1, Ordering::Relaxed);
        (call.op == StreamOp::Read).then_some(SourceErrorKind::Throttled)
    }));
    assert_eq!(reader.next(ByteLimit(1)).await.unwrap_err().kind, SourceErrorKind::Throttled);
    stream.describe().await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    stream.heal();
    assert_eq!(texts(&mut reader).await, ["0"], "it goes on where it stood");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_read_loses_nothing() {
    let latency = Duration::from_millis(50);
    let stream = MemoryStream::with(StreamOptions { latency, batch_limit: 2, ..options() });
    let clock = stream.0.options.env.clock.clone();
    let mut rng = Rng::new(3);
    put_numbers(&stream, 0..40);
    let mut reader = open(&stream, 0, StartAt::TrimHorizon).await;
    let (mut read, mut dropped) = (Vec::new(), 0);
    while read.len() < 40 {
        tokio::select! {
            biased;
            () = clock.sleep(rng.span(latency)) => dropped += 1,
            more = texts(&mut reader) => read.extend(more),
        }
    }
    let all: Vec<_> = (0..40).map(|n| n.to_string()).collect();
    assert_eq!(read, all);
    assert!(dropped > 5, "{dropped}");
}
