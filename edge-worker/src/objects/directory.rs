//! One shard of the list of users.

use std::rc::Rc;

use exchange::{directory, object::Object, wakeup};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::actor::{Actor, Rules, keeps_all};

const RULES: Rules = Rules {
    migrate: directory::migrate,
    on_signal: directory::on_signal,
    on_wakeup: directory::on_wakeup,
    next_wakeup: wakeup::next,
    leaves_nothing: keeps_all,
    on_http: directory::on_http,
};

/// A shard of the directory.
#[durable_object(alarm)]
pub struct Directory {
    actor: Rc<Actor>,
}

impl DurableObject for Directory {
    fn new(state: State, env: Env) -> Self {
        Self {
            actor: Actor::new(
                state,
                env,
                |name| Object::Directory(name.parse().unwrap_or(0)),
                Some(RULES),
            ),
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
