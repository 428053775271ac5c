//! Reads one typical INVITE of 869 bytes again and again, with everything that a proxy asks of it: `cargo xtask bench
//! sip` runs it natively and, compiled for wasm, in Node.js beside other stacks.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench tells its result and fails by panicking"
)]

use std::hint::black_box;

use sip::{Message, message::parse};

const INVITE: &[u8] = include_bytes!("invite.sip");
/// A round of so many messages; the script that runs the wasm module knows this number too.
const TIMES: u32 = 400;

fn main() {
    #[cfg(not(target_family = "wasm"))]
    {
        let round = || {
            #[allow(clippy::disallowed_methods, reason = "a bench looks at the clock")]
            let start = std::time::Instant::now();
            decode();
            start.elapsed().as_nanos() / u128::from(TIMES)
        };
        // Others on the machine only ever add to a round.
        println!("{}", (0..40).map(|_| round()).min().unwrap_or(0));
    }
    #[cfg(target_family = "wasm")]
    decode();
}

fn decode() {
    for _ in 0..TIMES {
        let message = parse(black_box(INVITE)).expect("a message");
        let Message::Request(request) = message else {
            return;
        };
        black_box((request.from(), request.to(), request.top_via()));
        black_box((request.contacts(), request.cseq(), request.max_forwards()));
        black_box((request.call_id(), request.expires(), request.content_type()));
    }
}
