#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dawncast_store::fuzzing::archive(data));
