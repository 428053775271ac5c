//! The operator's settings (interface section 1), read once from named values. Secrets are parsed here,
//! so that a broken one is refused at start and not at the first call.

use deposit::{
    receipt::{ReceiptKeys, ReceiptKeysError},
    token::{Keys, KeysError},
};
use serde_json::Value;
use sip::address::{Address, AddressError, DialPlan, normalise_by};
use thiserror::Error;

use crate::upstream::{Proxy, ProxyError};

const DAY_MS: i64 = 86_400_000;
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// All settings of one deployment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Own domains, the canonical one first, its aliases after it; lower case.
    domains: Vec<String>,
    /// What links and INFO lines point to, without a slash at the end.
    pub public_url: String,
    /// Signs tokens; newest first.
    pub token_keys: Keys,
    /// Encrypts stored HA1s; newest first.
    pub account_keys: Keys,
    /// Signs receipts, and checks those that retired keys signed.
    pub receipt_keys: ReceiptKeys,
    /// Opens `/admin`; empty closes it.
    pub admin_token: String,
    /// How long a session token may begin a deposit.
    pub session_ttl_ms: i64,
    /// How long contacts ring before the voicemail answers.
    pub ring_timeout_ms: i64,
    /// Longest recording in seconds.
    pub max_duration_s: u32,
    /// Largest voice message.
    pub max_voice_bytes: u64,
    /// Largest video message.
    pub max_video_bytes: u64,
    /// How much one mailbox holds.
    pub mailbox_quota_bytes: u64,
    /// Where media are kept.
    pub media_store: MediaStore,
    /// Where the platform must keep the data; empty for anywhere.
    pub jurisdiction: String,
    /// Calls per minute and network; 0 is no limit.
    pub limit_invites_per_minute: u32,
    /// Messages per minute and connection; 0 is no limit.
    pub limit_messages_per_minute: u32,
    /// Sessions per hour for one network and mailbox; 0 is no limit.
    pub limit_sessions_per_hour: u32,
    /// Sessions per hour for one mailbox; 0 is no limit.
    pub limit_mailbox_sessions_per_hour: u32,
    /// How long a heard message is kept.
    pub retention_ms: i64,
    /// Which origins may use the API from a page.
    pub allowed_origins: Origins,
    /// Whether callers outside our domain may call.
    pub anonymous_callers: bool,
    /// How telephone numbers are dialled here, and whose they are.
    pub dial_plan: DialPlan,
    /// ICE servers for live calls, as JSON.
    pub ice_servers: String,
    /// The foreign SIP proxy behind which the voicemail stands, if any.
    pub upstream: Option<Proxy>,
    /// Whether webhooks may go to loopback addresses (development only).
    pub loopback_webhooks: bool,
    /// Which calls can be looked at as a ladder.
    pub ladder: Ladder,
    /// Whether the demo users are there, so that the first page may offer to call one.
    pub demo: bool,
}

/// Where media are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MediaStore {
    /// Small media in the mailbox's own database, large ones in the blob store.
    Auto,
    /// All in the blob store.
    R2,
}

/// Which calls can be looked at as a ladder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ladder {
    /// All.
    All,
    /// None; nothing is noted.
    Off,
}

/// Which origins may use the API from a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origins {
    /// Every origin (`*`).
    All,
    /// The own one and these.
    List(Vec<String>),
}

