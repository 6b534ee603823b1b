use kcl_core::stream::{SourceErrorKind, StreamSource};
use serde_json::{Value, json};

use crate::testing::{Reply, Scripted, Sent, refusal};

fn shard(index: usize) -> Value {
    json!({
        "ShardId": format!("shardId-{index:012}"),
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": u128::MAX.to_string() },
        "SequenceNumberRange": { "StartingSequenceNumber": "1" },
    })
}

fn page(shards: std::ops::Range<usize>, token: Option<&str>) -> (&'static str, Reply) {
    let shards: Vec<_> = shards.map(shard).collect();
    ("ListShards", Reply::Json(json!({ "Shards": shards, "NextToken": token })))
}

/// The parameters of the requests: stream, token, and shard to start after.
fn asked(sent: &[Sent]) -> Vec<[Option<&str>; 3]> {
    let fields = ["StreamName", "NextToken", "ExclusiveStartShardId"];
    sent.iter().map(|sent| fields.map(|field| sent.body[field].as_str())).collect()
}

#[tokio::test]
async fn every_page_is_listed() {
    let (source, service) = Scripted::source([
        page(0..1_000, Some("one")),
        page(1_000..2_000, Some("two")),
        page(2_000..2_001, None),
    ]);
    let shards = source.shards().await.unwrap();
    assert_eq!(shards.len(), 2_001);
    assert!(shards.is_sorted_by(|a, b| a.id < b.id));
    let name = Some("orders");
    let expected = [[name, None, None], [None, Some("one"), None], [None, Some("two"), None]];
    assert_eq!(asked(&service.played()), expected);
}

#[tokio::test]
async fn a_shard_carries_all_that_the_service_says() {
    let closed = json!({
        "ShardId": "shardId-000000000002",
        "ParentShardId": "shardId-000000000000",
        "AdjacentParentShardId": "shardId-000000000001",
        "HashKeyRange": { "StartingHashKey": "5", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "7", "EndingSequenceNumber": "8" },
    });
    let (source, _) = Scripted::source([("ListShards", Reply::Json(json!({"Shards": [closed]})))]);
    let shards = source.shards().await.unwrap();
    let parents: Vec<_> = shards[0].parents.iter().map(ToString::to_string).collect();
    assert_eq!(parents, ["shardId-000000000000", "shardId-000000000001"]);
    assert_eq!(shards[0].range.map(|range| range.to_string()).as_deref(), Some("5-9"));
    assert_eq!(shards[0].starting.as_ref().map(ToString::to_string).as_deref(), Some("7"));
    assert!(shards[0].closed);
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_replaced_by_the_last_shard_seen() {
    let refused =
        ["ExpiredNextTokenException", "ResourceNotFoundException", "InvalidArgumentException"];
    for code in refused {
        let (source, service) = Scripted::source([
            page(0..2, Some("one")),
            refusal("ListShards", 400, code),
            page(2..4, Some("two")),
            page(4..5, None),
        ]);
        assert_eq!(source.shards().await.unwrap().len(), 5);
        let name = Some("orders");
        let expected = [
            [name, None, None],
            [None, Some("one"), None],
            [name, None, Some("shardId-000000000001")],
            [name, None, Some("shardId-000000000003")],
        ];
        assert_eq!(asked(&service.played()), expected);
    }
}

#[tokio::test]
async fn a_stream_that_goes_away_between_two_pages_is_missing() {
    let missing = || refusal("ListShards", 400, "ResourceNotFoundException");
    let (source, service) = Scripted::source([page(0..2, Some("one")), missing(), missing()]);
    let error = source.shards().await.unwrap_err();
    assert_eq!((error.kind, error.op), (SourceErrorKind::NoStream, "ListShards"));
    service.played();
}

#[tokio::test]
async fn a_listing_without_progress_is_an_error_and_no_endless_loop() {
    let (source, _) = Scripted::source([page(0..2, Some("one")), page(0..2, Some("one"))]);
    assert_eq!(source.shards().await.unwrap_err().kind, SourceErrorKind::Corrupt);
}

#[tokio::test]
async fn a_part_of_a_list_is_never_an_answer() {
    let broken = json!({ "Shards": [{
        "ShardId": "shardId-000000000000",
        "HashKeyRange": { "StartingHashKey": "x", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "7" },
    }]});
    let (source, _) = Scripted::source([("ListShards", Reply::Json(broken))]);
    let error = source.shards().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Corrupt);
    let (source, _) = Scripted::source([page(0..2, Some("one")), ("ListShards", Reply::Broken)]);
    assert_eq!(source.shards().await.unwrap_err().kind, SourceErrorKind::Unavailable);
}

#[tokio::test]
async fn a_busy_service_is_asked_again_more_and_more_slowly_but_not_for_ever() {
    let busy = || refusal("ListShards", 400, "LimitExceededException");
    let (source, service) = Scripted::source([busy(), busy(), page(0..1, None)]);
    assert_eq!(source.shards().await.unwrap().len(), 1);
    let at: Vec<_> = service.played().iter().map(|sent| sent.at).collect();
    assert!(
        (50..100).contains(&(at[1] - at[0])) && (100..200).contains(&(at[2] - at[1])),
        "{at:?}"
    );

    let (source, service) = Scripted::source((0..7).map(|_| busy()));
    assert_eq!(source.shards().await.unwrap_err().kind, SourceErrorKind::Throttled);
    service.played();
}

#[tokio::test]
async fn an_answer_without_shards_is_no_list() {
    use SourceErrorKind::{Corrupt, Unavailable};
    let reply = |body| ("ListShards", Reply::Json(body));
    let cases = [
        (vec![reply(json!({ "Shards": [] }))], Unavailable),
        (vec![reply(json!({ "Shards": [], "NextToken": "" }))], Unavailable),
        (vec![reply(json!({}))], Corrupt),
        // The second page has no list, which is not the same as an empty list.
        (vec![page(0..2, Some("one")), reply(json!({}))], Corrupt),
    ];
    for (script, kind) in cases {
        let (source, service) = Scripted::source(script);
        let error = source.shards().await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        service.played();
    }
}

#[tokio::test]
async fn an_empty_token_is_none_but_no_proof_of_the_end() {
    let (source, service) =
        Scripted::source([page(0..2, Some("")), page(2..3, Some("")), page(0..0, Some(""))]);
    assert_eq!(source.shards().await.unwrap().len(), 3);
    let name = Some("orders");
    let expected = [
        [name, None, None],
        [name, None, Some("shardId-000000000001")],
        [name, None, Some("shardId-000000000002")],
    ];
    assert_eq!(asked(&service.played()), expected);
}

#[tokio::test]
async fn an_empty_text_closes_no_shard_and_is_nobodys_parent() {
    let odd = json!({
        "ShardId": "shardId-000000000002",
        "ParentShardId": "",
        "AdjacentParentShardId": "",
        "HashKeyRange": { "StartingHashKey": "5", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "", "EndingSequenceNumber": "" },
    });
    let (source, _) = Scripted::source([("ListShards", Reply::Json(json!({"Shards": [odd]})))]);
    let shards = source.shards().await.unwrap();
    assert!(!shards[0].closed && shards[0].parents.is_empty() && shards[0].starting.is_none());
}
