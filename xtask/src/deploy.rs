//! `cargo xtask deploy`: looks what is there, makes what is missing, uploads what changed. It asks and acts through
//! wrangler only; a repeat finds everything done and changes nothing.

mod account;
mod configuration;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use account::Account;
use configuration::Configuration;

use crate::{
    bundle::{self, Artefacts},
    fingerprint, packages,
    step::{self, Failure, Naming, Outcome},
    wasm::{self, Profile},
};

/// The environments of `wrangler.toml`.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

const ADMIN_TOKEN: &str = "AFTERBEEP_ADMIN_TOKEN";

/// Every secret of a deployment. Those with keys may have younger ones beside them (`NAME_2` to `NAME_9`).
const SECRETS: [&str; 5] = [
    "AFTERBEEP_TOKEN_KEYS",
    "AFTERBEEP_ACCOUNT_KEYS",
    "AFTERBEEP_RECEIPT_KEYS",
    "AFTERBEEP_VAPID_PRIVATE_KEY",
    ADMIN_TOKEN,
];

/// Secrets by name, as JSON. It has no `Debug`: they never get into a message.
type Secrets = serde_json::Map<String, serde_json::Value>;

/// What the user asked for.
#[derive(Debug)]
struct Options {
    environment: String,
    dry_run: bool,
    artefacts: Option<PathBuf>,
    rotate: Option<&'static str>,
}

/// What can be rotated by `--rotate`, and the secret that it is. Nothing else is meant to change.
const ROTATED: [(&str, &str); 4] = [
    ("token", "AFTERBEEP_TOKEN_KEYS"),
    ("account", "AFTERBEEP_ACCOUNT_KEYS"),
    ("receipt", "AFTERBEEP_RECEIPT_KEYS"),
    ("admin", ADMIN_TOKEN),
];

/// One deployment to one environment.
struct Deployment<'a> {
    root: &'a Path,
    artefacts: Artefacts,
    configuration: Configuration,
    account: Account<'a>,
}

/// What is missing in the account.
struct Missing {
    namespace: bool,
    bucket: bool,
    secrets: Vec<&'static str>,
}

