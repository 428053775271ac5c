//! The wasm32 half of the Rust toolchain: which toolchain builds it here, and how a machine gets one.
//! Native code never uses what is set up here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    packages,
    step::{self, Failure, Naming, Outcome},
};

/// The target that all wasm modules are built for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Name under which Debian's own Rust is known to rustup.
const LINKED: &str = "debian-web";

/// Folder of the distribution's compiler.
const DISTRIBUTION: &str = "/usr";

/// The standard library and what it links, by crate name.
const STANDARD_FAMILY: [&str; 20] = [
    "std",
    "core",
    "alloc",
    "compiler_builtins",
    "panic_abort",
    "panic_unwind",
    "unwind",
    "rustc_demangle",
    "hashbrown",
    "cfg_if",
    "libc",
    "dlmalloc",
    "memchr",
    "adler2",
    "addr2line",
    "gimli",
    "object",
    "miniz_oxide",
    "std_detect",
    "proc_macro",
];

/// The Rust that can build for [`TARGET`].
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    name: Option<&'static str>,
}

impl Toolchain {
    /// A `cargo` of this toolchain.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = step::command("cargo");
        if let Some(name) = self.name {
            cargo.env("RUSTUP_TOOLCHAIN", name);
        }
        cargo
    }

    /// One that can build the standard library anew: this one, or the distribution's. Where neither has the
    /// source, modules get the library that this one came with.
    pub(crate) fn with_standard_source(&self) -> Option<Self> {
        let linked = is_linked().then_some(Self { name: Some(LINKED) });
        [Some(self.clone()), linked]
            .into_iter()
            .flatten()
            .find(Self::has_standard_source)
    }

    fn has_standard_source(&self) -> bool {
        let sysroot = match self.name {
            Some(_) => Ok(PathBuf::from(DISTRIBUTION)),
            None => active_sysroot(),
        };
        sysroot.is_ok_and(|sysroot| {
            sysroot
                .join("lib/rustlib/src/rust/library/Cargo.lock")
                .exists()
        })
    }
}

/// Builds the standard library with the program: sized for download, and a panic ends it without words,
/// which no page would show anyway.
pub(crate) fn without_panic_messages(cargo: &mut Command) {
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort")
        .args(["-Z", "build-std=std,panic_abort"])
        .args(["-Z", "build-std-features=optimize_for_size"]);
}

/// Finds the wasm toolchain, or sets one up.
pub(crate) fn ensure(root: &Path) -> Outcome<Toolchain> {
    if has_standard_library(&active_sysroot()?) {
        return Ok(Toolchain { name: None });
    }
    if is_linked() && has_standard_library(Path::new(DISTRIBUTION)) {
        return Ok(Toolchain { name: Some(LINKED) });
    }
    if step::step("Adding the wasm32 target with rustup", add_by_rustup).is_ok() {
        return Ok(Toolchain { name: None });
    }
    step::say("  rustup cannot fetch it here; taking the distribution's Rust instead");
    set_up_distribution(root)?;
    Ok(Toolchain { name: Some(LINKED) })
}

fn active_sysroot() -> Outcome<PathBuf> {
    let printed = step::run(
        step::command("rustc").args(["--print", "sysroot"]),
        "install Rust with rustup, https://rustup.rs",
    )?;
    Ok(PathBuf::from(printed.trim()))
}

fn standard_library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn has_standard_library(sysroot: &Path) -> bool {
    let Ok(entries) = fs::read_dir(standard_library(sysroot)) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn is_linked() -> bool {
    step::run(step::command("rustup").args(["toolchain", "list"]), "")
        .is_ok_and(|list| list.lines().any(|line| line.starts_with(LINKED)))
}

fn add_by_rustup() -> Outcome<()> {
    step::run(
        step::command("rustup").args(["target", "add", TARGET]),
        "install rustup, https://rustup.rs",
    )
    .map(drop)
}

fn set_up_distribution(root: &Path) -> Outcome<()> {
    packages::ensure_apt(
        "the distribution's Rust for wasm32",
        &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"],
    )?;
    ensure_linker()?;
    step::step(
        "Building the standard library for wasm32, about a minute",
        || build_standard_library(root),
    )?;
    step::run(
        step::command("rustup").args(["toolchain", "link", LINKED, DISTRIBUTION]),
        "run `rustup toolchain link debian-web /usr` by hand",
    )
    .map(drop)
}

/// `rust-lld` is a link to the LLD of one LLVM version, which the package only recommends.
fn ensure_linker() -> Outcome<()> {
    let link = Path::new(DISTRIBUTION).join("bin/rust-lld");
    if link.exists() {
        return Ok(());
    }
    let target = fs::read_link(&link).naming(link.display())?;
    packages::ensure_apt("the wasm linker", &[&target.to_string_lossy()])
}

fn build_standard_library(root: &Path) -> Outcome<()> {
    let folder = root.join("target/wasm-std");
    fs::create_dir_all(folder.join("src")).naming(folder.display())?;
    fs::write(
        folder.join("Cargo.toml"),
        "[workspace]\n[package]\nname = \"standard\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n",
    )?;
    fs::write(
        folder.join("src/lib.rs"),
        "#[unsafe(no_mangle)]\npub extern \"C\" fn length() -> usize {\n    std::env::args().count()\n}\n",
    )?;
    step::run(
        step::command(Path::new(DISTRIBUTION).join("bin/cargo"))
            .current_dir(&folder)
            .env("RUSTC", Path::new(DISTRIBUTION).join("bin/rustc"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .args([
                "build",
                "--release",
                "--target",
                TARGET,
                "-Z",
                "build-std=std,panic_abort",
            ]),
        "on a machine with network access, `rustup target add wasm32-unknown-unknown` is enough",
    )?;
    copy_standard_library(&folder.join("target").join(TARGET).join("release/deps"))
}

fn copy_standard_library(built: &Path) -> Outcome<()> {
    let destination = standard_library(Path::new(DISTRIBUTION));
    fs::create_dir_all(&destination).map_err(|error| {
        Failure::new(
            format!("{}: {error}", destination.display()),
            "run this once as root (it installs the wasm32 standard library there)",
        )
    })?;
    for entry in fs::read_dir(built).naming(built.display())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_of_standard_family(&name) {
            fs::copy(entry.path(), destination.join(&name)).naming(&name)?;
        }
    }
    Ok(())
}

fn is_of_standard_family(file: &str) -> bool {
    let Some(name) = file
        .strip_prefix("lib")
        .filter(|rest| rest.ends_with(".rlib"))
    else {
        return false;
    };
    let name = name.split('-').next().unwrap_or(name);
    STANDARD_FAMILY.contains(&name)
        || name.starts_with("rustc_std_workspace_")
        || name == "rustc_literal_escaper"
}
