//! `wrangler.toml` for one deployment: the committed text with the folders, the namespace's id and the address put
//! in where it leaves them open.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    bundle::Artefacts,
    step::{Naming, Outcome},
};

const NAMESPACE: &str = "\"SESSIONS_NAMESPACE\"";
const PUBLIC_URL: &str = "AFTERBEEP_PUBLIC_URL";
const DOMAIN: &str = "AFTERBEEP_DOMAIN";

/// The configuration of one environment.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// Name of the environment.
    pub(crate) environment: String,
    worker: String,
    text: String,
}

impl Configuration {
    /// Reads `wrangler.toml`.
    pub(crate) fn read(root: &Path, environment: &str) -> Outcome<Self> {
        let text = fs::read_to_string(root.join("wrangler.toml")).naming("wrangler.toml")?;
        Ok(Self {
            environment: environment.to_owned(),
            worker: value(&text, &format!("[env.{environment}]"), "name").unwrap_or_default(),
            text,
        })
    }

    /// Name of the worker.
    pub(crate) fn worker(&self) -> &str {
        &self.worker
    }

    /// Title of the KV namespace.
    pub(crate) fn namespace_title(&self) -> String {
        format!("{}-sessions", self.worker)
    }

    /// Name of the R2 bucket.
    pub(crate) fn bucket(&self) -> String {
        let section = format!("[[env.{}.r2_buckets]]", self.environment);
        value(&self.text, &section, "bucket_name").unwrap_or_default()
    }

    /// The address that links point to, once it is known.
    pub(crate) fn public_url(&self) -> Option<String> {
        let section = format!("[env.{}.vars]", self.environment);
        value(&self.text, &section, PUBLIC_URL).filter(|url| !url.is_empty())
    }

    /// The namespace is this one.
    pub(crate) fn set_namespace(&mut self, id: &str) {
        self.text = self.text.replace(NAMESPACE, &format!("{id:?}"));
    }

    /// The worker is at this address, where the file leaves it open.
    pub(crate) fn set_address(&mut self, url: &str) {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        for (name, value) in [(PUBLIC_URL, url), (DOMAIN, host)] {
            self.text = self
                .text
                .replace(&format!("{name} = \"\""), &format!("{name} = {value:?}"));
        }
    }

    /// Everything in it, the same on every machine.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.environment, self.text)
    }

    /// Writes it for wrangler, pointed to these artefacts.
    pub(crate) fn write(&self, root: &Path, artefacts: &Artefacts) -> Outcome<PathBuf> {
        let folder = root.join("target/deploy").join(&self.environment);
        fs::create_dir_all(&folder).naming(folder.display())?;
        let file = folder.join("wrangler.toml");
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let main = quoted(&artefacts.worker.join("index.js"));
        let text = self.text.replace("\"dist/worker/index.js\"", &main);
        let text = text.replace("\"dist/www\"", &quoted(&artefacts.www));
        fs::write(&file, text).naming(file.display())?;
        Ok(file)
    }
}

/// The text that a section gives to a name.
fn value(text: &str, section: &str, name: &str) -> Option<String> {
    let lines = text.lines().map(str::trim);
    let inside = lines.skip_while(|line| *line != section).skip(1);
    inside
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::Configuration;

    fn configuration(text: &str) -> Configuration {
        Configuration {
            environment: "staging".to_owned(),
            worker: "afterbeep-staging".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_address_is_put_in_only_where_the_operator_left_it_open() {
        let mut open = configuration(
            "[env.staging.vars]\nAFTERBEEP_DOMAIN = \"\"\nAFTERBEEP_PUBLIC_URL = \"\"\n[x]\n",
        );
        assert_eq!(open.public_url(), None);
        open.set_address("https://a.workers.dev");
        assert_eq!(open.public_url().as_deref(), Some("https://a.workers.dev"));
        assert!(open.text.contains("AFTERBEEP_DOMAIN = \"a.workers.dev\""));
        let mut own =
            configuration("[env.staging.vars]\nAFTERBEEP_PUBLIC_URL = \"https://own.example\"\n");
        own.set_address("https://a.workers.dev");
        assert_eq!(own.public_url().as_deref(), Some("https://own.example"));
    }

    #[test]
    fn values_come_from_their_own_section() {
        let text = "[env.dev]\nname = \"d\"\n[[env.staging.r2_buckets]]\nbucket_name = \"s\"\n[[env.production.r2_buckets]]\nbucket_name = \"p\"\n";
        assert_eq!(configuration(text).bucket(), "s");
    }
}
