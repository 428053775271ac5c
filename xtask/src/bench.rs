//! `cargo xtask bench`: measures one thing beside what people use today. Each bench is one file; all of
//! them write their rows to `bench/results.json`, under their own name.

mod call;
mod capture;
mod cost;
mod kills;
mod sip;
mod sizes;
mod voice;

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use serde_json::{Map, Value};

use crate::{
    step::{self, Failure, Naming, Outcome},
    wasm,
};

/// Names of all benches, for the usage.
pub(crate) const NAMES: &str = "call, capture, cost, kills, sip, sizes, voice";

const RESULTS: &str = "bench/results.json";
/// The page that shows tables between marks of their own.
const PAGE: &str = "docs/performance.md";

/// Runs one bench and keeps what it measured.
pub(crate) fn run(root: &Path, name: &str, options: &[&str]) -> Outcome<ExitCode> {
    let rows = match name {
        "kills" => return kills::run(root, options),
        "call" => call::run(root)?,
        "capture" => capture::run(root)?,
        "cost" => cost::run(root)?,
        "sip" => sip::run(root)?,
        "sizes" => sizes::run(root)?,
        "voice" => voice::run(root)?,
        _ => return Err(Failure::new(format!("no bench is called {name}"), NAMES)),
    };
    keep(root, name, rows)?;
    Ok(ExitCode::SUCCESS)
}

/// A script of `bench`, whose servers run what is built by now.
pub(crate) fn script(root: &Path, file: &str) -> Command {
    let mut node = step::command(wasm::node(root));
    node.current_dir(root)
        .arg(file)
        .env("XTASK_SERVE_BUILT", "1");
    if let Ok(own) = std::env::current_exe() {
        node.env("XTASK_BINARY", own);
    }
    node
}

/// Runs a script and reads its result, the line that is JSON.
fn result_of(title: &str, script: &mut Command) -> Outcome<Value> {
    let printed = step::step(title, || {
        step::run(script, "read the bench's messages above")
    })?;
    result_in(&printed)
}

fn result_in(printed: &str) -> Outcome<Value> {
    let line = printed.lines().find(|line| line.starts_with('{'));
    let line =
        line.ok_or_else(|| Failure::new("the bench ended without a result", "read what it said"))?;
    serde_json::from_str(line).naming("the bench's result")
}

/// Puts a table in the place of the one that stands between these two marks.
fn publish(root: &Path, (begin, end): (&str, &str), table: &str) -> Outcome<()> {
    let file = root.join(PAGE);
    let text = fs::read_to_string(&file).naming(PAGE)?;
    let parts = text
        .split_once(begin)
        .and_then(|(head, rest)| Some((head, rest.split_once(end)?.1)));
    let Some((head, tail)) = parts else {
        return Ok(());
    };
    fs::write(&file, format!("{head}{begin}{table}\n{end}{tail}")).naming(PAGE)
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
