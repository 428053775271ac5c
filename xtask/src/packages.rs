//! What comes from other package managers: Debian packages (only where apt is) and npm packages.

use std::{fs, path::Path};

use crate::step::{self, Failure, Outcome};

/// Installs those of `packages` that are missing.
pub(crate) fn ensure_apt(purpose: &str, packages: &[&str]) -> Outcome<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !step::has_program("apt-get") {
        return Err(Failure::new(
            format!("{purpose} is missing and this machine has no apt"),
            format!(
                "install what Debian calls `{list}` with your own package manager, then run this again"
            ),
        ));
    }
    step::step(&format!("Installing {purpose} with apt ({list})"), || {
        install(&missing)
    })
}

fn install(packages: &[&str]) -> Outcome<()> {
    let advice = format!(
        "run `apt-get update && apt-get install {}` as root",
        packages.join(" ")
    );
    let apt = |arguments: &[&str]| {
        step::run(
            step::command("apt-get")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .args(arguments),
            &advice,
        )
    };
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend_from_slice(packages);
    if apt(&install).is_err() {
        apt(&["update"])?;
        apt(&install)?;
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    step::run(
        step::command("dpkg-query").args(["-W", "-f", "${Status}", package]),
        "",
    )
    .is_ok_and(|status| status.ends_with("ok installed"))
}

/// Makes sure that programs are there; each comes with the Debian package that holds it.
pub(crate) fn ensure_programs(purpose: &str, programs: &[(&str, &str)]) -> Outcome<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !step::has_program(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    ensure_apt(purpose, &missing)
}

/// Installs the npm packages of the lock file, unless they are the ones installed already.
pub(crate) fn ensure_npm(root: &Path) -> Outcome<()> {
    let lock = fs::read_to_string(root.join("package-lock.json"))?;
    let stamp = root.join("node_modules/.afterbeep-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    if !step::has_program("npm") {
        return Err(Failure::new(
            "npm is missing",
            "install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm)",
        ));
    }
    step::step("Installing the npm packages of package-lock.json", || {
        step::run(
            step::command("npm")
                .current_dir(root)
                .args(["ci", "--loglevel=error"]),
            "check the network connection to the npm registry and run this again",
        )
    })?;
    Ok(fs::write(stamp, lock)?)
}
