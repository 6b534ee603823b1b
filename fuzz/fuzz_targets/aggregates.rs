//! KPL aggregates: a message with a digest that fits, and any bytes as they are.
#![no_main]

use kcl_core::stream::{KplMark, Record, SequenceNumber};
use kcl_kinesis::kpl::unpack;
use md5::{Digest, Md5};

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let sealed = [&[0xF3, 0x89, 0x9A, 0xC2], message, &Md5::digest(message)[..]].concat();
    for data in [sealed, message.to_vec()] {
        let stored = Record::new(SequenceNumber::from(7).into(), "carrier".into(), data.into());
        let mut into = Vec::new();
        match unpack(stored.clone(), None, &mut into) {
            Ok(()) => assert!(into.iter().all(|record| record.kpl != KplMark::Malformed)),
            // Never partial.
            Err(_) => {
                let [whole] = &into[..] else { panic!("{} records of a damaged one", into.len()) };
                assert_eq!((&whole.data, whole.kpl), (&stored.data, KplMark::Malformed));
            }
        }
    }
});
