//! What comes from others: its licences, and no crate twice in one module.

use std::path::Path;

use serde_json::Value;

use super::{Tally, linked};
use crate::step::{self, Failure, Naming, Outcome};

/// Licences under which code may come in.
const ALLOWED: [&str; 13] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "Unicode-3.0",
    // Its files stay under it, and we change none: symphonia, in tests only.
    "MPL-2.0",
];

/// Crates of which a module may hold two versions, because two of its dependencies ask for them.
const TWICE: [&str; 0] = [];

/// Every package of the workspace has a licence that we may use.
pub(super) fn licences(root: &Path) -> Outcome<Tally> {
    let mut cargo = step::command("cargo");
    cargo
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--locked"]);
    let text = step::run(&mut cargo, "run `cargo check` and commit Cargo.lock")?;
    let metadata: Value = serde_json::from_str(&text).naming("cargo metadata")?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    for package in packages.into_iter().flatten() {
        let licence = package.get("license").and_then(Value::as_str).unwrap_or("");
        if !is_allowed(licence) {
            let name = package.get("name").and_then(Value::as_str).unwrap_or("?");
            return Err(Failure::new(
                format!("{name} has the licence {licence:?}"),
                "use another package, or allow the licence in xtask with a reason",
            ));
        }
    }
    Ok(Tally::PASSED)
}

/// No module of the product links two versions of a crate.
pub(super) fn versions(root: &Path) -> Outcome<Tally> {
    for member in ["client-wasm", "edge-worker"] {
        let list = linked(root, member)?;
        for pair in list.windows(2) {
            if let [(first, old), (second, new)] = pair
                && first == second
                && !TWICE.contains(&first.as_str())
            {
                return Err(Failure::new(
                    format!("{member} links {first} {old} and {new}"),
                    "bring its dependencies to one version",
                ));
            }
        }
    }
    Ok(Tally::PASSED)
}

/// Reads an SPDX expression without nested parentheses: one alternative must be allowed in all its parts.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    let allowed = |part: &str| part.split(" OR ").any(|one| ALLOWED.contains(&one.trim()));
    !expression.is_empty() && flat.split(" AND ").all(allowed)
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn one_allowed_alternative_is_enough_and_every_part_counts() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "MIT/Apache-2.0",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0 OR SSPL-1.0"] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
