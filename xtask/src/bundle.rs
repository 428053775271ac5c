//! What is served: the worker with its entry module, and the static pages with their scripts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    fingerprint, packages,
    step::{self, Failure, Naming, Outcome},
    wasm::{self, Host, Module, Profile},
};

const WORKER: Module = Module {
    name: "worker",
    package: "edge-worker",
    feature: None,
    sources: &[
        "edge-worker",
        "crates/exchange/src",
        "crates/deposit/src",
        "crates/sip/src",
        "crates/voice/src/container",
        "crates/voice/Cargo.toml",
        "crates/exchange/Cargo.toml",
        "crates/deposit/Cargo.toml",
        "crates/sip/Cargo.toml",
    ],
    host: Host::Edge,
};

/// The worker that a test stops in the middle of what it does.
const WORKER_WITH_FAULTS: Module = Module {
    name: "worker-faults",
    feature: Some("fault-points"),
    ..WORKER
};

/// The words of a build with fault points, as `edge-worker/src/fault.rs` says them.
const FAULT_MARKER: &[u8] = b"fault points of a test-only build";

const CALL: Module = Module {
    name: "call",
    package: "client-wasm",
    feature: Some("call"),
    sources: &[
        "client-wasm",
        "crates/deposit/src",
        "crates/sip/src",
        "crates/deposit/Cargo.toml",
        "crates/sip/Cargo.toml",
    ],
    host: Host::Browser,
};

const VOICE: Module = Module {
    name: "voice",
    package: "client-wasm",
    feature: Some("voice"),
    sources: &["client-wasm", "crates/voice/src", "crates/voice/Cargo.toml"],
    host: Host::Browser,
};

const DENOISE: Module = Module {
    name: "denoise",
    package: "client-wasm",
    feature: Some("denoise"),
    sources: &[
        "client-wasm/src/denoise",
        "client-wasm/src/lib.rs",
        "client-wasm/Cargo.toml",
        "crates/fft/src",
        "crates/fft/Cargo.toml",
    ],
    host: Host::Browser,
};

/// Every wasm module of the product.
pub(crate) const MODULES: [Module; 4] = [WORKER, CALL, VOICE, DENOISE];

/// Where a build lies.
#[derive(Clone, Debug)]
pub(crate) struct Artefacts {
    /// `index.js` and `index_bg.wasm` of the worker.
    pub(crate) worker: PathBuf,
    /// The static files.
    pub(crate) www: PathBuf,
}

impl Artefacts {
    /// The folders of one profile: releases in `dist`, quick builds in `target`.
    pub(crate) fn of(root: &Path, profile: Profile) -> Self {
        let base = match profile {
            Profile::Release => root.join("dist"),
            Profile::Quick => root.join("target/dev"),
        };
        Self::in_folder(&base)
    }

    /// The pages of a quick build with the worker that a test can stop.
    pub(crate) fn with_faults(root: &Path) -> Self {
        Self {
            worker: root.join("target/dev-faults/worker"),
            ..Self::of(root, Profile::Quick)
        }
    }

    /// Those that a build left in this folder.
    pub(crate) fn in_folder(base: &Path) -> Self {
        Self {
            worker: base.join("worker"),
            www: base.join("www"),
        }
    }
}

/// Builds everything that is served, as far as its inputs changed. One build at a time per checkout.
pub(crate) fn build(root: &Path, profile: Profile) -> Outcome<Artefacts> {
    let _lock = lock(root)?;
    packages::ensure_npm(root)?;
    let artefacts = Artefacts::of(root, profile);
    let glue = glue_of(root, &WORKER, profile);
    build_worker(root, &WORKER, profile, &glue, &artefacts.worker)?;
    build_pages(root, profile, &artefacts.www)?;
    Ok(artefacts)
}

/// Builds the modules of a quick build, before anything is bundled, and gives their names and where they lie.
pub(crate) fn build_modules(root: &Path) -> Outcome<Vec<(&'static str, PathBuf)>> {
    let _lock = lock(root)?;
    MODULES
        .iter()
        .map(|module| {
            let glue = glue_of(root, module, Profile::Quick);
            wasm::build(root, module, Profile::Quick, &glue)?;
            Ok((module.name, wasm::bound(module, &glue)))
        })
        .collect()
}

/// Builds what browsers download, without the worker that serves it, and says where it lies.
pub(crate) fn build_downloads(root: &Path, profile: Profile) -> Outcome<PathBuf> {
    let _lock = lock(root)?;
    packages::ensure_npm(root)?;
    let www = Artefacts::of(root, profile).www;
    build_pages(root, profile, &www)?;
    Ok(www)
}

/// Held while anything is built here.
fn lock(root: &Path) -> Outcome<fs::File> {
    fs::create_dir_all(root.join("target")).naming("target")?;
    let lock = fs::File::create(root.join("target/xtask.lock")).naming("target/xtask.lock")?;
    if lock.try_lock().is_err() {
        step::say("› Waiting for another build in this folder");
        lock.lock()?;
    }
    Ok(lock)
}

/// The same with a worker that has fault points, for tests only.
pub(crate) fn build_with_faults(root: &Path) -> Outcome<Artefacts> {
    build(root, Profile::Quick)?;
    let _lock = lock(root)?;
    let artefacts = Artefacts::with_faults(root);
    let glue = root.join("target/glue/faults");
    build_worker(
        root,
        &WORKER_WITH_FAULTS,
        Profile::Quick,
        &glue,
        &artefacts.worker,
    )?;
    Ok(artefacts)
}

