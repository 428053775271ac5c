//! How long a voicemail call takes on the real runtime, and which load the machine had meanwhile.

use std::path::Path;

use serde_json::Value;

use crate::{bundle, packages, step::Outcome, wasm::Profile};

/// Programs that the bench starts, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 3] = [
    ("chromium", "chromium"),
    ("espeak-ng", "espeak-ng"),
    ("sox", "sox"),
];

/// Places the calls, prints the table and gives back the numbers.
pub(super) fn run(root: &Path) -> Outcome<Value> {
    packages::ensure_programs("what the bench needs", &PROGRAMS)?;
    bundle::build(root, Profile::Quick)?;
    let mut script = super::script(root, "bench/call.mjs");
    let result = super::result_of("Calling, recording and sending", &mut script)?;
    for line in table(&result) {
        println!("{line}");
    }
    Ok(result)
}

fn table(result: &Value) -> Vec<String> {
    let number =
        |value: &Value, name: &str| value.get(name).map(Value::to_string).unwrap_or_default();
    let rows = result.get("rows").and_then(Value::as_array);
    let mut lines = vec![format!(
        "{:<30} {:>6} {:>9} {:>9}",
        "milliseconds", "times", "p50", "p99"
    )];
    lines.extend(rows.into_iter().flatten().map(|row| {
        format!(
            "{:<30} {:>6} {:>9} {:>9}",
            row.get("what").and_then(Value::as_str).unwrap_or_default(),
            number(row, "count"),
            number(row, "p50_ms"),
            number(row, "p99_ms"),
        )
    }));
    lines.push(format!(
        "load {} before and {} after, on {} cores",
        number(result, "load_before"),
        number(result, "load_after"),
        number(result, "cores"),
    ));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn the_table_shows_every_row_and_the_load() {
        let result = json!({
            "cores": 2, "load_before": 0.5, "load_after": 1.5,
            "rows": [{ "what": "Stop to durable", "count": 3, "p50_ms": 7.5, "p99_ms": 9 }],
        });
        let lines = table(&result);
        let words: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(words, ["Stop", "to", "durable", "3", "7.5", "9"]);
        assert_eq!(lines[2], "load 0.5 before and 1.5 after, on 2 cores");
    }
}
