//! What a browser downloads of a release, and when: brotli bytes beside those of JavaScript libraries for
//! the same job.

use std::path::Path;

use serde_json::Value;

use crate::{
    bundle,
    step::{self, Naming, Outcome},
    wasm::{self, Profile},
};

/// Builds the release, measures it and prints the table.
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
    Ok(rows)
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

    use super::line;

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
    fn a_row_without_aim_or_peer_says_so() {
        let text = line(&json!({ "what": "more", "bytes": 7 }));
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(words, ["more", "7", "-", "-"]);
    }
}
