//! The package for embedders: the loader module, what it loads, and the service worker to host beside it.

use std::{fs, path::Path};

use crate::step::{Naming, Outcome};

/// What goes in, relative to the built pages. Pages of our own stay out.
const FILES: [&str; 2] = ["afterbeep.js", "afterbeep-sw.js"];
const FOLDER: &str = "assets";
/// Assets that only our own pages use.
const OWN: [&str; 3] = ["page.css", "page.js", "inbox-page.js"];

/// Makes `dist/npm` from the built pages.
pub(crate) fn pack(root: &Path, www: &Path) -> Outcome<()> {
    let out = root.join("dist/npm");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(out.join(FOLDER)).naming(out.display())?;
    for file in FILES {
        fs::copy(www.join(file), out.join(file)).naming(file)?;
    }
    for entry in fs::read_dir(www.join(FOLDER)).naming(FOLDER)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !OWN.contains(&name.as_str()) {
            fs::copy(entry.path(), out.join(FOLDER).join(&name)).naming(&name)?;
        }
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(root.join(licence), out.join(licence)).naming(licence)?;
    }
    let manifest = serde_json::json!({
        "name": "afterbeep",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Call elements that keep what was said until it is with the callee",
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "exports": { ".": "./afterbeep.js", "./afterbeep-sw.js": "./afterbeep-sw.js", "./assets/*": "./assets/*" },
        "files": ["afterbeep.js", "afterbeep-sw.js", FOLDER],
        "sideEffects": ["./afterbeep.js"],
    });
    let text = serde_json::to_string_pretty(&manifest).naming("package.json")?;
    Ok(fs::write(out.join("package.json"), text + "\n")?)
}