/// What is wrong with a setting.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum SettingsError {
    /// A setting without a default is absent.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A value cannot be read.
    #[error("{0} is not {1}")]
    Malformed(&'static str, &'static str),
    /// A list of secrets cannot be used.
    #[error("{0}: {1}")]
    Keys(&'static str, KeysError),
    /// The receipt keys cannot be used.
    #[error("AFTERBEEP_RECEIPT_KEYS: {0}")]
    ReceiptKeys(#[from] ReceiptKeysError),
}

impl Settings {
    /// Reads all settings; `value` gives the text of a named one.
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let source = Source { value: &value };
        let domain = source.required("AFTERBEEP_DOMAIN")?.to_lowercase();
        let public_url = source.required("AFTERBEEP_PUBLIC_URL")?;
        let public_url = public_url.trim_end_matches('/').to_owned();
        let domains = domains(&domain, &public_url);
        Ok(Self {
            upstream: source.upstream(&domains)?,
            domains,
            public_url,
            token_keys: source.keys("AFTERBEEP_TOKEN_KEYS")?,
            account_keys: source.keys("AFTERBEEP_ACCOUNT_KEYS")?,
            receipt_keys: source.receipt_keys()?,
            admin_token: source.text("AFTERBEEP_ADMIN_TOKEN"),
            session_ttl_ms: source
                .number("AFTERBEEP_SESSION_TTL_S", 604_800)?
                .saturating_mul(1000),
            ring_timeout_ms: source
                .number("AFTERBEEP_RING_TIMEOUT_S", 20)?
                .saturating_mul(1000),
            max_duration_s: source.count("AFTERBEEP_MAX_DURATION_S", 300)?,
            max_voice_bytes: source.bytes("AFTERBEEP_MAX_VOICE_BYTES", 16 << 20)?,
            max_video_bytes: source.bytes("AFTERBEEP_MAX_VIDEO_BYTES", 95 << 20)?,
            mailbox_quota_bytes: source.bytes("AFTERBEEP_MAILBOX_QUOTA_BYTES", 1 << 30)?,
            media_store: source.media_store()?,
            jurisdiction: source.text("AFTERBEEP_JURISDICTION"),
            limit_invites_per_minute: source.count("AFTERBEEP_LIMIT_INVITES_PER_MIN", 10)?,
            limit_messages_per_minute: source.count("AFTERBEEP_LIMIT_MESSAGES_PER_MIN", 600)?,
            limit_sessions_per_hour: source.count("AFTERBEEP_LIMIT_SESSIONS_PER_HOUR", 20)?,
            limit_mailbox_sessions_per_hour: source
                .count("AFTERBEEP_LIMIT_MAILBOX_SESSIONS_PER_HOUR", 500)?,
            retention_ms: source
                .number("AFTERBEEP_RETENTION_DAYS", 30)?
                .saturating_mul(DAY_MS),
            allowed_origins: origins(&source.text("AFTERBEEP_ALLOWED_ORIGINS")),
            anonymous_callers: source.flag("AFTERBEEP_ANONYMOUS_CALLERS", true)?,
            dial_plan: source.dial_plan()?,
            ice_servers: source.ice_servers()?,
            loopback_webhooks: source.flag("AFTERBEEP_DEV_LOOPBACK", false)?,
            ladder: source.ladder()?,
            demo: source.flag("AFTERBEEP_DEV_DEMO", false)?,
        })
    }

    /// The canonical domain: the host of every stored address, and the digest realm.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.domains.first().map_or("", String::as_str)
    }

    /// Every own domain, the canonical one first.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// Whether a host (without port, any case) is ours.
    #[must_use]
    pub fn is_own_domain(&self, host: &str) -> bool {
        self.domains
            .iter()
            .any(|domain| domain.eq_ignore_ascii_case(host))
    }

    /// The canonical form of an address, numbers of our domain read by its dial plan.
    ///
    /// # Errors
    /// [`AddressError`] where `text` is no address.
    pub fn address(&self, text: &str) -> Result<Address, AddressError> {
        normalise_by(&self.dial_plan, text, &self.domains)
    }

    /// Whether a page of this origin may use the API; the own origin always may.
    #[must_use]
    pub fn allows_origin(&self, origin: &str, own_host: Option<&str>) -> bool {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        own_host.is_some_and(|own| own.eq_ignore_ascii_case(host))
            || origin.eq_ignore_ascii_case(&self.public_url)
            || match &self.allowed_origins {
                Origins::All => true,
                Origins::List(list) => list.iter().any(|one| one.eq_ignore_ascii_case(origin)),
            }
    }
}

