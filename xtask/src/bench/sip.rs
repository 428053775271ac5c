//! SIP in figures: how fast messages are read, how soon a voicemail call is over, and what sleeping telephones cost.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    bundle, packages,
    step::{self, Outcome},
    toolchain,
    wasm::Profile,
};

/// A SIP proxy that nobody here wrote.
const PEERS: [&str; 2] = ["kamailio", "kamailio-websocket-modules"];
/// What reads one message again and again.
const EXAMPLE: &str = "decode";
/// The figures stand between these lines of the page.
const MARKS: (&str, &str) = ("<!-- bench sip -->\n", "<!-- end of bench sip -->");

/// Measures, writes the table into the documentation and gives back the numbers.
pub(super) fn run(root: &Path) -> Outcome<Value> {
    packages::ensure_apt("what the bench needs", &PEERS)?;
    bundle::build(root, Profile::Quick)?;
    let native = example(root, None)?;
    let wasm = example(root, Some(toolchain::TARGET))?;
    let mut script = super::script(root, "bench/sip.mjs");
    script.arg(native).arg(wasm);
    let result = super::result_of("Reading, calling and sleeping", &mut script)?;
    let table = table(&result);
    println!("{table}");
    super::publish(root, MARKS, &table)?;
    Ok(result)
}

/// Compiles the example for this machine, or for a target.
fn example(root: &Path, target: Option<&str>) -> Outcome<PathBuf> {
    let toolchain = toolchain::ensure(root)?;
    let folder = root.join("target/bench");
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &folder)
        .args(["build", "--quiet", "--release", "--package", "sip"])
        .args(["--example", EXAMPLE]);
    if let Some(target) = target {
        cargo.args(["--target", target]);
    }
    step::run_shown(&mut cargo, "read the compiler's message above")?;
    let file = target.map_or_else(|| EXAMPLE.to_owned(), |_| format!("{EXAMPLE}.wasm"));
    let folder = target.map_or_else(|| folder.clone(), |target| folder.join(target));
    Ok(folder.join("release/examples").join(file))
}

fn table(result: &Value) -> String {
    let at = |path: &str| result.pointer(path).cloned().unwrap_or_default();
    let rows = |path: &str| at(path).as_array().cloned().unwrap_or_default();
    let cell = |row: &Value, name: &str| match row.get(name) {
        Some(Value::String(text)) => text.clone(),
        value => value.map(Value::to_string).unwrap_or_default(),
    };
    let mut lines = vec![
        format!(
            "| reading an INVITE of {} bytes | microseconds |",
            at("/grammar/bytes")
        ),
        "|---|---|".to_owned(),
    ];
    for row in rows("/grammar/rows") {
        lines.push(format!("| {} | {} |", cell(&row, "what"), cell(&row, "us")));
    }
    lines.push("\n| INVITE to BYE without a greeting, milliseconds | calls | to INFO p50 | to BYE p50 | p99 |\n|---|---|---|---|---|".to_owned());
    for row in rows("/calls") {
        let cells =
            ["what", "count", "info_p50_ms", "p50_ms", "p99_ms"].map(|name| cell(&row, name));
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    let idle = |name: &str| at(&format!("/idle/{name}"));
    lines.push(format!(
        "\n| {} registered telephones | |\n|---|---|",
        idle("flows")
    ));
    for (what, name) in [
        ("memory of each, kB, just registered", "awake_kb_each"),
        ("memory of each, kB, asleep", "asleep_kb_each"),
        (
            "processor while they sleep, % of a core",
            "quiet/cpu_percent",
        ),
        (
            "threads of the runtime woken while they sleep, per second",
            "quiet/wakes_per_s",
        ),
        ("answer to a keep-alive, ms, p50", "ping_p50_ms"),
    ] {
        lines.push(format!("| {what} | {} |", idle(name)));
    }
    lines.push(format!(
        "\nLoad {} before and {} after, on {} cores.",
        at("/load_before"),
        at("/load_after"),
        at("/cores")
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn every_figure_stands_in_the_table() {
        let result = json!({
            "cores": 2, "load_before": 0.5, "load_after": 1.5,
            "grammar": { "bytes": 869, "rows": [{ "what": "ours", "us": 3.5 }] },
            "calls": [{ "what": "ours", "count": 9, "info_p50_ms": 4, "p50_ms": 5, "p99_ms": 6 }],
            "idle": { "flows": 70, "awake_kb_each": 8, "asleep_kb_each": 7, "ping_p50_ms": 0.2, "quiet": { "cpu_percent": 0.1, "wakes_per_s": 2 } },
        });
        let table = table(&result);
        for line in [
            "| reading an INVITE of 869 bytes | microseconds |",
            "| ours | 3.5 |",
            "| ours | 9 | 4 | 5 | 6 |",
            "| memory of each, kB, asleep | 7 |",
            "| processor while they sleep, % of a core | 0.1 |",
            "Load 0.5 before and 1.5 after, on 2 cores.",
        ] {
            assert!(table.contains(line), "{line}\n{table}");
        }
    }
}
