//! DynamoDB.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_tests::{
    dynamo,
    servers::{Counted, Dynoxide, Link, WRITES},
};

use super::case::{Case, Run, check_all};

use Run::{Consume, ConsumeWaits, List};

const STORE: &str = "dynamodb://messages";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dynamodb_that_cannot_be_reached_is_named_with_the_limit() -> Result<()> {
    let server = Dynoxide::start()?;
    let hole = Link::to(server.port())?;
    hole.hold(true);
    let case = |fault, run, endpoint: &str, words: &[&str]| {
        let mut words = words.to_vec();
        words.extend(["table messages", endpoint]);
        Case::new(fault, run, STORE, &words).at(endpoint)
    };
    let held = format!("http://127.0.0.1:{}", hole.port());
    let refused = "http://127.0.0.1:1";
    let unknown = "http://nowhere.invalid";
    let tls = format!("https://127.0.0.1:{}", server.port());
    check_all(vec![
        case("absent", List, refused, &["refused"]),
        case("absent", ConsumeWaits, refused, &["refused"]),
        case("black hole", List, &held, &["5s"]),
        case("black hole", ConsumeWaits, &held, &["5s"]),
        case("unknown host", List, unknown, &["nowhere.invalid"]),
        case("unknown host", ConsumeWaits, unknown, &["nowhere.invalid"]),
        case("no TLS", List, &tls, &["TLS"]),
        case("no TLS", ConsumeWaits, &tls, &["TLS"]),
    ])
    .await
}

/// A server that answers these operations with this code.
fn refusing(server: &Dynoxide, operations: &[&str], code: &'static str) -> Result<Counted> {
    let proxy = Counted::before(server.url())?;
    proxy.refuse(operations, code);
    Ok(proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dynamodb_that_is_not_set_up_for_it_is_told_with_the_remedy() -> Result<()> {
    let server = Dynoxide::start()?;
    let every = [&WRITES[..], &["GetItem", "Query", "DescribeTable"]].concat();
    let stranger = refusing(&server, &every, "UnrecognizedClientException")?;
    let reads = refusing(&server, &["Query", "GetItem"], "AccessDeniedException")?;
    let table = refusing(&server, &["CreateTable"], "AccessDeniedException")?;
    let full = refusing(&server, &["GetItem", "Query"], "ThrottlingException")?;
    let newer = Dynoxide::start()?;
    let config = || dynamo::config(newer.url());
    DynamoStore::builder("messages").client_config(config()).build()?.prepare().await?;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let client = aws_sdk_dynamodb::Client::from_conf(config().build());
    let put = client.put_item().table_name("messages").item("pk", text("@kcl"));
    let put = put.item("sk", text("layout")).item("v", AttributeValue::N("99".to_owned()));
    put.send().await?;
    let case = |fault, run, url: &str, words: &[&str]| {
        let mut words = words.to_vec();
        words.push("table messages");
        Case::new(fault, run, STORE, &words).at(url)
    };
    check_all(vec![
        case("strange keys", List, stranger.url(), &["UnrecognizedClient", "credentials"]),
        case("strange keys", Consume, stranger.url(), &["UnrecognizedClient", "credentials"]),
        case("no rights", List, reads.url(), &["Query", "deploy/iam"]),
        case("no rights", Consume, reads.url(), &["GetItem", "deploy/iam"]),
        case("no table", List, server.url(), &["is there a table messages"]),
        case("no table, no right", Consume, table.url(), &["CreateTable", "deploy/iam"]),
        case("throttled", List, full.url(), &["ThrottlingException", "slow down"]),
        case("throttled", ConsumeWaits, full.url(), &["ThrottlingException", "slow down"]),
        case("a newer layout", Consume, newer.url(), &["version 99", "release"]),
    ])
    .await
}
