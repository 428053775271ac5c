//! The whole system from outside: the files of `tests`, run by Node.js against real servers and browsers.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

use serde_json::Value;

use super::Tally;
use crate::{
    browsers::Browser,
    bundle, packages,
    step::{self, Failure, Naming, Outcome},
    wasm,
};

/// Programs that the tests start, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 6] = [
    ("chromium", "chromium"),
    ("espeak-ng", "espeak-ng"),
    ("sox", "sox"),
    ("opusdec", "opus-tools"),
    ("ffmpeg", "ffmpeg"),
    ("turnserver", "coturn"),
];

/// A SIP proxy and telephones that nobody here wrote, for the files that put us behind them.
const PEERS: [&str; 3] = ["kamailio", "kamailio-websocket-modules", "sip-tester"];
const PEERS_FILES: [&str; 2] = ["upstream.test.mjs", "ladder-docs-proxy.test.mjs"];

const OTHER_BROWSERS: [Browser; 2] = [Browser::Firefox, Browser::WebKit];

/// All test files but those of other browsers, in the order of their names.
pub(super) fn files(root: &Path) -> Outcome<Vec<String>> {
    let folder = root.join("tests");
    let mut files: Vec<String> = fs::read_dir(&folder)
        .naming(folder.display())?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".test.mjs"))
        .collect();
    files.sort();
    Ok(files)
}

/// Test files that only a filter chooses: the main job in browsers that have to be installed for it.
pub(super) fn by_command(filter: &str) -> Vec<String> {
    OTHER_BROWSERS
        .iter()
        .map(|browser| browser.name())
        .filter(|name| filter == "browsers" || filter == *name)
        .map(|name| format!("browsers/{name}.test.mjs"))
        .collect()
}

/// Installs the other browsers that these files drive.
fn ensure_browsers(files: &[String]) -> Outcome<()> {
    OTHER_BROWSERS
        .iter()
        .filter(|browser| {
            by_command(browser.name())
                .iter()
                .any(|file| files.contains(file))
        })
        .try_for_each(|browser| browser.ensure())
}

/// Runs test files; `only` chooses tests by a part of their names.
pub(super) fn run(root: &Path, files: &[String], only: Option<&str>) -> Outcome<Tally> {
    packages::ensure_programs("what the tests need", &PROGRAMS)?;
    ensure_browsers(files)?;
    if files
        .iter()
        .any(|file| PEERS_FILES.contains(&file.as_str()))
    {
        packages::ensure_apt("a SIP proxy and a SIP telephone", &PEERS)?;
    }
    bundle::build_with_faults(root)?;
    let mut node = step::command(wasm::node(root));
    node.current_dir(root).arg("tests/run.mjs");
    if let Some(only) = only {
        node.args(["--only", only]);
    }
    node.args(files.iter().map(|file| format!("tests/{file}")));
    // Node.js calls its own SQLite experimental at every use.
    node.env("NODE_NO_WARNINGS", "1");
    node.env("XTASK_SERVE_BUILT", "1");
    // A hundred processes load the same few large modules.
    node.env("NODE_COMPILE_CACHE", root.join("target/node-cache"));
    if let Ok(own) = std::env::current_exe() {
        node.env("XTASK_BINARY", own);
    }
    tally(&mut node)
}

/// Shows what the tests say and reads the numbers in their last line.
fn tally(node: &mut std::process::Command) -> Outcome<Tally> {
    let mut child = node
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .naming("node")?;
    let mut last = String::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line?;
        if !line.starts_with('{') {
            step::say(&line);
        }
        last = line;
    }
    child.wait()?;
    let numbers: Value = serde_json::from_str(&last).map_err(|_| {
        Failure::new(
            "the test runner ended without a result",
            "read its messages above",
        )
    })?;
    let count = |name: &str| {
        let number = numbers.get(name).and_then(Value::as_u64);
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    };
    Ok(Tally::new(count("passed"), count("failed")))
}

#[cfg(test)]
mod tests {
    use super::by_command;

    #[test]
    fn other_browsers_are_tested_where_they_are_named() {
        assert_eq!(by_command("webkit"), ["browsers/webkit.test.mjs"]);
        assert_eq!(by_command("browsers").len(), 2);
        assert!(by_command("web").is_empty());
    }
}
