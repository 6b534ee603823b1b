//! The DynamoDB store's table: how it is made, and what is refused in its place.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType,
    },
};
use kcl_core::{
    env::Env,
    lease::{Checkpoint, Lease, LeaseKey},
    store::{LeaseStore, LeaseStoreExt, StoreError, StoreErrorKind},
};
use kcl_dynamo::{Billing, DynamoStore, DynamoStoreBuilder};
use kcl_tests::{
    dynamo,
    servers::{Dynalite, Dynoxide, Link},
};
use tokio::task::JoinSet;

fn store(url: &str) -> DynamoStoreBuilder {
    DynamoStore::builder("orders").client_config(dynamo::config(url))
}

fn client(url: &str) -> Client {
    Client::from_conf(dynamo::config(url).build())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn cause(error: &StoreError) -> String {
    error.source.as_ref().unwrap().to_string()
}

async fn make_table(client: &Client, name: &str, keys: &[(&str, ScalarAttributeType)]) {
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for ((key, kind), part) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute = AttributeDefinition::builder()
            .attribute_name(*key)
            .attribute_type(kind.clone())
            .build()
            .unwrap();
        let element =
            KeySchemaElement::builder().attribute_name(*key).key_type(part).build().unwrap();
        request = request.attribute_definitions(attribute).key_schema(element);
    }
    request.send().await.unwrap();
}

#[tokio::test]
async fn a_table_of_the_java_kcl_is_refused_and_left_alone() {
    let server = Dynoxide::start().unwrap();
    let client = client(server.url());
    make_table(&client, "orders", &[("leaseKey", ScalarAttributeType::S)]).await;
    let refused = store(server.url()).build().unwrap().prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    assert!(refused.to_string().contains("table orders"), "{refused}");
    let said = cause(&refused);
    for part in ["of the Java KCL", "leaseKey (HASH, S)", "pk (HASH, S), sk (RANGE, S)", "`table`"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(client.scan().table_name("orders").send().await.unwrap().count, 0);
}

#[tokio::test]
async fn a_table_with_other_keys_is_refused() {
    let server = Dynoxide::start().unwrap();
    let client = client(server.url());
    let keys = [("pk", ScalarAttributeType::S), ("sk", ScalarAttributeType::N)];
    make_table(&client, "orders", &keys).await;
    let refused = store(server.url()).build().unwrap().prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&refused).contains("sk (RANGE, N)"), "{}", cause(&refused));
}

#[tokio::test]
async fn a_later_layout_is_refused_and_the_one_before_is_read() {
    let server = Dynoxide::start().unwrap();
    let client = client(server.url());
    let store = store(server.url()).build().unwrap();
    store.prepare().await.unwrap();
    let mark = async |version: &str| {
        let item = client.put_item().table_name("orders");
        let item = item.item("pk", text("@kcl")).item("sk", text("layout"));
        item.item("v", AttributeValue::N(version.to_owned())).send().await.unwrap();
        store.prepare().await
    };
    mark("0").await.unwrap();
    let refused = mark("2").await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&refused).contains("layout version 2"), "{}", cause(&refused));
    assert_eq!(mark("999999999999999999999").await.unwrap_err().kind, StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn the_table_is_made_as_told() {
    let server = Dynoxide::start().unwrap();
    let client = client(server.url());
    let store = store(server.url())
        .table("shared-leases")
        .billing(Billing::Provisioned { read: 3, write: 7 })
        .tag("team", "orders")
        .deletion_protection(true)
        .build()
        .unwrap();
    assert_eq!(store.location(), "dynamodb://shared-leases");
    store.prepare().await.unwrap();
    let described = client.describe_table().table_name("shared-leases").send().await.unwrap();
    let table = described.table.unwrap();
    let units = table.provisioned_throughput.as_ref().unwrap();
    assert_eq!((units.read_capacity_units, units.write_capacity_units), (Some(3), Some(7)));
    assert_eq!(table.deletion_protection_enabled, Some(true));
    assert!(table.global_secondary_indexes().is_empty());
    let arn = table.table_arn.unwrap();
    let tags = client.list_tags_of_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags().iter().map(|tag| tag.key()).collect::<Vec<_>>(), ["team"]);
}