/// Deploys, or says what a deployment would do.
pub(crate) fn deploy(root: &Path, arguments: &[&str]) -> Outcome<ExitCode> {
    let options = parse(arguments)?;
    packages::ensure_npm(root)?;
    let account = Account::new(root);
    if !options.dry_run {
        account.check_sign_in()?;
    }
    let artefacts = match &options.artefacts {
        Some(folder) => Artefacts::in_folder(folder),
        None => bundle::build(root, Profile::Release)?,
    };
    let configuration = Configuration::read(root, &options.environment)?;
    let deployment = Deployment {
        root,
        artefacts,
        configuration,
        account,
    };
    if options.dry_run {
        deployment.rehearse()?;
    } else {
        deployment.run(options.rotate)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Deployment<'_> {
    fn run(mut self, rotate: Option<&'static str>) -> Outcome<()> {
        let live = self.account.live(self.configuration.worker())?;
        let missing = self.missing()?;
        self.make(&missing)?;
        let namespace = self.namespace()?.ok_or_else(|| {
            Failure::new(
                "the KV namespace was made but is not listed",
                "run this again in a minute",
            )
        })?;
        self.configuration.set_namespace(&namespace);
        let known = live.as_ref().and_then(|live| live.public_url.clone());
        if let Some(url) = &known {
            self.configuration.set_address(url);
        }
        let mut secrets = self.fresh_secrets(&missing.secrets)?;
        if let Some(name) = rotate.filter(|name| !missing.secrets.contains(name)) {
            let there = self.account.secrets(self.configuration.worker())?;
            let mut fresh = self.fresh_secrets(&[name])?;
            let value = fresh.remove(name).unwrap_or_default();
            secrets.insert(next_of_family(name, &there)?, value);
        }
        let is_same = live.is_some_and(|live| live.tag == self.tag());
        if secrets.is_empty() && is_same {
            println!("Nothing has changed: this build is live with these settings");
        } else {
            self.upload(&secrets)?;
        }
        self.tell(&secrets)
    }

    /// Checks the upload without one, and says what a deployment would make.
    fn rehearse(mut self) -> Outcome<()> {
        step::step("Checking the upload with wrangler", || {
            let file = self.configuration.write(self.root, &self.artefacts)?;
            print!(
                "{}",
                self.account
                    .check_upload(&file, &self.configuration.environment)?
            );
            Ok(())
        })?;
        let worker = self.configuration.worker().to_owned();
        if self.account.check_sign_in().is_err() {
            println!("Not signed in to Cloudflare, so what is there is not known.");
            println!("A first deployment would make:");
            self.tell_plan(&Missing {
                namespace: true,
                bucket: true,
                secrets: SECRETS.to_vec(),
            });
            println!("  worker {worker}");
            return Ok(());
        }
        let live = self.account.live(&worker)?;
        let missing = self.missing()?;
        println!("A deployment would make:");
        self.tell_plan(&missing);
        if let Some(id) = self.namespace()? {
            self.configuration.set_namespace(&id);
        }
        if let Some(url) = live.as_ref().and_then(|live| live.public_url.as_ref()) {
            self.configuration.set_address(url);
        }
        match live {
            None => println!("  worker {worker}"),
            Some(live) if live.tag != self.tag() => println!("  a new version of worker {worker}"),
            Some(_) if missing.is_nothing() => println!("  nothing: this build is live"),
            Some(_) => {}
        }
        Ok(())
    }

    fn tell_plan(&self, missing: &Missing) {
        if missing.namespace {
            println!("  KV namespace {}", self.configuration.namespace_title());
        }
        if missing.bucket {
            println!("  R2 bucket {}", self.configuration.bucket());
        }
        for name in &missing.secrets {
            println!("  secret {name}");
        }
    }

    fn missing(&self) -> Outcome<Missing> {
        step::step("Looking what is there", || {
            let there = self.account.secrets(self.configuration.worker())?;
            Ok(Missing {
                namespace: self.namespace()?.is_none(),
                bucket: !self.account.has_bucket(&self.configuration.bucket())?,
                secrets: SECRETS
                    .into_iter()
                    .filter(|name| !there.iter().any(|other| is_of_family(name, other)))
                    .collect(),
            })
        })
    }

    fn namespace(&self) -> Outcome<Option<String>> {
        self.account
            .namespace(&self.configuration.namespace_title())
    }

    fn make(&self, missing: &Missing) -> Outcome<()> {
        if missing.namespace {
            let title = self.configuration.namespace_title();
            step::step(&format!("Making the KV namespace {title}"), || {
                self.account.make_namespace(&title)
            })?;
        }
        if missing.bucket {
            let bucket = self.configuration.bucket();
            step::step(&format!("Making the R2 bucket {bucket}"), || {
                self.account.make_bucket(&bucket)
            })?;
        }
        Ok(())
    }

    fn fresh_secrets(&self, names: &[&str]) -> Outcome<Secrets> {
        if names.is_empty() {
            return Ok(Secrets::new());
        }
        let script = self.root.join("xtask/runtime/secrets.mjs");
        let made = step::run(
            step::command(wasm::node(self.root)).arg(script).args(names),
            "delete node_modules and run this again",
        )?;
        serde_json::from_str(&made).naming("secrets.mjs")
    }

    /// Uploads with the secrets that are new. Where the worker's address is only known afterwards, a second upload
    /// tells it to the worker.
    fn upload(&mut self, secrets: &Secrets) -> Outcome<()> {
        let address = self.put(secrets)?;
        if self.configuration.public_url().is_some() {
            return Ok(());
        }
        let address = address.ok_or_else(|| {
            Failure::new(
                "wrangler did not say at which address the worker is",
                "set AFTERBEEP_PUBLIC_URL and AFTERBEEP_DOMAIN in wrangler.toml and run this again",
            )
        })?;
        self.configuration.set_address(&address);
        self.put(&Secrets::new()).map(drop)
    }

    fn put(&self, secrets: &Secrets) -> Outcome<Option<String>> {
        let worker = self.configuration.worker();
        let outcome = step::step(&format!("Uploading {worker}"), || {
            let file = self.configuration.write(self.root, &self.artefacts)?;
            let environment = &self.configuration.environment;
            self.account
                .upload(&file, environment, &self.tag(), secrets)
        });
        outcome.map_err(|failure| {
            if secrets.contains_key(ADMIN_TOKEN) {
                return failure.with_advice(&format!(
                    "then run this again. If it shows no admin token, this upload got through: set one with `npx wrangler secret put {ADMIN_TOKEN} --name {worker}`"
                ));
            }
            failure
        })
    }

    /// Names this build with these settings, for the comparison with what is live.
    fn tag(&self) -> String {
        let folders = [&self.artefacts.worker, &self.artefacts.www];
        fingerprint::of_contents(&folders, &self.configuration.text())
    }

    fn tell(&self, secrets: &Secrets) -> Outcome<()> {
        let url = self.configuration.public_url().unwrap_or_default();
        println!("Afterbeep is at {url}");
        if let Some(token) = secrets.get(ADMIN_TOKEN).and_then(|token| token.as_str()) {
            println!("Admin token (shown only now, keep it): {token}");
            println!("Make the first user with it: {url}/");
        }
        Ok(())
    }
}

impl Missing {
    const fn is_nothing(&self) -> bool {
        !self.namespace && !self.bucket && self.secrets.is_empty()
    }
}

/// Whether a secret is this one, or younger keys beside it.
fn is_of_family(name: &str, other: &str) -> bool {
    let rest = other.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || matches!(rest.as_bytes(), [b'_', b'2'..=b'9']))
}

