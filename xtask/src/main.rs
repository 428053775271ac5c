//! Builds, serves and tests Afterbeep: plain functions and one `match`. It starts the workspace's members
//! and imports none of them.

#![allow(clippy::print_stdout, reason = "standard output carries the results")]

mod admin;
mod bench;
mod browsers;
mod bundle;
mod checks;
mod deploy;
mod fingerprint;
mod fuzz;
mod names;
mod npm;
mod packages;
mod serve;
mod step;
mod toolchain;
mod wasm;

use std::{path::Path, process::ExitCode};

use step::{Failure, Outcome};
use wasm::Profile;

const USAGE: &str = "cargo xtask dev [--port 8787] [--state DIR] [--no-demo] [--release]
  cargo xtask test [FILTER]
  cargo xtask fuzz message|uri|headers|sdp|auth|session_info [--time SECONDS] [--seed N]
  cargo xtask fuzz socket [--count N] [--seed N]
  cargo xtask build
  cargo xtask bench call|capture|cost|sip|sizes|voice
  cargo xtask bench kills [--browser chromium|firefox|webkit] [--count N] [--seed N]
  cargo xtask deploy [--env dev|staging|production] [--artefacts DIR] [--rotate token|account|receipt|admin] [--dry-run]
  cargo xtask admin users [list | put ADDRESS [--name NAME] | login ADDRESS] --server URL
  cargo xtask admin numbers [list ADDRESS | put ADDRESS NUMBER | delete ADDRESS NUMBER] --server URL";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            step::say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."));
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["dev", options @ ..] => serve::dev(root, options),
        ["test"] => checks::run(root, None),
        ["test", filter] => checks::run(root, Some(filter)),
        ["fuzz", name, options @ ..] => fuzz::run(root, name, options),
        ["build"] => release(root),
        ["bench", name, options @ ..] => bench::run(root, name, options),
        ["admin", "users", call @ ..] => admin::users(root, call),
        ["admin", "numbers", call @ ..] => admin::numbers(root, call),
        ["deploy", options @ ..] => deploy::deploy(root, options),
        _ => Err(Failure::new("unknown command", USAGE)),
    }
}

/// Release artefacts for a deployment and for embedders.
fn release(root: &Path) -> Outcome<ExitCode> {
    let artefacts = bundle::build(root, Profile::Release)?;
    for folder in [&artefacts.worker, &artefacts.www] {
        bundle::refuse_faults(folder)?;
    }
    npm::pack(root, &artefacts.www)?;
    println!("dist/worker, dist/www and dist/npm are built");
    Ok(ExitCode::SUCCESS)
}