struct Source<'a> {
    value: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    fn text(&self, name: &str) -> String {
        (self.value)(name).map_or_else(String::new, |value| value.trim().to_owned())
    }

    fn required(&self, name: &'static str) -> Result<String, SettingsError> {
        let value = self.text(name);
        if value.is_empty() {
            return Err(SettingsError::Missing(name));
        }
        Ok(value)
    }

    fn number(&self, name: &'static str, default: i64) -> Result<i64, SettingsError> {
        let value = self.text(name);
        if value.is_empty() {
            return Ok(default);
        }
        let number = value.parse().ok().filter(|number| *number >= 0);
        number.ok_or(SettingsError::Malformed(name, "a whole number"))
    }

    fn count(&self, name: &'static str, default: u32) -> Result<u32, SettingsError> {
        let number = self.number(name, i64::from(default))?;
        u32::try_from(number).map_err(|_| SettingsError::Malformed(name, "a small whole number"))
    }

    fn bytes(&self, name: &'static str, default: i64) -> Result<u64, SettingsError> {
        Ok(self.number(name, default)?.unsigned_abs())
    }

    fn flag(&self, name: &'static str, default: bool) -> Result<bool, SettingsError> {
        match self.text(name).to_lowercase().as_str() {
            "" => Ok(default),
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err(SettingsError::Malformed(name, "true or false")),
        }
    }

    fn dial_plan(&self) -> Result<DialPlan, SettingsError> {
        let name = "AFTERBEEP_DIAL_PLAN";
        let text = self.text(name);
        if text.is_empty() {
            return Ok(DialPlan::default());
        }
        let plan: Option<DialPlan> = serde_json::from_str(&text).ok();
        plan.and_then(DialPlan::checked).ok_or(SettingsError::Malformed(
            name,
            "a dial plan: {\"country\", \"trunk\", \"international\", \"national_digits\", \"aliases\"}",
        ))
    }

    fn upstream(&self, domains: &[String]) -> Result<Option<Proxy>, SettingsError> {
        let url = self.text("AFTERBEEP_SIP_UPSTREAM");
        if url.is_empty() {
            return Ok(None);
        }
        let user = self.text("AFTERBEEP_SIP_UPSTREAM_USER");
        let password = self.text("AFTERBEEP_SIP_UPSTREAM_PASSWORD");
        let loopback = self.flag("AFTERBEEP_DEV_LOOPBACK", false)?;
        let proxy = Proxy::read(&url, &user, &password, domains, loopback);
        let realms = self.text("AFTERBEEP_SIP_UPSTREAM_REALMS");
        let proxy = proxy.map(|proxy| Some(proxy.with_realms(&realms)));
        proxy.map_err(|error| match error {
            ProxyError::Url => SettingsError::Malformed("AFTERBEEP_SIP_UPSTREAM", "a wss address"),
            ProxyError::User => {
                SettingsError::Malformed("AFTERBEEP_SIP_UPSTREAM_USER", "a SIP address")
            }
        })
    }

    fn ice_servers(&self) -> Result<String, SettingsError> {
        let name = "AFTERBEEP_ICE_SERVERS";
        match self.text(name) {
            text if text.is_empty() => Ok("[]".to_owned()),
            text if serde_json::from_str::<Vec<Value>>(&text).is_ok() => Ok(text),
            _ => Err(SettingsError::Malformed(name, "a JSON array")),
        }
    }

    fn media_store(&self) -> Result<MediaStore, SettingsError> {
        match self.text("AFTERBEEP_MEDIA_STORE").as_str() {
            "" | "auto" => Ok(MediaStore::Auto),
            "r2" => Ok(MediaStore::R2),
            _ => Err(SettingsError::Malformed(
                "AFTERBEEP_MEDIA_STORE",
                "auto or r2",
            )),
        }
    }

    fn ladder(&self) -> Result<Ladder, SettingsError> {
        match self.text("AFTERBEEP_LADDER").as_str() {
            "" | "all" => Ok(Ladder::All),
            "off" => Ok(Ladder::Off),
            _ => Err(SettingsError::Malformed("AFTERBEEP_LADDER", "all or off")),
        }
    }

    /// The values of `name` and of younger ones beside it, `name_9` to `name_2`, newest first: a platform whose secrets
    /// cannot be read back takes new keys only under new names.
    fn family(&self, name: &'static str) -> Result<Vec<String>, SettingsError> {
        let younger = (2..=9).rev().map(|number| format!("{name}_{number}"));
        let names = younger.chain([name.to_owned()]);
        let values: Vec<String> = names
            .map(|name| self.text(&name))
            .filter(|value| !value.is_empty())
            .collect();
        if values.is_empty() {
            return Err(SettingsError::Missing(name));
        }
        Ok(values)
    }

    fn keys(&self, name: &'static str) -> Result<Keys, SettingsError> {
        let list = self.family(name)?.join(",");
        Keys::read(&list).map_err(|error| SettingsError::Keys(name, error))
    }

    fn receipt_keys(&self) -> Result<ReceiptKeys, SettingsError> {
        let mut all = Vec::new();
        for text in self.family("AFTERBEEP_RECEIPT_KEYS")? {
            let mut value: Value =
                serde_json::from_str(&text).map_err(|_| ReceiptKeysError::Json)?;
            let list = value.get_mut("keys").map_or(Value::Null, Value::take);
            match (list, value) {
                (Value::Array(keys), _) | (_, Value::Array(keys)) => all.extend(keys),
                (_, key) => all.push(key),
            }
        }
        Ok(ReceiptKeys::read(&Value::Array(all).to_string())?)
    }
}

fn origins(text: &str) -> Origins {
    if text == "*" {
        return Origins::All;
    }
    let list = text
        .split([',', ' '])
        .map(|origin| origin.trim().trim_end_matches('/').to_lowercase());
    Origins::List(list.filter(|origin| !origin.is_empty()).collect())
}

/// The host of the public URL is an alias of the domain, and on a local machine the three names of
/// loopback are one domain.
fn domains(domain: &str, public_url: &str) -> Vec<String> {
    let mut domains = vec![domain.to_owned()];
    let local = LOCAL_HOSTS.contains(&domain);
    let aliases = LOCAL_HOSTS
        .iter()
        .filter(|_| local)
        .map(|host| (*host).to_owned());
    for alias in aliases.chain([url_host(public_url)]) {
        if !alias.is_empty() && !domains.contains(&alias) {
            domains.push(alias);
        }
    }
    domains
}

/// The host of an absolute URL, lower case, without port; brackets of an IPv6 address stay.
fn url_host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let end = match authority.find(']') {
        Some(bracket) => bracket.saturating_add(1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    authority.get(..end).unwrap_or("").to_lowercase()
}

#[cfg(test)]
pub(crate) mod tests;