fn parse(arguments: &[&str]) -> Outcome<Options> {
    let mut options = Options {
        environment: "production".to_owned(),
        dry_run: false,
        artefacts: None,
        rotate: None,
    };
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument, None),
        };
        match name {
            "--dry-run" => options.dry_run = true,
            "--env" => options.environment = environment(inline.or_else(|| rest.next()))?,
            "--rotate" => options.rotate = Some(rotated(inline.or_else(|| rest.next()))?),
            "--artefacts" => options.artefacts = Some(folder(inline.or_else(|| rest.next()))?),
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

fn environment(value: Option<&str>) -> Outcome<String> {
    let value = value.filter(|value| ENVIRONMENTS.contains(value));
    let advice = format!("use one of {}", ENVIRONMENTS.join(", "));
    value
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("--env needs an environment of wrangler.toml", advice))
}

fn rotated(value: Option<&str>) -> Outcome<&'static str> {
    let known = ROTATED.iter().find(|(word, _)| Some(*word) == value);
    known.map(|(_, secret)| *secret).ok_or_else(|| {
        Failure::new(
            "--rotate needs something that can be rotated",
            "use one of token, account, receipt, admin",
        )
    })
}

/// The name under which the next key of a family goes, beside those that are there. Secrets cannot be read back, so
/// older keys stay where they are until the operator deletes them.
fn next_of_family(name: &str, there: &[String]) -> Outcome<String> {
    if name == ADMIN_TOKEN {
        return Ok(name.to_owned());
    }
    let newest = (2..=9_u8)
        .rev()
        .find(|number| there.contains(&format!("{name}_{number}")))
        .unwrap_or(1);
    if newest == 9 {
        return Err(Failure::new(
            format!("{name}_9 is there already"),
            "docs/operations.md says how to begin again at the first name",
        ));
    }
    Ok(format!("{name}_{}", newest + 1))
}

fn folder(value: Option<&str>) -> Outcome<PathBuf> {
    let value = value.ok_or_else(|| Failure::new("--artefacts needs a folder", crate::USAGE))?;
    std::path::absolute(value).naming(value)
}

#[cfg(test)]
mod tests {
    use super::{ADMIN_TOKEN, is_of_family, next_of_family};

    #[test]
    fn new_keys_go_beside_the_older_ones() {
        let next = |name: &str, there: &[&str]| {
            let there: Vec<String> = there.iter().map(|&name| name.to_owned()).collect();
            next_of_family(name, &there).ok()
        };
        assert_eq!(next("KEYS", &["KEYS"]).as_deref(), Some("KEYS_2"));
        assert_eq!(
            next("KEYS", &["KEYS_4", "KEYS_2"]).as_deref(),
            Some("KEYS_5")
        );
        assert_eq!(next("KEYS", &["KEYS_9"]), None);
        assert_eq!(
            next(ADMIN_TOKEN, &[ADMIN_TOKEN]).as_deref(),
            Some(ADMIN_TOKEN)
        );
    }

    #[test]
    fn younger_keys_stand_for_their_family() {
        assert!(is_of_family("AFTERBEEP_TOKEN_KEYS", "AFTERBEEP_TOKEN_KEYS"));
        assert!(is_of_family(
            "AFTERBEEP_TOKEN_KEYS",
            "AFTERBEEP_TOKEN_KEYS_2"
        ));
        for other in [
            "AFTERBEEP_TOKEN",
            "AFTERBEEP_TOKEN_KEYS_1",
            "AFTERBEEP_TOKEN_KEYS_OLD",
        ] {
            assert!(!is_of_family("AFTERBEEP_TOKEN_KEYS", other), "{other}");
        }
    }
}
