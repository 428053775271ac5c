//! Who uses this device: a name given once, or a sign-in that survives restarts.

use core::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sip::credentials::Credentials;
use sip::user_agent::configuration::Configuration;

use crate::clock;
use crate::http::Request;
use crate::problem::Problem;
use crate::server::Server;
use crate::storage::Database;

const NAME: &str = "name";
const LOGIN: &str = "login";
const PROXY_USER: &str = "proxy_user";
const REGISTER_EXPIRES_S: u32 = 600;

/// A sign-in as it is stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Login {
    server: String,
    address: String,
    display_name: String,
    token: String,
    expires_at: Option<i64>,
}

/// Who signed in at a foreign SIP proxy, as it is stored: without the password.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct ProxyUser {
    server: String,
    address: String,
    /// What this device is called in its registrations there (RFC 5626 section 4.1): a reloaded page takes the place
    /// of the one before.
    instance: String,
}

/// What the page sees of a sign-in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Account {
    /// `sip:user@domain`.
    pub(crate) address: String,
    /// As the server knows it.
    pub(crate) display_name: String,
}

/// The user of this device.
pub(crate) struct Identity {
    database: Rc<Database>,
    server: Rc<Server>,
    name: RefCell<String>,
    login: RefCell<Option<Login>>,
    /// Of a user of a foreign SIP proxy, which gives no tokens; in memory only.
    password: RefCell<Option<String>>,
    /// Who signed in at the foreign SIP proxy the last time.
    proxy_user: RefCell<Option<ProxyUser>>,
}

impl Identity {
    /// What this device knows from before.
    pub(crate) async fn load(database: Rc<Database>, server: Rc<Server>) -> Result<Self, Problem> {
        let name: Option<String> = database.value(NAME).await?;
        let login: Option<Login> = database.value(LOGIN).await?;
        let login = login.filter(|login| login.server == server.origin() && is_current(login));
        let proxy_user: Option<ProxyUser> = match server.is_ours() {
            true => None,
            false => database.value(PROXY_USER).await?,
        };
        let proxy_user = proxy_user.filter(|user| user.server == server.origin());
        Ok(Self {
            database,
            server,
            name: RefCell::new(name.unwrap_or_default()),
            login: RefCell::new(login),
            password: RefCell::new(None),
            proxy_user: RefCell::new(proxy_user),
        })
    }

    /// What the user agent needs to know.
    pub(crate) fn configuration(&self) -> Configuration {
        let login = self.login.borrow();
        let domain = login
            .as_ref()
            .and_then(|login| login.address.rsplit('@').next())
            .unwrap_or_else(|| self.server.domain());
        Configuration {
            address: login.as_ref().map(|login| login.address.clone()),
            display_name: self.display_name(),
            domain: domain.to_owned(),
            credentials: login
                .as_ref()
                .map_or(Credentials::None, |login| self.credentials(login)),
            instance: self.instance(),
            register_expires_s: REGISTER_EXPIRES_S,
        }
    }

    /// The canonical form of an address somebody typed.
    pub(crate) fn address(&self, text: &str) -> Result<String, Problem> {
        self.server.address(text).map_err(|error| {
            Problem::new(
                "address_invalid",
                format!("{text:?} is not an address: {error}."),
            )
        })
    }

    /// The name this device gives to callees.
    pub(crate) fn name(&self) -> String {
        self.name.borrow().clone()
    }

    /// Keeps the name of an anonymous caller.
    pub(crate) async fn set_name(&self, name: &str) -> Result<(), Problem> {
        let name = name.trim().to_owned();
        self.name.replace(name.clone());
        self.database.set_value(NAME, &name).await?;
        Ok(())
    }

    /// Who is signed in.
    pub(crate) fn account(&self) -> Option<Account> {
        self.login.borrow().as_ref().map(|login| Account {
            address: login.address.clone(),
            display_name: login.display_name.clone(),
        })
    }

    /// The login token.
    pub(crate) fn token(&self) -> Result<String, Problem> {
        self.login
            .borrow()
            .as_ref()
            .map(|login| login.token.clone())
            .ok_or_else(|| Problem::new("signed_out", "Sign in first."))
    }

