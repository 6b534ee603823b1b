//! The protobuf message inside an aggregate, for writing ([`super::wire`] is for reading). Tags
//! (field 4 of a record) are left out: nothing in Kinesis uses them.

use bytes::Bytes;

/// `AggregatedRecord` of the KPL.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    pub partition_keys: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub explicit_hash_keys: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub records: Vec<SubRecord>,
}

/// `Record` of the KPL. Its two required fields are optional here: tests leave them out.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SubRecord {
    #[prost(uint64, optional, tag = "1")]
    pub partition_key: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub explicit_hash_key: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub data: Option<Bytes>,
}
