//! Changes good input in seeded ways, and keeps on until time is up. A round repeats exactly from its seed.

use std::{env, panic, time::Duration};

/// A generator that needs no library (xorshift64*).
pub(super) struct Random(u64);

impl Random {
    const fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What grammars stumble over: separators, escapes, numbers at their ends, names with a meaning of their own.
const BITS: [&[u8]; 40] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\r\n ",
    b"\"",
    b"\\\"",
    b"<",
    b">",
    b";",
    b",",
    b"%",
    b"%00",
    b"%0d%0a",
    b"%ff",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xe2\x80\xae",
    b"\\",
    b"@",
    b":",
    b"=",
    b" ",
    b"\t",
    b"[",
    b"]",
    b"[::1]",
    b"*",
    b"?",
    b"-1",
    b"0",
    b"256",
    b"65536",
    b"4294967296",
    b"99999999999999999999",
    b"SIP/2.0",
    b"Via: ",
    b";tag=",
    b"Content-Length: 9",
];

/// One changed input out of the corpus.
fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.pick(corpus).clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(40) + 1);
        match random.below(10) {
            0 => drop(bytes.splice(at..end, random.pick(&BITS).iter().copied())),
            1 => drop(bytes.drain(at..end)),
            2 | 3 => drop(bytes.splice(at..at, random.pick(&BITS).iter().copied())),
            4 => bytes.truncate(at),
            5 => bytes.extend_from_within(at..end),
            6 => lines(random, &mut bytes),
            7 => cross(random, &mut bytes, corpus, at),
            8 => repeat(random, &mut bytes, at, end),
            _ => flip(random, &mut bytes, at),
        }
    }
    bytes
}

/// Doubles, removes or swaps whole lines: headers that are missing, repeated or out of order.
fn lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut all: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if all.is_empty() {
        return;
    }
    let (one, other) = (random.below(all.len()), random.below(all.len()));
    match random.below(3) {
        0 => all.insert(other, all[one].clone()),
        1 => drop(all.remove(one)),
        _ => all.swap(one, other),
    }
    *bytes = all.concat();
}

/// Goes on as another input of the corpus.
fn cross(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>], at: usize) {
    let other = random.pick(corpus);
    let from = random.below(other.len() + 1);
    bytes.truncate(at);
    bytes.extend_from_slice(&other[from..]);
}

/// Says a part of it again and again.
fn repeat(random: &mut Random, bytes: &mut Vec<u8>, at: usize, end: usize) {
    let part = bytes[at..end].repeat(1 << random.below(8));
    drop(bytes.splice(at..at, part));
}

fn flip(random: &mut Random, bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

/// Calls `read` with changed input for three seconds, or as many as `FUZZ_SECONDS` says, from the seed `FUZZ_SEED`. What
/// it panics at is printed, to be kept in the corpus.
pub(super) fn storm(corpus: &[Vec<u8>], read: fn(&[u8])) {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let time = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(3));
    let seed = number("FUZZ_SEED").unwrap_or(0x5EED);
    corpus.iter().for_each(|input| try_one(input, read));
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may look at the clock to know when to stop"
    )]
    let begin = std::time::Instant::now();
    let mut random = Random::new(seed);
    let mut rounds = 0_u64;
    while begin.elapsed() < time {
        try_one(&mutate(&mut random, corpus), read);
        rounds += 1;
    }
    println!("{rounds} inputs from seed {seed}");
    assert!(rounds > 1000, "only {rounds} rounds");
}

fn try_one(input: &[u8], read: fn(&[u8])) {
    if let Err(panic) = panic::catch_unwind(|| read(input)) {
        println!("at this input:\n{}", input.escape_ascii());
        panic::resume_unwind(panic);
    }
}