/// Refuses artefacts for a deployment that a test could stop.
pub(crate) fn refuse_faults(folder: &Path) -> Outcome<()> {
    for entry in fs::read_dir(folder).naming(folder.display())?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            refuse_faults(&path)?;
            continue;
        }
        let bytes = fs::read(&path).naming(path.display())?;
        if contains(&bytes, FAULT_MARKER) {
            return Err(Failure::new(
                format!(
                    "{} has fault points, which are for tests only",
                    path.display()
                ),
                "delete target/glue and dist, and build again without the feature fault-points",
            ));
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

fn esbuild(root: &Path) -> std::process::Command {
    step::command(root.join("node_modules/.bin/esbuild"))
}

fn build_worker(
    root: &Path,
    module: &Module,
    profile: Profile,
    glue: &Path,
    out: &Path,
) -> Outcome<()> {
    wasm::build(root, module, profile, glue)?;
    fs::create_dir_all(out).naming(out.display())?;
    let content = [
        fingerprint::of_content(&glue.join("index.js")),
        fingerprint::of_content(&glue.join("index_bg.wasm")),
        fingerprint::of_content(&root.join("xtask/runtime/worker-entry.js")),
        fingerprint::of(root, &["xtask/src/bundle.rs"], ""),
    ];
    fingerprint::unless_same(&out.join(".bundle-stamp"), &content.concat(), || {
        bundle_worker(root, glue, out)
    })
}

fn bundle_worker(root: &Path, glue: &Path, out: &Path) -> Outcome<()> {
    fs::copy(
        root.join("xtask/runtime/worker-entry.js"),
        glue.join("entry.js"),
    )
    .naming("worker-entry.js")?;
    step::run(
        esbuild(root)
            .current_dir(glue)
            .args([
                "entry.js",
                "--bundle",
                "--format=esm",
                "--log-level=warning",
            ])
            .args(["--external:./index_bg.wasm", "--external:cloudflare:*"])
            .arg(format!("--outfile={}", out.join("index.js").display())),
        "delete node_modules and run this again",
    )?;
    let index = out.join("index.js");
    let text = fs::read_to_string(&index).naming(index.display())?;
    fs::write(&index, text.replace("import source ", "import "))?;
    fs::copy(glue.join("index_bg.wasm"), out.join("index_bg.wasm")).naming("index_bg.wasm")?;
    Ok(())
}

fn build_pages(root: &Path, profile: Profile, out: &Path) -> Outcome<()> {
    for module in [CALL, VOICE, DENOISE] {
        wasm::build(root, &module, profile, &glue_of(root, &module, profile))?;
    }
    let modules = fingerprint::of(&glue(root, profile), &["."], "");
    let inputs = [
        "www/src",
        "www/build.mjs",
        "xtask/src/bundle.rs",
        "package-lock.json",
    ];
    let inputs = fingerprint::of(root, &inputs, &format!("{profile:?}{modules}"));
    fingerprint::unless_same(&out.with_extension("stamp"), &inputs, || {
        step::step("Bundling the pages", || bundle_pages(root, profile, out))
    })
}

/// Where the pages' modules and their glue lie.
pub(crate) fn glue(root: &Path, profile: Profile) -> PathBuf {
    match profile {
        Profile::Quick => root.join("www/pkg"),
        Profile::Release => root.join("target/pkg"),
    }
}

/// Where one module and its glue lie.
fn glue_of(root: &Path, module: &Module, profile: Profile) -> PathBuf {
    match module.host {
        Host::Edge => root.join("target/glue").join(profile.folder()),
        Host::Browser => glue(root, profile).join(module.name),
    }
}

/// Makes all static files in a folder aside, so that a server never sees half of them.
fn bundle_pages(root: &Path, profile: Profile, out: &Path) -> Outcome<()> {
    let staging = out.with_extension("new");
    let mut build = step::command(wasm::node(root));
    build
        .current_dir(root)
        .arg("www/build.mjs")
        .arg("--out")
        .arg(&staging)
        .arg("--pkg")
        .arg(glue(root, profile));
    if profile == Profile::Quick {
        build.arg("--dev");
    }
    step::run(&mut build, "read the bundler's message above")?;
    let _ = fs::remove_dir_all(out);
    fs::rename(&staging, out).naming(out.display())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{FAULT_MARKER, contains, refuse_faults};

    #[test]
    fn artefacts_with_fault_points_are_refused_wherever_they_lie() {
        let folder = std::env::temp_dir().join(format!("xtask-faults-{}", std::process::id()));
        fs::create_dir_all(folder.join("worker")).unwrap();
        let module = folder.join("worker/index_bg.wasm");
        fs::write(&module, b"\0asm\x01\0\0\0 as it should be").unwrap();
        assert!(refuse_faults(&folder).is_ok());
        fs::write(&module, [b"\0asm", FAULT_MARKER, b": reached"].concat()).unwrap();
        let refusal = refuse_faults(&folder).unwrap_err().to_string();
        fs::remove_dir_all(&folder).unwrap();
        assert!(
            refusal.contains("index_bg.wasm has fault points"),
            "{refusal}"
        );
    }

    #[test]
    fn the_worker_with_fault_points_says_the_words_that_are_refused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let source = fs::read(root.join("edge-worker/src/fault.rs")).unwrap();
        assert!(contains(&source, FAULT_MARKER));
    }
}
