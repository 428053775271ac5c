//! Deterministic simulation: from one seed, callers, their uploads and retries, and the callee act on a whole
//! exchange, requests overlap, repeat and lose their answers, keys are rotated, time jumps, the blob store fails,
//! and the process dies between any two statements or effects. After every step all that the design promises of a
//! deposit must hold.
//!
//! `AFTERBEEP_SIMULATION_SEEDS=100000` plays more seeds, `AFTERBEEP_SIMULATION_SEED=7` one again, with its story.

mod callee;
mod caller;
mod chance;
mod keys;
mod ledger;
mod story;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
};

use self::story::Story;

const SEEDS: u64 = 1000;
/// Every so many seeds one plays on files; its processes find what the ones before wrote.
const ON_DISK: u64 = 20;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What a seed's story was and why it failed, if it did.
fn failure(seed: u64) -> Option<String> {
    let folder = seed.is_multiple_of(ON_DISK).then(|| folder(seed));
    let told = Rc::new(RefCell::new(Vec::new()));
    let played = catch_unwind(AssertUnwindSafe(|| {
        Story::new(seed, folder.clone(), Rc::clone(&told)).play();
    }));
    if let Some(folder) = folder {
        std::fs::remove_dir_all(folder).expect("the folder goes");
    }
    let reason = played.err()?;
    let reason = reason.downcast_ref::<String>().cloned().or_else(|| {
        let text = reason.downcast_ref::<&str>()?;
        Some((*text).to_owned())
    });
    let story = told.borrow().join("\n  ");
    Some(format!("  {story}\n{}", reason.unwrap_or_default()))
}

fn folder(seed: u64) -> PathBuf {
    let name = format!("afterbeep-simulation-{}-{seed}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Plays all seeds on all cores and gives the lowest that failed, with its story.
fn first_failure(seeds: u64) -> Option<(u64, String)> {
    let next = AtomicU64::new(0);
    let play = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return None;
            }
            if let Some(story) = failure(seed) {
                next.store(seeds, Ordering::Relaxed);
                return Some((seed, story));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..cores).map(|_| scope.spawn(play)).collect();
        let failures = players.into_iter().filter_map(|player| player.join().ok()?);
        failures.min_by_key(|(seed, _)| *seed)
    })
}

#[test]
fn what_the_design_promises_of_a_deposit_holds_for_every_seed() {
    let failed = match number("AFTERBEEP_SIMULATION_SEED") {
        Some(seed) => failure(seed).map(|story| (seed, story)),
        None => first_failure(number("AFTERBEEP_SIMULATION_SEEDS").unwrap_or(SEEDS)),
    };
    if let Some((seed, story)) = failed {
        panic!(
            "{story}\n\nseed {seed} failed; play it again with\n  AFTERBEEP_SIMULATION_SEED={seed} cargo test -p exchange simulation"
        );
    }
}

#[test]
fn one_seed_tells_one_story() {
    let told = |seed| {
        let told = Rc::new(RefCell::new(Vec::new()));
        Story::new(seed, None, Rc::clone(&told)).play();
        told.take()
    };
    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
}
