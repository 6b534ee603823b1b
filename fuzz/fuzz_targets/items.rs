//! Items of DynamoDB, as whoever wrote them left them.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kcl_dynamo::untrusted_input::rows(text));
