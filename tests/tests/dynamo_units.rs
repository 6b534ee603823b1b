//! What the DynamoDB store costs, in requests and capacity units.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
            BeforeTransmitInterceptorContextRef,
        },
    },
    error::BoxError,
    operation::{
        get_item::{GetItemInput, GetItemOutput},
        query::{QueryInput, QueryOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::ReturnConsumedCapacity,
};
use kcl_core::{
    env::WallTime,
    lease::{
        Acquire, Advance, Beat, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Report, Session,
        SessionId,
    },
    store::{Consistency, LeaseStore, LeaseStoreExt},
    stream::{Position, SequenceNumber, StreamKey},
};
use kcl_dynamo::DynamoStore;
use kcl_tests::{dynamo, servers::Dynoxide};

/// What was sent and consumed since it was last asked.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bill {
    requests: u32,
    /// Bytes of the requests' bodies.
    sent: usize,
    units: f64,
}

/// Asks for the consumed capacity of every request, and adds it up.
#[derive(Clone, Debug, Default)]
struct Meter(Arc<Mutex<Bill>>);

impl Meter {
    fn read(&self) -> Bill {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let total = Some(ReturnConsumedCapacity::Total);
        let input = context.input_mut();
        if let Some(update) = input.downcast_mut::<UpdateItemInput>() {
            update.return_consumed_capacity = total;
        } else if let Some(query) = input.downcast_mut::<QueryInput>() {
            query.return_consumed_capacity = total;
        } else if let Some(get) = input.downcast_mut::<GetItemInput>() {
            get.return_consumed_capacity = total;
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut bill = self.0.lock().unwrap();
        bill.requests += 1;
        bill.sent += context.request().body().bytes().map_or(0, <[u8]>::len);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let consumed = None
            .or_else(|| output.downcast_ref::<UpdateItemOutput>()?.consumed_capacity())
            .or_else(|| output.downcast_ref::<QueryOutput>()?.consumed_capacity())
            .or_else(|| output.downcast_ref::<GetItemOutput>()?.consumed_capacity());
        self.0.lock().unwrap().units += consumed.and_then(|c| c.capacity_units).unwrap_or(0.0);
        Ok(())
    }
}

fn session_id(n: u128) -> SessionId {
    let worker = format!("order-indexer-7d9f8b6c5-x{n}k2p");
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(n << 100 | 0xabcd))
}

fn lease_key(n: u32) -> LeaseKey {
    let stream = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_000));
    LeaseKey::of_shard(&stream, &format!("shardId-{n:012}").parse().unwrap())
}

#[tokio::test]
async fn a_fleet_of_three_with_twenty_shards_costs_what_the_documentation_says() {
    let server = Dynoxide::start().unwrap();
    let meter = Meter::default();
    let config = dynamo::config(server.url()).interceptor(meter.clone());
    let store = DynamoStore::builder("order-indexer").client_config(config).build().unwrap();
    store.prepare().await.unwrap();
    for n in 1..=3 {
        let (timeout, interval) = (Duration::from_secs(6), Duration::from_millis(1_500));
        let session = Session::new(session_id(n), 1, timeout, interval);
        assert!(store.register(session).await.unwrap().value.is_done());
    }
    for n in 0..20 {
        let lease = Lease::new(lease_key(n), Checkpoint::TrimHorizon);
        let take = Acquire::new(&lease, session_id(1), Epoch(1_700_000_000_000));
        assert!(store.create(lease).await.unwrap().is_done());
        assert!(store.acquire(take).await.unwrap().is_done());
    }

    meter.read();
    store.prepare().await.unwrap();
    let prepare = meter.read();
    let beat = Beat::new(session_id(1), 1, Report::NOTHING);
    assert!(store.beat(beat).await.unwrap().value.is_done());
    let beat = meter.read();
    let sequence: SequenceNumber =
        "49590338271490256608559692538361571095921575989136588898".parse().unwrap();
    let at = Checkpoint::After(Position::from(sequence));
    let advance = Advance::new(lease_key(0), session_id(1), Epoch(1_700_000_000_000), at);
    assert!(store.advance(advance).await.unwrap().is_done());
    let checkpoint = meter.read();
    store.session(&session_id(1), Consistency::Eventual).await.unwrap();
    let look = meter.read();
    assert_eq!(store.all_sessions(Consistency::Eventual).await.unwrap().len(), 3);
    let watch = meter.read();
    assert_eq!(store.all_leases().await.unwrap().len(), 20);
    let audit = meter.read();

    let cost = |bill: &Bill| (bill.requests, bill.units);
    assert_eq!(cost(&prepare), (1, 1.0));
    assert_eq!(cost(&beat), (1, 1.0));
    assert_eq!(cost(&checkpoint), (1, 1.0));
    assert_eq!(cost(&look), (1, 0.5));
    assert_eq!(cost(&watch), (1, 0.5));
    // Twenty leases of 300 to 400 bytes: two times 4 KB, read consistently.
    assert_eq!(cost(&audit), (1, 2.0));
    assert!(beat.sent < 600, "a beat sends {} bytes", beat.sent);
}
