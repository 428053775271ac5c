//! `cargo xtask dev`: builds, then becomes the Node.js process that runs the worker.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    bundle::{self, Artefacts},
    step::{self, Failure, Outcome},
    wasm::{self, Profile},
};

/// What the user asked for.
#[derive(Debug)]
struct Options {
    port: u16,
    state: PathBuf,
    demo: bool,
    profile: Profile,
}

/// Builds what is missing and serves until it is told to stop.
pub(crate) fn dev(root: &Path, arguments: &[&str]) -> Outcome<ExitCode> {
    let options = parse(root, arguments)?;
    let artefacts = artefacts(root, options.profile)?;
    let configuration = serde_json::json!({
        "port": options.port,
        "state": options.state,
        "demo": options.demo,
        "worker": artefacts.worker,
        "www": artefacts.www,
        "root": root,
    });
    let mut node = step::command(wasm::node(root));
    node.arg(root.join("xtask/runtime/serve.mjs"))
        .arg(configuration.to_string())
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
    // From here on this process is the server: signals and its exit code need no passing on.
    let error = node.exec();
    Err(Failure::new(
        format!("{}: {error}", wasm::node(root).display()),
        "delete node_modules and run this again",
    ))
}

/// What to serve. Tests ask for a worker that stops where they say, and for what was built before the first
/// of them, whatever is edited meanwhile; nothing else knows of either.
fn artefacts(root: &Path, profile: Profile) -> Outcome<Artefacts> {
    let asked = |name| std::env::var_os(name).is_some();
    match (asked("XTASK_FAULT_POINTS"), asked("XTASK_SERVE_BUILT")) {
        (false, false) => bundle::build(root, profile),
        (true, false) => bundle::build_with_faults(root),
        (false, true) => Ok(Artefacts::of(root, profile)),
        (true, true) => Ok(Artefacts::with_faults(root)),
    }
}

fn parse(root: &Path, arguments: &[&str]) -> Outcome<Options> {
    let mut options = Options {
        port: 8787,
        state: root.join(".state"),
        demo: true,
        profile: Profile::Quick,
    };
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument, None),
        };
        match name {
            "--port" => options.port = port(inline.or_else(|| rest.next()))?,
            "--state" => options.state = state(inline.or_else(|| rest.next()))?,
            "--no-demo" => options.demo = false,
            "--release" => options.profile = Profile::Release,
            _ => {
                return Err(Failure::new(
                    format!("unknown option {argument}"),
                    crate::USAGE,
                ));
            }
        }
    }
    Ok(options)
}

fn port(value: Option<&str>) -> Outcome<u16> {
    value
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| Failure::new("--port needs a number from 0 to 65535", crate::USAGE))
}

fn state(value: Option<&str>) -> Outcome<PathBuf> {
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Failure::new("--state needs a folder", crate::USAGE))?;
    Ok(std::env::current_dir()?.join(value))
}
