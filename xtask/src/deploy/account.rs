//! The Cloudflare account as wrangler 4.164 shows it: questions with JSON answers where it has them, and otherwise the
//! error codes that it passes on.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::Secrets;
use crate::{
    step::{self, Failure, Naming, Outcome},
    wasm,
};

const SIGN_IN: &str =
    "sign in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID)";
const READ_ABOVE: &str = "read wrangler's message above";
/// The API's code for a bucket that is not there.
const NO_BUCKET: &str = "[code: 10006]";

/// The account that wrangler is signed in to.
pub(crate) struct Account<'a> {
    root: &'a Path,
}

/// What is live under a worker's name.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Live {
    /// The tag that the upload was given.
    pub(crate) tag: String,
    /// The address that it was told.
    pub(crate) public_url: Option<String>,
}

impl<'a> Account<'a> {
    pub(crate) const fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// Fails unless wrangler may act for somebody.
    pub(crate) fn check_sign_in(&self) -> Outcome<()> {
        let output = output(&mut self.wrangler(&["whoami", "--json"]))?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        match answer.get("loggedIn") {
            Some(Value::Bool(true)) => Ok(()),
            Some(_) => Err(Failure::new("not signed in to Cloudflare", SIGN_IN)),
            None => Err(Failure::new(said(&output), SIGN_IN)),
        }
    }

