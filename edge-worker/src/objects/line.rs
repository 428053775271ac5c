//! One address: account, bindings, ringing.

use std::rc::Rc;

use exchange::{line, object::Object, wakeup};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::actor::{Actor, Rules};

const RULES: Rules = Rules {
    migrate: line::migrate,
    on_signal: line::on_signal,
    on_wakeup: line::on_wakeup,
    next_wakeup: wakeup::next,
    leaves_nothing: line::leaves_nothing,
    on_http: line::on_http,
};

/// The line of one address.
#[durable_object(alarm)]
pub struct Line {
    actor: Rc<Actor>,
}

impl DurableObject for Line {
    fn new(state: State, env: Env) -> Self {
        Self {
            actor: Actor::new(state, env, Object::Line, Some(RULES)),
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
