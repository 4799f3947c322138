#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dawncast_cloud_api::fuzzing::flow(data));
