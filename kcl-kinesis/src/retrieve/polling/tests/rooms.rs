use kcl_core::stream::{ByteLimit, StartAt};

use super::{batch, open, read};
use crate::testing::{Scripted, Sent, answer, iterator, record_of, records};

fn limits(sent: &[Sent]) -> Vec<u64> {
    sent.iter().filter_map(|sent| sent.body["Limit"].as_u64()).collect()
}

#[tokio::test]
async fn as_many_records_are_asked_for_as_fit_by_the_size_of_recent_ones() {
    let large = vec![0; 50_000];
    let page = |from: u64, next| {
        let page: Vec<_> = (from..from + 10).map(|n| record_of(n, &large)).collect();
        answer(&page, Some(next), 9)
    };
    let (source, service) = Scripted::source([
        iterator("a"),
        page(10, "b"),
        page(20, "c"),
        page(30, "d"),
        records(&[40], Some("e"), 9),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for room in [ByteLimit(100 << 10), ByteLimit(1 << 20), ByteLimit(1), ByteLimit(usize::MAX)] {
        batch(reader.next(room).await);
    }
    // The expected size of a record is 1 KiB at first, then 50,065 bytes.
    assert_eq!(limits(&service.played()), [100, 20, 1, 10_000]);
}

#[tokio::test]
async fn a_record_larger_than_the_room_is_returned_nevertheless() {
    let (source, _) =
        Scripted::source([iterator("a"), answer(&[record_of(1, &[0; 9_000])], Some("b"), 0)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(batch(reader.next(ByteLimit(10)).await).records.len(), 1);
}

#[tokio::test]
async fn no_more_records_are_asked_for_than_the_setting_allows() {
    let (source, service) = Scripted::builder([iterator("a"), records(&[1], Some("b"), 0)]);
    let source = source.max_records(500).build().unwrap();
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    assert_eq!(limits(&service.played()), [500]);
}
