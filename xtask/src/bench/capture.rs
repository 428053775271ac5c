//! What recording costs: from the click to stored sound, from Stop to durable, the processor's time, and the memory
//! of an hour's recording.

use std::path::Path;

use serde_json::Value;

use crate::{browsers::Browser, bundle, packages, step::Outcome, wasm::Profile};

/// Programs that the bench starts, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 2] = [("espeak-ng", "espeak-ng"), ("sox", "sox")];

/// Records, prints the tables and gives back the numbers.
pub(super) fn run(root: &Path) -> Outcome<Value> {
    packages::ensure_programs("what the bench needs", &PROGRAMS)?;
    Browser::Chromium.ensure()?;
    bundle::build(root, Profile::Quick)?;
    let mut script = super::script(root, "bench/capture.mjs");
    let result = super::result_of("Recording, short and long", &mut script)?;
    for line in table(&result) {
        println!("{line}");
    }
    Ok(result)
}

fn table(result: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<40} {:>6} {:>9} {:>9} {:>9}",
        "milliseconds", "times", "p50", "p95", "aim p95"
    )];
    lines.extend(list(result, "rows").map(|row| {
        format!(
            "{:<40} {:>6} {:>9} {:>9} {:>9}",
            word(row, "what"),
            number(row, "count"),
            number(row, "p50_ms"),
            number(row, "p95_ms"),
            number(row, "aim_p95_ms"),
        )
    }));
    lines.extend(list(result, "cpu").map(|row| {
        format!(
            "{:<40} {:>6} % of a core, aim {}: {}",
            word(row, "what"),
            number(row, "percent_of_a_core"),
            number(row, "aim_percent"),
            duties(row),
        )
    }));
    let hour = result.get("hour").unwrap_or(&Value::Null);
    lines.extend(list(hour, "looks").map(|look| {
        format!(
            "after {} minutes of sound the page's process holds {} MB",
            number(look, "minute"),
            number(look, "resident_mb"),
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

/// What the processor's time went into.
fn duties(row: &Value) -> String {
    let duties = row.get("by_duty").and_then(Value::as_object);
    let shares: Vec<String> = duties
        .into_iter()
        .flatten()
        .map(|(duty, percent)| format!("{duty} {percent}"))
        .collect();
    shares.join(", ")
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> String {
    value
        .get(name)
        .map_or_else(|| "-".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn the_table_shows_times_shares_and_memory() {
        let lines = table(&json!({
            "cores": 2, "load_before": 0.5, "load_after": 1.5,
            "rows": [{ "what": "Stop to durable", "count": 3, "p50_ms": 7.5, "p95_ms": 9, "aim_p95_ms": 50 }],
            "cpu": [{ "what": "recording", "percent_of_a_core": 3.5, "by_duty": { "encoder": 2.5, "worklet": 1 } }],
            "hour": { "looks": [{ "minute": 10, "resident_mb": 120 }] },
        }));
        let words: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(words, ["Stop", "to", "durable", "3", "7.5", "9", "50"]);
        let share = "3.5 % of a core, aim -: encoder 2.5, worklet 1";
        assert!(lines[2].contains(share), "{}", lines[2]);
        assert!(
            lines[3].contains("10 minutes of sound the page's process holds 120 MB"),
            "{}",
            lines[3]
        );
    }
}
