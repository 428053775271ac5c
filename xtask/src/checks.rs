//! `cargo xtask test`: every check, told one by one, with one line of numbers at the end.

mod arrows;
mod browser;
mod dependencies;
mod imports;

use std::{path::Path, process::ExitCode};

use crate::{
    step::{self, Failure, Outcome},
    toolchain,
};

/// How many checks or tests passed and failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    const PASSED: Self = Self {
        passed: 1,
        failed: 0,
    };

    const fn new(passed: u32, failed: u32) -> Self {
        Self { passed, failed }
    }

    fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
    }
}

/// One check: its name, by which it can be chosen, and what it does.
struct Check {
    name: &'static str,
    run: fn(&Path) -> Outcome<Tally>,
}

const CHECKS: [Check; 7] = [
    Check {
        name: "format",
        run: format,
    },
    Check {
        name: "lint",
        run: lint,
    },
    Check {
        name: "arrows",
        run: arrows::check,
    },
    Check {
        name: "licences",
        run: dependencies::licences,
    },
    Check {
        name: "versions",
        run: dependencies::versions,
    },
    Check {
        name: "imports",
        run: imports::check,
    },
    Check {
        name: "unit",
        run: |root| units(root, None),
    },
];

/// Runs all checks, or those that `filter` names: a check, a file of `tests`, a browser (or `browsers`), or part of a
/// test's name.
pub(crate) fn run(root: &Path, filter: Option<&str>) -> Outcome<ExitCode> {
    let mut tally = Tally::default();
    let chosen = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    for check in CHECKS.iter().filter(|check| chosen(check.name)) {
        tally.add(told(check.name, || (check.run)(root)));
    }
    let mut files = browser::files(root)?;
    files.retain(|file| chosen(file));
    files.extend(filter.map_or_else(Vec::new, browser::by_command));
    if !files.is_empty() {
        tally.add(told("tests", || browser::run(root, &files, None)));
    }
    if let (
        Some(filter),
        Tally {
            passed: 0,
            failed: 0,
        },
    ) = (filter, tally)
    {
        tally.add(told("unit", || units(root, Some(filter))));
        let files = browser::files(root)?;
        tally.add(told("tests", || browser::run(root, &files, Some(filter))));
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    let good = tally.failed == 0 && tally.passed > 0;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs one check and shows why it failed; a check that cannot run has failed.
fn told(name: &str, check: impl FnOnce() -> Outcome<Tally>) -> Tally {
    match step::step(&format!("Checking {name}"), check) {
        Ok(tally) => tally,
        Err(failure) => {
            step::say(&format!("FAILED {name}: {failure}"));
            Tally::new(0, 1)
        }
    }
}

fn format(root: &Path) -> Outcome<Tally> {
    let mut cargo = step::command("cargo");
    cargo.current_dir(root).args(["fmt", "--all", "--check"]);
    step::run(&mut cargo, "run `cargo fmt --all`").map(|_| Tally::PASSED)
}

/// The host target suffices: the crates for browser and edge lint on it too. Their features are linted apart.
fn lint(root: &Path) -> Outcome<Tally> {
    let runs: [&[&str]; 5] = [
        &["--workspace", "--all-targets"],
        &["--package", "edge-worker", "--features", "fault-points"],
        &[
            "--package",
            "client-wasm",
            "--no-default-features",
            "--features",
            "call",
        ],
        &[
            "--package",
            "client-wasm",
            "--no-default-features",
            "--features",
            "voice",
        ],
        &[
            "--package",
            "client-wasm",
            "--no-default-features",
            "--features",
            "denoise",
        ],
    ];
    for arguments in runs {
        let mut cargo = step::command("cargo");
        cargo
            .current_dir(root)
            .args(["clippy", "--quiet"])
            .args(arguments)
            .args(["--", "-D", "warnings"]);
        step::run(&mut cargo, "correct what clippy names above")?;
    }
    Ok(Tally::PASSED)
}

/// Without them the client is empty, and so are its tests.
const CLIENT_FEATURES: &str = "client-wasm/call,client-wasm/voice,client-wasm/denoise";

fn units(root: &Path, filter: Option<&str>) -> Outcome<Tally> {
    let mut cargo = step::command("cargo");
    cargo
        .current_dir(root)
        .args(["test", "--workspace", "--no-fail-fast", "--quiet"])
        .args(["--features", CLIENT_FEATURES])
        .args(filter);
    let output = cargo
        .output()
        .map_err(|error| Failure::new(format!("cargo: {error}"), "install Rust with rustup"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut tally = Tally::default();
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        tally.add(Tally::new(number(line, " passed"), number(line, " failed")));
    }
    if output.status.success() {
        return Ok(tally);
    }
    step::say(&text);
    step::say(&String::from_utf8_lossy(&output.stderr));
    tally.failed = tally.failed.max(1);
    Ok(tally)
}

/// The number that stands before `word`.
fn number(line: &str, word: &str) -> u32 {
    let before = line.split(word).next().unwrap_or("");
    before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// Names and versions of everything that a member links, without macros and build scripts.
fn linked(root: &Path, member: &str) -> Outcome<Vec<(String, String)>> {
    let mut cargo = step::command("cargo");
    cargo
        .current_dir(root)
        .args([
            "tree",
            "--package",
            member,
            "--edges",
            "normal,no-proc-macro",
        ])
        .args([
            "--target",
            toolchain::TARGET,
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]);
    let text = step::run(&mut cargo, "read cargo's message above")?;
    let mut list: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect();
    list.sort();
    list.dedup();
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn the_numbers_of_a_test_run_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured";
        assert_eq!(number(line, " passed"), 12);
        assert_eq!(number(line, " failed"), 3);
        assert_eq!(number("nothing", " failed"), 0);
    }
}
