//! One network: what its callers did in the present minute. It stores nothing.

use std::cell::Cell;

use exchange::{context::Context, network::Tally, object::Object};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::{binding, clock};

/// A network from which people call.
#[durable_object]
pub struct Network {
    env: Env,
    tally: Cell<Tally>,
}

impl DurableObject for Network {
    fn new(_state: State, env: Env) -> Self {
        Self {
            env,
            tally: Cell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let signal = serde_json::from_str(&request.text().await?)?;
        let settings = binding::settings(&self.env)?;
        let context = Context {
            object: Object::Network(String::new()),
            settings: &settings,
            now_ms: clock::now_ms(),
            entropy: clock::entropy()?,
            trace: exchange::trace::Notebook::default(),
        };
        let mut tally = self.tally.get();
        let reply = tally.on_signal(&context, &signal);
        self.tally.set(tally);
        Response::from_json(&reply)
    }
}
