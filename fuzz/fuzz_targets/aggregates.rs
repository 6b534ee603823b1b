//! KPL aggregates: a message with a digest that fits, and any bytes as they are.
#![no_main]

use kcl_core::stream::{KplMark, Record, SequenceNumber};
use kcl_kinesis::kpl::{Damage, unpack};
use md5::{Digest, Md5};

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let sealed = [&[0xF3, 0x89, 0x9A, 0xC2], message, &Md5::digest(message)[..]].concat();
    for data in [sealed, message.to_vec()] {
        let key = Some("carrier".into());
        let stored = Record::new(SequenceNumber::from(7).into(), key, data.into());
        let mut into = Vec::new();
        let outcome = unpack(stored.clone(), None, &mut into);
        let is_marked = |record: &Record| record.kpl == KplMark::Malformed;
        match outcome {
            Ok(()) => assert!(!into.is_empty() && !into.iter().any(is_marked)),
            // The keys of these are missing; the others are as they are.
            Err(Damage::Key) => assert!(into.iter().any(is_marked)),
            // Never partial.
            Err(_) => {
                let [whole] = &into[..] else { panic!("{} records of a damaged one", into.len()) };
                assert_eq!((&whole.data, whole.kpl), (&stored.data, KplMark::Malformed));
            }
        }
    }
});
