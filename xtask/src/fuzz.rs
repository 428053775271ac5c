//! `cargo xtask fuzz NAME`: throws seeded changes of good input at one of the readers of SIP, or at `/sip` of a running
//! server, for as long as one likes. The fuzz functions are ordinary tests of `crates/sip`, which throw for three seconds;
//! `tests/torture.test.mjs` throws 5,000 messages.

use std::{
    path::Path,
    process::{ExitCode, Stdio},
};

use crate::{
    bench, bundle,
    step::{self, Failure, Outcome},
    wasm::Profile,
};

/// Names of all fuzz functions.
const NAMES: [&str; 6] = ["message", "uri", "headers", "sdp", "auth", "session_info"];
/// What is thrown at a running server.
const SOCKET: &str = "socket";

/// How long, how often, and from where; each run goes another way unless it is told its seed.
struct Options {
    seconds: u64,
    count: u64,
    seed: u64,
}

/// Runs one fuzz function, or the storm at a running server.
pub(crate) fn run(root: &Path, name: &str, arguments: &[&str]) -> Outcome<ExitCode> {
    let options = parse(arguments)?;
    if name == SOCKET {
        return socket(root, &options);
    }
    if !NAMES.contains(&name) {
        let known = format!("{}, {SOCKET}", NAMES.join(", "));
        return Err(Failure::new(
            format!("nothing to fuzz is called {name}"),
            known,
        ));
    }
    let mut cargo = step::command("cargo");
    cargo
        .current_dir(root)
        .args(["test", "--quiet", "--package", "sip", "--test", "grammar"])
        .args(["--", "--exact", "--nocapture", &format!("fuzz::{name}")])
        .env("FUZZ_SECONDS", options.seconds.to_string())
        .env("FUZZ_SEED", options.seed.to_string());
    let advice = "keep the input above in the corpus of crates/sip/tests/grammar/fuzz.rs, and mend what it broke";
    step::run_shown(&mut cargo, advice)?;
    Ok(ExitCode::SUCCESS)
}

fn socket(root: &Path, options: &Options) -> Outcome<ExitCode> {
    bundle::build(root, Profile::Quick)?;
    let mut script = bench::script(root, "tests/torture/campaign.mjs");
    script
        .arg(options.count.to_string())
        .arg(options.seed.to_string())
        .stderr(Stdio::inherit());
    let output = step::step("Throwing messages", || Ok(script.output()?))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(if output.status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse(arguments: &[&str]) -> Outcome<Options> {
    let mut options = Options {
        seconds: 60,
        count: 100_000,
        seed: u64::from(std::process::id()),
    };
    let usage = || Failure::new("unknown options of fuzz", crate::USAGE);
    let mut rest = arguments.iter().copied();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or_else(usage)?;
        let number = value.parse().map_err(|_| usage())?;
        match name {
            "--time" => options.seconds = number,
            "--count" => options.count = number,
            "--seed" => options.seed = number,
            _ => return Err(usage()),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_run_is_told_how_long_how_often_and_from_where() {
        let options = parse(&["--time", "9", "--count", "8", "--seed", "7"]);
        let options = options.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!((options.seconds, options.count, options.seed), (9, 8, 7));
        assert!(parse(&["--time"]).is_err());
        assert!(parse(&["--for", "9"]).is_err());
    }
}
