//! One address: sessions, messages, greeting, notifications.

use std::rc::Rc;

use exchange::{mailbox, object::Object};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::actor::{Actor, Rules, keeps_all};

const RULES: Rules = Rules {
    migrate: mailbox::migrate,
    on_signal: mailbox::on_signal,
    on_wakeup: mailbox::on_wakeup,
    next_wakeup: mailbox::next_wakeup,
    leaves_nothing: keeps_all,
    on_http: mailbox::on_http,
};

/// The mailbox of one address.
#[durable_object(alarm)]
pub struct Mailbox {
    actor: Rc<Actor>,
}

impl DurableObject for Mailbox {
    fn new(state: State, env: Env) -> Self {
        Self {
            actor: Actor::new(state, env, Object::Mailbox, Some(RULES)),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.actor.fetch(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.actor.wake().await;
        Response::ok("")
    }
}
