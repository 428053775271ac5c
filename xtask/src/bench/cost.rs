//! What a million calls with their voice deposits cost at list prices, counted on the real bindings.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    bundle, packages,
    step::{Failure, Naming, Outcome},
    wasm::Profile,
};

/// Programs that the bench starts, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 3] = [
    ("espeak-ng", "espeak-ng"),
    ("sox", "sox"),
    ("opusenc", "opus-tools"),
];
/// The page that shows the table, between these two lines.
const PAGE: &str = "docs/operations.md";
const BEGIN: &str = "<!-- written by cargo xtask bench cost -->\n";
const END: &str = "<!-- end -->\n";

/// Counts one call, prints the table beside the budget, and writes it into the operator's page.
pub(super) fn run(root: &Path) -> Outcome<Value> {
    packages::ensure_programs("what the bench needs", &PROGRAMS)?;
    bundle::build(root, Profile::Quick)?;
    let mut script = super::script(root, "bench/cost.mjs");
    let result = super::result_of("Counting a call and its deposit", &mut script)?;
    let table = table(&result);
    println!("{table}");
    for line in written(&result) {
        println!("{line}");
    }
    document(root, &table)?;
    Ok(result)
}

/// The table as the operator's page shows it.
fn table(result: &Value) -> String {
    let mut lines = vec![
        "| operation | per call and deposit | list price | USD per million calls |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let rows = result.get("rows").and_then(Value::as_array);
    lines.extend(rows.into_iter().flatten().map(|row| {
        format!(
            "| {} | {} | {} | {:.2} |",
            text(row, "what"),
            number(row, "count"),
            number(row, "price"),
            number(row, "usd"),
        )
    }));
    lines.push(format!(
        "| **sum** (budget: {}) | | | **{:.2}** |",
        number(result, "budget_usd"),
        number(result, "usd"),
    ));
    lines.join("\n") + "\n"
}

/// Which statements wrote rows.
fn written(result: &Value) -> Vec<String> {
    let rows = result.get("rows_written").and_then(Value::as_array);
    let line = |row: &Value| {
        let statement: String = text(row, "statement").chars().take(100).collect();
        format!(
            "{:>4} {:<9} {statement}",
            number(row, "count"),
            text(row, "object")
        )
    };
    rows.into_iter().flatten().map(line).collect()
}

fn document(root: &Path, table: &str) -> Outcome<()> {
    let file = root.join(PAGE);
    let page = fs::read_to_string(&file).naming(PAGE)?;
    let page = replaced(&page, table).ok_or_else(|| {
        Failure::new(
            format!("{PAGE} has no place for the table"),
            "put its two comment lines back",
        )
    })?;
    fs::write(&file, page).naming(PAGE)
}

fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some([before, BEGIN, table, END, after].concat())
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(row: &Value, name: &str) -> f64 {
    row.get(name).and_then(Value::as_f64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{BEGIN, END, replaced, table};

    #[test]
    fn the_table_stands_beside_the_budget_and_replaces_the_one_before() {
        let result = json!({
            "budget_usd": 14, "usd": 2.5,
            "rows": [{ "what": "KV writes", "count": 0.5, "price": 5, "usd": 2.5 }],
        });
        let table = table(&result);
        assert!(table.contains("| KV writes | 0.5 | 5 | 2.50 |"), "{table}");
        assert!(
            table.ends_with("| **sum** (budget: 14) | | | **2.50** |\n"),
            "{table}"
        );
        let page = replaced(&format!("a\n{BEGIN}old\n{END}b\n"), "new\n");
        assert_eq!(page, Some(format!("a\n{BEGIN}new\n{END}b\n")));
        assert_eq!(replaced("no place", "new"), None);
    }
}