#[tokio::test]
async fn a_server_without_point_in_time_recovery_is_no_obstacle() {
    let (dynoxide, dynalite) = (Dynoxide::start().unwrap(), Dynalite::start().unwrap());
    for url in [dynoxide.url(), dynalite.url()] {
        let store = store(url).point_in_time_recovery(true).build().unwrap();
        store.prepare().await.unwrap();
        assert!(store.all_leases().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_store_that_was_not_prepared_says_what_is_missing() {
    let server = Dynoxide::start().unwrap();
    let unprepared = store(server.url()).build().unwrap();
    let failed = unprepared.lease(&LeaseKey::planner()).await.unwrap_err();
    assert_eq!(failed.kind, StoreErrorKind::Missing);
    assert!(cause(&failed).contains("`prepare` creates it"), "{}", cause(&failed));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let server = Dynoxide::start().unwrap();
    let store = store(server.url()).build().unwrap();
    store.prepare().await.unwrap();
    let item = client(server.url()).put_item().table_name("orders");
    let item = item.item("pk", text("L/orders")).item("sk", text("@planner"));
    item.item("e", text("seven")).send().await.unwrap();
    let failed = store.lease(&LeaseKey::planner()).await.unwrap_err();
    assert!(failed.to_string().contains("@planner in table orders"), "{failed}");
    for failed in [failed, store.all_leases().await.unwrap_err()] {
        assert_eq!(failed.kind, StoreErrorKind::Corrupt);
        assert!(failed.to_string().contains("@planner"), "{failed}");
        assert!(cause(&failed).contains("field \"e\" is no number"), "{}", cause(&failed));
    }

    // It hides no other row.
    let other = Lease::new("orders/1/a".parse().unwrap(), Checkpoint::TrimHorizon);
    assert!(store.create(other.clone()).await.unwrap().is_done());
    let listed = store.list_leases().await.unwrap();
    assert_eq!(listed.rows, [other]);
    assert_eq!(listed.unreadable.len(), 1);
    assert_eq!(listed.unreadable[0].key, "@planner");
}

#[test]
fn connections_belong_to_the_runtime_that_first_uses_the_store() {
    let server = Dynoxide::start().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (user, keeper) = (runtime(), runtime());
    let store = user.block_on(async { store(server.url()).build().unwrap() });
    keeper.block_on(store.prepare()).unwrap();
    drop(user);
    assert!(keeper.block_on(store.all_leases()).unwrap().is_empty());
}

/// The machine behind a resolved address is gone, and nothing ends the connections to it.
#[tokio::test]
async fn a_pool_of_connections_that_went_dark_is_left_and_not_tried_one_by_one() {
    let server = Dynoxide::start().unwrap();
    let link = Link::to(server.port()).unwrap();
    let store = store(&format!("http://127.0.0.1:{}", link.port())).build().unwrap();
    let store = Arc::new(store);
    store.prepare().await.unwrap();
    let (key, clock) = (LeaseKey::planner(), Env::system().clock);
    // As many at once as make a pool of them.
    link.delay(Duration::from_millis(100));
    let mut all = JoinSet::new();
    for _ in 0..30 {
        let store = Arc::clone(&store);
        all.spawn(async move { store.lease(&LeaseKey::planner()).await });
    }
    for answer in all.join_all().await {
        assert_eq!(answer.unwrap(), None);
    }
    link.delay(Duration::ZERO);
    link.darken();
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < 12, "each caller got another dead connection");
        tokio::select! {
            answer = store.lease(&key) => break assert_eq!(answer.unwrap(), None),
            () = clock.sleep(Duration::from_millis(500)) => {}
        }
    }
}
