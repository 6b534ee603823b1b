//! Amazon Kinesis Data Streams as a source of the [Kinesis client library](kcl_core).

pub mod kpl;
