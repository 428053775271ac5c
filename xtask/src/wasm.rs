//! From a workspace member to a wasm module with its JavaScript glue: cargo, wasm-bindgen, wasm-opt.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wasm_bindgen_cli_support::Bindgen;

use crate::{
    fingerprint, names,
    step::{self, Failure, Naming, Outcome},
    toolchain::{self, Toolchain},
};

/// Cargo's profile of the modules that browsers download.
const SMALL: &str = "small";

/// How much the compiler is asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Profile {
    /// Quick to build, names kept for readable traces.
    Quick,
    /// Small and fast, for deployment.
    Release,
}

/// One wasm module of the product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module {
    /// Name of the artefacts.
    pub(crate) name: &'static str,
    /// Workspace member.
    pub(crate) package: &'static str,
    /// Its only feature, if it is built by feature.
    pub(crate) feature: Option<&'static str>,
    /// What it is made from, relative to the root.
    pub(crate) sources: &'static [&'static str],
    /// Which host its glue is for.
    pub(crate) host: Host,
}

/// Where a module runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Host {
    /// Cloudflare's runtime.
    Edge,
    /// A page or a worker of a browser.
    Browser,
}

impl Profile {
    /// Name of the profile's folders.
    pub(crate) const fn folder(self) -> &'static str {
        self.cargo_name()
    }

    const fn cargo_name(self) -> &'static str {
        match self {
            Self::Quick => "wasm-dev",
            Self::Release => "release",
        }
    }

    /// Cargo's profile for this host: what browsers download is made as small as the compiler can.
    const fn cargo_name_for(self, host: Host) -> &'static str {
        match (self, host) {
            (Self::Release, Host::Browser) => SMALL,
            _ => self.cargo_name(),
        }
    }
}

/// Makes the module and its glue in `out`, and says whether anything had to be made.
pub(crate) fn build(root: &Path, module: &Module, profile: Profile, out: &Path) -> Outcome<bool> {
    let mut made = false;
    let inputs = [module.sources, &["Cargo.toml", "Cargo.lock", "xtask/src"]].concat();
    let fingerprint = fingerprint::of(root, &inputs, &format!("{module:?}{profile:?}"));
    let stamp = out.join(format!(".{}-stamp", module.name));
    fingerprint::unless_same(&stamp, &fingerprint, || {
        made = true;
        step::step(&format!("Building {} for wasm", module.name), || {
            make(root, module, profile, out)
        })
    })?;
    Ok(made)
}

fn make(root: &Path, module: &Module, profile: Profile, out: &Path) -> Outcome<()> {
    let compiled = compile(root, &toolchain::ensure(root)?, module, profile)?;
    let content = format!(
        "{}{}",
        fingerprint::of_content(&compiled),
        fingerprint::of(root, &["xtask/src/wasm.rs", "xtask/src/names.rs"], "")
    );
    fs::create_dir_all(out).naming(out.display())?;
    fingerprint::unless_same(
        &out.join(format!(".{}-content", module.name)),
        &content,
        || {
            bind(&compiled, module, profile, out)?;
            if profile == Profile::Release {
                optimise(root, module, &bound(module, out))?;
            }
            Ok(())
        },
    )
}

/// Name of the glue: the edge's entry module expects `index`.
const fn glue_name(module: &Module) -> &'static str {
    match module.host {
        Host::Edge => "index",
        Host::Browser => module.name,
    }
}

/// Where the module lies that `build` made in `out`.
pub(crate) fn bound(module: &Module, out: &Path) -> PathBuf {
    out.join(format!("{}_bg.wasm", glue_name(module)))
}

