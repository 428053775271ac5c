//! The package for embedders: the loader module, what it loads, types, and the service worker to host.

use std::path::Path;

use crate::{
    bundle,
    step::{self, Outcome},
    wasm::{self, Profile},
};

/// Makes `dist/npm` from the built release pages.
pub(crate) fn pack(root: &Path, www: &Path) -> Outcome<()> {
    let mut pack = step::command(wasm::node(root));
    pack.current_dir(root)
        .args(["www/pack.mjs", "--version", env!("CARGO_PKG_VERSION")])
        .arg("--www")
        .arg(www)
        .arg("--pkg")
        .arg(bundle::glue(root, Profile::Release))
        .arg("--out")
        .arg(root.join("dist/npm"));
    step::run(&mut pack, "read the bundler's message above").map(drop)
}
