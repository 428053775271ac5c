//! `cargo xtask bench`: measures one thing beside what people use today. Each bench is one file; all of
//! them write their rows to `bench/results.json`, under their own name.

mod call;
mod capture;
mod cost;
mod kills;
mod sizes;
mod voice;

use std::{fs, path::Path, process::ExitCode};

use serde_json::{Map, Value};

use crate::step::{Failure, Naming, Outcome};

/// Names of all benches, for the usage.
pub(crate) const NAMES: &str = "call, capture, cost, kills, sizes, voice";

const RESULTS: &str = "bench/results.json";

/// Runs one bench and keeps what it measured.
pub(crate) fn run(root: &Path, name: &str, options: &[&str]) -> Outcome<ExitCode> {
    let rows = match name {
        "kills" => return kills::run(root, options),
        "call" => call::run(root)?,
        "capture" => capture::run(root)?,
        "cost" => cost::run(root)?,
        "sizes" => sizes::run(root)?,
        "voice" => voice::run(root)?,
        _ => return Err(Failure::new(format!("no bench is called {name}"), NAMES)),
    };
    keep(root, name, rows)?;
    Ok(ExitCode::SUCCESS)
}

/// Replaces the rows of one bench and leaves the others'.
fn keep(root: &Path, name: &str, rows: Value) -> Outcome<()> {
    let file = root.join(RESULTS);
    let mut results: Map<String, Value> = fs::read(&file)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    results.insert(name.to_owned(), rows);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).naming(folder.display())?;
    }
    let text = serde_json::to_string_pretty(&results).naming(RESULTS)?;
    fs::write(&file, text + "\n").naming(RESULTS)
}