/// Compiles one member for wasm and copies the module aside, because features share one file name.
fn compile(
    root: &Path,
    toolchain: &Toolchain,
    module: &Module,
    profile: Profile,
) -> Outcome<PathBuf> {
    let cargo_profile = profile.cargo_name_for(module.host);
    let small = match cargo_profile {
        SMALL => toolchain.with_standard_source(),
        _ => None,
    };
    // Other flags, another folder: the two kinds of builds never replace each other's.
    let target = root.join(match small {
        Some(_) => "target/wasm-small",
        None => "target/wasm",
    });
    let mut cargo = small.as_ref().unwrap_or(toolchain).cargo();
    cargo
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &target)
        .env("WASM_BINDGEN_USE_JS_SYS", "1")
        .args(["build", "--lib", "--package", module.package])
        .args(["--profile", cargo_profile, "--target", toolchain::TARGET]);
    if small.is_some() {
        toolchain::without_panic_messages(&mut cargo);
    }
    if let Some(feature) = module.feature {
        cargo.args(["--no-default-features", "--features", feature]);
    }
    step::run_shown(&mut cargo, "read the compiler's message above")?;
    let folder = target.join(toolchain::TARGET).join(cargo_profile);
    let file = format!("{}.wasm", module.package.replace('-', "_"));
    let copy = folder.join(format!("{}-{file}", module.name));
    fs::copy(folder.join(&file), &copy).naming(&file)?;
    Ok(copy)
}

/// Where the release's modules for browsers lie before their names are taken out.
pub(crate) fn compiled_for_browsers(root: &Path) -> Outcome<PathBuf> {
    let small = toolchain::ensure(root)?.with_standard_source().is_some();
    let target = root.join(if small {
        "target/wasm-small"
    } else {
        "target/wasm"
    });
    Ok(target.join(toolchain::TARGET).join(SMALL))
}

fn bind(compiled: &Path, module: &Module, profile: Profile, out: &Path) -> Outcome<()> {
    let mut bindgen = Bindgen::new();
    let failed = |error| {
        Failure::new(
            format!("wasm-bindgen: {error:#}"),
            "the versions of wasm-bindgen in Cargo.lock must be equal",
        )
    };
    match module.host {
        Host::Edge => bindgen
            .module(true)
            .map_err(failed)?
            .reset_state_function(true)
            .force_enable_abort_handler(true),
        Host::Browser => bindgen.web(true).map_err(failed)?,
    };
    bindgen
        .input_path(compiled)
        .out_name(glue_name(module))
        .typescript(false)
        .remove_producers_section(true)
        .remove_name_section(profile == Profile::Release)
        .generate(out)
        .map_err(failed)
}

/// `--all-features` breaks modules; these are what the compiler emits.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The edge's glue catches faults, so that one request's does not poison the next.
const EDGE_FEATURE: &str = "--enable-exception-handling";

fn optimise(root: &Path, module: &Module, file: &Path) -> Outcome<()> {
    step::step("Optimising it", || match module.host {
        Host::Edge => rewrite(root, file, &["-Oz", EDGE_FEATURE]).map(drop),
        Host::Browser => {
            rewrite(root, file, &["-Oz", "--converge"])?;
            let glue = file.with_file_name(format!("{}.js", glue_name(module)));
            names::shorten(&glue, &rewrite(root, file, &[names::SHORTEN])?)
        }
    })
}

/// Puts what the optimiser makes of a module in its place, and gives what was printed.
fn rewrite(root: &Path, file: &Path, options: &[&str]) -> Outcome<String> {
    let small = file.with_extension("small");
    let printed = step::run(
        step::command(node(root))
            .arg(root.join("node_modules/binaryen/bin/wasm-opt"))
            .args(options)
            .args(WASM_FEATURES)
            .arg(file)
            .arg("-o")
            .arg(&small),
        "delete node_modules and run this again",
    )?;
    fs::rename(&small, file).naming(file.display())?;
    Ok(printed)
}

/// The Node.js that the npm packages need, newer than many a distribution's.
pub(crate) fn node(root: &Path) -> PathBuf {
    root.join("node_modules/node/bin/node")
}