    /// Signs in and keeps it.
    pub(crate) async fn sign_in(&self, text: &str, password: &str) -> Result<(), Problem> {
        let address = self.address(text)?;
        if !self.server.is_ours() {
            return self.sign_in_at_proxy(address, password).await;
        }
        let answer = Request::new("POST", &self.server.url("/login"))
            .json(&[("address", &address), ("password", password)])
            .send()
            .await?;
        if !answer.is_success() {
            return Err(refused(answer.status(), answer.problem().await));
        }
        let answer = answer.json().await?;
        let token = answer.text("token").ok_or_else(|| {
            Problem::new("bad_answer", "The server's answer could not be understood.")
        })?;
        self.keep(Login {
            server: self.server.origin().to_owned(),
            address: answer.text("address").unwrap_or(address),
            display_name: answer.text("display_name").unwrap_or_default(),
            token,
            expires_at: answer
                .text("expires_at")
                .and_then(|time| crate::signalling::unix_ms(&time)),
        })
        .await
    }

    /// A proxy gives no token, and its password is not stored: after a reload it is asked for again, by the name that is.
    async fn sign_in_at_proxy(&self, address: String, password: &str) -> Result<(), Problem> {
        let server = self.server.origin().to_owned();
        self.password.replace(Some(password.to_owned()));
        self.login.replace(Some(Login {
            server: server.clone(),
            address: address.clone(),
            display_name: String::new(),
            token: String::new(),
            expires_at: None,
        }));
        let instance = match self.instance() {
            Some(instance) => instance,
            None => format!("urn:uuid:{}", clock::uuid()?),
        };
        let user = ProxyUser {
            server,
            address,
            instance,
        };
        self.proxy_user.replace(Some(user.clone()));
        Ok(self.database.set_value(PROXY_USER, &user).await?)
    }

    /// Who signed in at the foreign SIP proxy before, and has not yet given the password again.
    pub(crate) fn absent_user(&self) -> Option<String> {
        let absent = self.login.borrow().is_none();
        let user = self.proxy_user.borrow();
        let address = user.as_ref().map(|user| user.address.clone());
        address.filter(|_| absent)
    }

    fn instance(&self) -> Option<String> {
        let user = self.proxy_user.borrow();
        user.as_ref().map(|user| user.instance.clone())
    }

    /// Keeps a login token that somebody else got for this user; the server judges it when it is used.
    pub(crate) async fn take_token(&self, text: &str, token: &str) -> Result<(), Problem> {
        self.keep(Login {
            server: self.server.origin().to_owned(),
            address: self.address(text)?,
            display_name: String::new(),
            token: token.to_owned(),
            expires_at: None,
        })
        .await
    }

    async fn keep(&self, login: Login) -> Result<(), Problem> {
        self.database.set_value(LOGIN, &login).await?;
        self.login.replace(Some(login));
        Ok(())
    }

    /// What proves who signed in: the token of our own server, or the password that a foreign proxy asks for.
    fn credentials(&self, login: &Login) -> Credentials {
        match self.password.borrow().as_deref() {
            Some(password) => Credentials::Password {
                user: user_of(&login.address),
                password: password.to_owned(),
            },
            None => Credentials::Bearer(login.token.clone()),
        }
    }

    /// Signs out and forgets the token.
    pub(crate) async fn sign_out(&self) -> Result<(), Problem> {
        self.password.replace(None);
        self.login.replace(None);
        self.proxy_user.replace(None);
        self.database.remove_value(PROXY_USER).await?;
        self.database.remove_value(LOGIN).await?;
        Ok(())
    }

    /// Name and sign-in are gone from the disk already.
    pub(crate) fn forget(&self) {
        self.password.replace(None);
        self.login.replace(None);
        self.proxy_user.replace(None);
        self.name.take();
    }

    fn display_name(&self) -> Option<String> {
        let login = self.login.borrow();
        let signed_in = login.as_ref().map(|login| login.display_name.clone());
        let name = signed_in.unwrap_or_else(|| self.name());
        (!name.is_empty()).then_some(name)
    }
}

fn user_of(address: &str) -> String {
    let uri: Option<sip::Uri> = address.parse().ok();
    uri.and_then(|uri| uri.decoded_user()).unwrap_or_default()
}

fn is_current(login: &Login) -> bool {
    login
        .expires_at
        .is_none_or(|expires| expires > clock::now_ms())
}

fn refused(status: u16, problem: Problem) -> Problem {
    match status {
        401 | 403 => Problem::new("login_refused", "Address or password is wrong."),
        _ => problem,
    }
}
