#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dawncast_cloud_sim::fuzzing::creation(data));
