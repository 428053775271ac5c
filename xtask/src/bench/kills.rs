//! What a kill of the browser costs in the middle of a recording: `cargo xtask bench kills [--browser NAME]
//! [--count N] [--seed N]`.

use std::{
    path::Path,
    process::{ExitCode, Stdio},
};

use serde_json::Value;

use crate::{
    browsers::Browser,
    bundle, packages,
    step::{self, Failure, Outcome},
    wasm::Profile,
};

/// Programs that the bench starts, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 3] = [
    ("espeak-ng", "espeak-ng"),
    ("sox", "sox"),
    ("opusinfo", "opus-tools"),
];
/// The most that one kill in a hundred may cost.
const LOSS_P99_MS: u64 = 600;

struct Options {
    browser: Browser,
    count: u32,
    seed: Option<u32>,
}

/// Kills, prints the row and keeps it under the browser's name; fails if a promise was broken.
pub(super) fn run(root: &Path, arguments: &[&str]) -> Outcome<ExitCode> {
    let options = parse(arguments)?;
    packages::ensure_programs("what the bench needs", &PROGRAMS)?;
    options.browser.ensure()?;
    bundle::build(root, Profile::Quick)?;
    let mut script = super::script(root, "bench/kills.mjs");
    script
        .arg(options.browser.name())
        .arg(options.count.to_string())
        .args(options.seed.map(|seed| seed.to_string()))
        .stderr(Stdio::inherit());
    let output = step::step("Recording and killing", || Ok(script.output()?))?;
    let row = super::result_in(&String::from_utf8_lossy(&output.stdout))?;
    println!("{}", line(&row));
    let good = holds(&row);
    super::keep(root, &format!("kills {}", options.browser.name()), row)?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse(arguments: &[&str]) -> Outcome<Options> {
    let mut options = Options {
        browser: Browser::Chromium,
        count: 0,
        seed: None,
    };
    let usage = || Failure::new("unknown options of bench kills", crate::USAGE);
    let mut rest = arguments.iter().copied();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or_else(usage)?;
        let number = || value.parse().map_err(|_| usage());
        match name {
            "--browser" => options.browser = Browser::named(value).ok_or_else(usage)?,
            "--count" => options.count = number()?,
            "--seed" => options.seed = Some(number()?),
            _ => return Err(usage()),
        }
    }
    if options.count == 0 {
        options.count = match options.browser {
            Browser::Chromium => 200,
            Browser::Firefox | Browser::WebKit => 20,
        };
    }
    Ok(options)
}

/// No acknowledged block lost, every file decodes, and little else is lost.
fn holds(row: &Value) -> bool {
    number(row, "broken") == Some(0)
        && number(row, "loss_p99_ms").is_some_and(|loss| loss <= LOSS_P99_MS)
}

fn number(row: &Value, name: &str) -> Option<u64> {
    row.get(name).and_then(Value::as_u64)
}

fn line(row: &Value) -> String {
    let shown = |name: &str| row.get(name).map(Value::to_string).unwrap_or_default();
    format!(
        "{} kills of {} (seed {}): {} recordings came back, {} promises broken; lost p50 {} ms, p99 {} ms, at most {} ms",
        shown("kills"),
        row.get("browser")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        shown("seed"),
        shown("recovered"),
        shown("broken"),
        shown("loss_p50_ms"),
        shown("loss_p99_ms"),
        shown("loss_max_ms"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Browser, holds, parse};

    #[test]
    fn a_lost_block_or_a_large_loss_is_a_failure() {
        assert!(holds(&json!({ "broken": 0, "loss_p99_ms": 600 })));
        assert!(!holds(&json!({ "broken": 1, "loss_p99_ms": 10 })));
        assert!(!holds(&json!({ "broken": 0, "loss_p99_ms": 601 })));
        assert!(!holds(&json!({ "broken": 0 })));
    }

    #[test]
    fn chromium_is_killed_oftener_where_nothing_is_said() {
        assert_eq!(parse(&[]).unwrap().count, 200);
        let firefox = parse(&["--browser", "firefox", "--seed", "7"]).unwrap();
        assert_eq!((firefox.count, firefox.seed), (20, Some(7)));
        assert!(matches!(firefox.browser, Browser::Firefox));
        assert!(parse(&["--count"]).is_err());
        assert!(parse(&["--browser", "lynx"]).is_err());
    }
}
