//! `cargo xtask admin`: the operator's calls to a deployment. Node.js carries them out, which is there anyway and brings
//! its own TLS.

use std::{
    path::Path,
    process::{ExitCode, Stdio},
};

use crate::{
    packages,
    step::{self, Failure, Naming, Outcome},
    wasm,
};

/// What the user asked for.
#[derive(Debug, Default, Eq, PartialEq)]
struct Call<'a> {
    words: Vec<&'a str>,
    server: Option<&'a str>,
    name: Option<&'a str>,
}

/// `admin users ...`.
pub(crate) fn users(root: &Path, arguments: &[&str]) -> Outcome<ExitCode> {
    let call = parse(arguments)?;
    match call.words.as_slice() {
        [] | ["list"] => send(root, &call, "list", &[]),
        [action @ ("put" | "login"), address] => {
            let about: Vec<&str> = [*address].into_iter().chain(call.name).collect();
            send(root, &call, action, &about)
        }
        _ => Err(unknown()),
    }
}

/// `admin numbers ...`.
pub(crate) fn numbers(root: &Path, arguments: &[&str]) -> Outcome<ExitCode> {
    let call = parse(arguments)?;
    match call.words.as_slice() {
        ["list", about @ ..] if about.len() == 1 => send(root, &call, "numbers", about),
        ["put", about @ ..] if about.len() == 2 => send(root, &call, "give", about),
        ["delete", about @ ..] if about.len() == 2 => send(root, &call, "take", about),
        _ => Err(unknown()),
    }
}

fn unknown() -> Failure {
    Failure::new("unknown admin call", crate::USAGE)
}

fn send(root: &Path, call: &Call<'_>, action: &str, about: &[&str]) -> Outcome<ExitCode> {
    let server = call
        .server
        .ok_or_else(|| Failure::new("--server is missing", crate::USAGE))?;
    packages::ensure_npm(root)?;
    let mut node = step::command(wasm::node(root));
    node.arg(root.join("xtask/runtime/admin.mjs"))
        .args([action, server])
        .args(about)
        .stdin(Stdio::inherit());
    let status = node.status().naming("node")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse<'a>(arguments: &[&'a str]) -> Outcome<Call<'a>> {
    let mut call = Call::default();
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument, None),
        };
        match name {
            "--server" => call.server = inline.or_else(|| rest.next()),
            "--name" => call.name = inline.or_else(|| rest.next()),
            option if option.starts_with("--") => {
                return Err(Failure::new(
                    format!("unknown option {option}"),
                    crate::USAGE,
                ));
            }
            _ => call.words.push(argument),
        }
    }
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::{Call, parse};

    #[test]
    fn options_may_stand_anywhere() {
        let expected = Call {
            words: vec!["put", "bob"],
            server: Some("https://x.example"),
            name: Some("Bob B."),
        };
        for arguments in [
            [
                "put",
                "bob",
                "--server",
                "https://x.example",
                "--name=Bob B.",
            ]
            .as_slice(),
            &[
                "--server=https://x.example",
                "put",
                "--name",
                "Bob B.",
                "bob",
            ],
        ] {
            assert_eq!(parse(arguments).expect("a call"), expected);
        }
        assert!(parse(&["--sever", "x"]).is_err());
    }
}
