//! What a browser downloads of a release, and when: brotli bytes beside those of JavaScript libraries for
//! the same job, and what the modules are made of.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    bundle,
    step::{self, Naming, Outcome},
    wasm::{self, Profile},
};

/// The table stands between these lines of the page.
const MARKS: (&str, &str) = ("<!-- bench sizes -->\n", "<!-- end of bench sizes -->");

/// Builds the release, measures it, prints the table and writes it into the documentation.
pub(super) fn run(root: &Path) -> Outcome<Value> {
    let www = bundle::build_downloads(root, Profile::Release)?;
    let printed = step::step("Compressing ours and theirs", || {
        step::run(
            step::command(wasm::node(root))
                .current_dir(root)
                .arg("xtask/runtime/sizes.mjs")
                .arg(&www),
            "delete node_modules and run this again",
        )
    })?;
    let rows: Value = serde_json::from_str(&printed).naming("sizes")?;
    println!(
        "{:<46} {:>9} {:>9} {:>9}  beside",
        "brotli bytes", "ours", "aim", "theirs"
    );
    for row in rows.as_array().into_iter().flatten() {
        println!("{}", line(row));
    }
    super::publish(root, MARKS, &table(&rows))?;
    let modules = report(root)?;
    for module in modules.as_array().into_iter().flatten() {
        print!("{}", parts(module));
    }
    Ok(json!({ "rows": rows, "modules": modules }))
}

/// The largest crates and functions of each module, as the compiler left it.
fn report(root: &Path) -> Outcome<Value> {
    let printed = step::run(
        step::command(wasm::node(root))
            .current_dir(root)
            .arg("xtask/runtime/bundle-report.mjs")
            .arg(wasm::compiled_for_browsers(root)?)
            .args(
                bundle::MODULES
                    .iter()
                    .filter(|module| module.host == wasm::Host::Browser)
                    .map(|module| module.name),
            ),
        "build the release first: cargo xtask build",
    )?;
    serde_json::from_str(&printed).naming("bundle report")
}

fn parts(module: &Value) -> String {
    let name = module
        .get("module")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut text = format!(
        "\n{:<46} {:>9}\n",
        format!("{name}: bytes of code before the optimiser"),
        number(module.get("bytes"))
    );
    for list in ["crates", "functions"] {
        let rows = module.get(list).and_then(Value::as_array);
        for row in rows.into_iter().flatten() {
            let what = row.get("what").and_then(Value::as_str).unwrap_or_default();
            text += &format!("  {:>9}  {what}\n", number(row.get("bytes")));
        }
        text += "\n";
    }
    text
}

/// The rows as the documentation shows them.
fn table(rows: &Value) -> String {
    let rows = rows.as_array().into_iter().flatten().map(|row| {
        let peer = row.get("peer");
        format!(
            "| {} | {} | {} | {} |\n",
            row.get("what").and_then(Value::as_str).unwrap_or_default(),
            kilobytes(row.get("bytes")),
            kilobytes(row.get("aim")),
            peer.map_or_else(String::new, |peer| format!(
                "{} ({})",
                kilobytes(peer.get("bytes")),
                names(peer)
            )),
        )
    });
    let head = "| brotli kB | ours | aim | beside |\n|---|---|---|---|\n".to_owned();
    head + &rows.collect::<String>()
}

fn kilobytes(bytes: Option<&Value>) -> String {
    let bytes = bytes.and_then(Value::as_f64);
    bytes.map_or_else(String::new, |bytes| format!("{:.1}", bytes / 1000.0))
}

fn line(row: &Value) -> String {
    let peer = row.get("peer");
    format!(
        "{:<46} {:>9} {:>9} {:>9}  {}",
        row.get("what").and_then(Value::as_str).unwrap_or_default(),
        number(row.get("bytes")),
        number(row.get("aim")),
        number(peer.and_then(|peer| peer.get("bytes"))),
        peer.map(names).unwrap_or_default(),
    )
}

fn number(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_u64)
        .map_or_else(|| "-".to_owned(), |bytes| bytes.to_string())
}

fn names(peer: &Value) -> String {
    let parts = peer.get("parts").and_then(Value::as_array);
    let names: Vec<&str> = parts
        .into_iter()
        .flatten()
        .filter_map(|part| part.get("name").and_then(Value::as_str))
        .collect();
    names.join(" + ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{line, parts, table};

    #[test]
    fn a_row_stands_beside_its_peer() {
        let row = json!({
            "what": "for a call", "bytes": 7, "aim": 9,
            "peer": { "bytes": 11, "parts": [{ "name": "a@1" }, { "name": "b@2" }] },
        });
        let text = line(&row);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(
            words,
            ["for", "a", "call", "7", "9", "11", "a@1", "+", "b@2"]
        );
    }

    #[test]
    fn the_page_shows_kilobytes() {
        let rows = json!([
            { "what": "a call", "bytes": 7_260, "aim": 9_000,
                "peer": { "bytes": 11_000, "parts": [{ "name": "a@1" }] } },
            { "what": "more", "bytes": 100 },
        ]);
        let text = table(&rows);
        assert!(
            text.contains("| a call | 7.3 | 9.0 | 11.0 (a@1) |\n"),
            "{text}"
        );
        assert!(text.ends_with("| more | 0.1 |  |  |\n"), "{text}");
    }

    #[test]
    fn a_module_shows_its_crates_and_functions() {
        let row = |what: &str| json!([{ "what": what, "bytes": 5 }]);
        let text = parts(
            &json!({ "module": "call", "bytes": 9, "crates": row("sip"), "functions": row("sip::call") }),
        );
        let words: Vec<&str> = text.split_whitespace().skip(7).collect();
        assert_eq!(words, ["9", "5", "sip", "5", "sip::call"]);
    }

    #[test]
    fn a_row_without_aim_or_peer_says_so() {
        let text = line(&json!({ "what": "more", "bytes": 7 }));
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(words, ["more", "7", "-", "-"]);
    }
}