    /// What gets the requests of this worker; nothing if there is no such worker.
    pub(crate) fn live(&self, worker: &str) -> Outcome<Option<Live>> {
        let arguments = ["deployments", "status", "--json", "--name", worker];
        let status = output(&mut self.wrangler(&arguments))?;
        let text = said(&status);
        if !status.status.success() {
            let absent = is_no_worker(&text) || text.contains("has no deployments");
            return if absent {
                Ok(None)
            } else {
                Err(Failure::new(text, READ_ABOVE))
            };
        }
        let deployment: Value = json(&status.stdout)?;
        let version = deployment
            .pointer("/versions/0/version_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let arguments = ["versions", "view", version, "--json", "--name", worker];
        let version = self.run(&arguments)?;
        Ok(Some(live(&json(version.as_bytes())?)))
    }

    /// The id of the KV namespace with this title.
    pub(crate) fn namespace(&self, title: &str) -> Outcome<Option<String>> {
        let list: Value = json(self.run(&["kv", "namespace", "list"])?.as_bytes())?;
        let mut entries = list.as_array().into_iter().flatten();
        let entry = entries.find(|entry| entry.get("title").is_some_and(|own| own == title));
        let id = entry.and_then(|entry| entry.get("id"));
        Ok(id.and_then(Value::as_str).map(str::to_owned))
    }

    pub(crate) fn make_namespace(&self, title: &str) -> Outcome<()> {
        self.run(&["kv", "namespace", "create", title]).map(drop)
    }

    pub(crate) fn has_bucket(&self, name: &str) -> Outcome<bool> {
        let output = output(&mut self.wrangler(&["r2", "bucket", "info", name, "--json"]))?;
        let text = said(&output);
        match output.status.success() {
            true => Ok(true),
            false if text.contains(NO_BUCKET) => Ok(false),
            false => Err(Failure::new(
                text,
                "R2 has to be switched on once in the dashboard of the account",
            )),
        }
    }

    pub(crate) fn make_bucket(&self, name: &str) -> Outcome<()> {
        self.run(&["r2", "bucket", "create", name]).map(drop)
    }

    /// Names of the worker's secrets; none if there is no such worker.
    pub(crate) fn secrets(&self, worker: &str) -> Outcome<Vec<String>> {
        let arguments = ["secret", "list", "--format", "json", "--name", worker];
        let output = output(&mut self.wrangler(&arguments))?;
        let text = said(&output);
        if !output.status.success() {
            return if is_no_worker(&text) {
                Ok(Vec::new())
            } else {
                Err(Failure::new(text, READ_ABOVE))
            };
        }
        let list: Value = json(&output.stdout)?;
        let entries = list.as_array().into_iter().flatten();
        let names = entries.filter_map(|entry| entry.get("name").and_then(Value::as_str));
        Ok(names.map(str::to_owned).collect())
    }

    /// What wrangler says to an upload that it does not make.
    pub(crate) fn check_upload(&self, file: &Path, environment: &str) -> Outcome<String> {
        let mut wrangler = self.wrangler(&["deploy", "--dry-run", "--env", environment]);
        let output = output(wrangler.arg("--config").arg(file))?;
        let text = said(&output);
        if output.status.success() {
            return Ok(text);
        }
        Err(Failure::new(text, READ_ABOVE))
    }

    /// Uploads, and gives the first address at which the worker is. Secrets go through a pipe: no argument, no file.
    pub(crate) fn upload(
        &self,
        file: &Path,
        environment: &str,
        tag: &str,
        secrets: &Secrets,
    ) -> Outcome<Option<String>> {
        let report = report(file);
        let mut wrangler = self.wrangler(&["deploy", "--env", environment, "--tag", tag]);
        wrangler
            .arg("--config")
            .arg(file)
            .env("WRANGLER_OUTPUT_FILE_PATH", &report);
        if !secrets.is_empty() {
            wrangler.args(["--secrets-file", "/dev/stdin"]);
        }
        let output = with_input(&mut wrangler, secrets)?;
        if !output.status.success() {
            return Err(Failure::new(said(&output), READ_ABOVE));
        }
        Ok(fs::read_to_string(&report)
            .ok()
            .and_then(|report| address(&report)))
    }

    fn run(&self, arguments: &[&str]) -> Outcome<String> {
        step::run(&mut self.wrangler(arguments), READ_ABOVE)
    }

    /// A wrangler that is quiet and looks at no configuration but the one it is given.
    fn wrangler(&self, arguments: &[&str]) -> Command {
        let program = std::env::var_os("XTASK_WRANGLER").map_or_else(
            || self.root.join("node_modules/wrangler/bin/wrangler.js"),
            PathBuf::from,
        );
        let mut command = step::command(wasm::node(self.root));
        command
            .current_dir(self.root.join("target"))
            .arg(program)
            .args(arguments)
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false")
            .env("NO_COLOR", "1");
        command
    }
}

/// Where wrangler writes what it did, beside its configuration; nothing is there yet.
fn report(file: &Path) -> PathBuf {
    let report = file.with_extension("report");
    let _ = fs::remove_file(&report);
    report
}

fn output(command: &mut Command) -> Outcome<Output> {
    command.stdin(Stdio::null()).output().naming("wrangler")
}

fn with_input(command: &mut Command, secrets: &Secrets) -> Outcome<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .naming("wrangler")?;
    let text = serde_json::to_string(secrets).naming("secrets")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).naming("wrangler")?;
    }
    child.wait_with_output().naming("wrangler")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn json(text: &[u8]) -> Outcome<Value> {
    serde_json::from_slice(text).naming("wrangler's answer")
}

fn is_no_worker(text: &str) -> bool {
    text.contains("not found.") || text.contains("[code: 10007]") || text.contains("[code: 10090]")
}

/// The tag of a version, and the address among its plain variables.
fn live(version: &Value) -> Live {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
    let bindings = version.pointer("/resources/bindings");
    let mut bindings = bindings.and_then(Value::as_array).into_iter().flatten();
    let url = bindings.find(|binding| text(binding.get("name")) == "AFTERBEEP_PUBLIC_URL");
    Live {
        tag: text(version.pointer("/annotations/workers~1tag")),
        public_url: url
            .map(|binding| text(binding.get("text")))
            .filter(|url| !url.is_empty()),
    }
}

/// The first web address in wrangler's report, which has one JSON object a line.
fn address(report: &str) -> Option<String> {
    let entries = report
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let targets = entries
        .filter(|entry| entry.get("type").is_some_and(|kind| kind == "deploy"))
        .filter_map(|entry| entry.get("targets")?.as_array().cloned());
    let mut addresses = targets.flatten();
    let target = addresses.find(|target| {
        target
            .as_str()
            .is_some_and(|text| text.starts_with("https://"))
    });
    target.and_then(|target| target.as_str().map(str::to_owned))
}
