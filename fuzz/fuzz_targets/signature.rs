#![no_main]

libfuzzer_sys::fuzz_target!(|data: &str| dawncast_cloud_api::fuzzing::signature(data));
