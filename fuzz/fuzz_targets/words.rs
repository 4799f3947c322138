#![no_main]

libfuzzer_sys::fuzz_target!(|data: &str| dawncast_core::fuzzing::words(data));
