// SPDX-License-Identifier: GPL-2.0

//! See `targets/latency_text.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::latency_text::run(data));
