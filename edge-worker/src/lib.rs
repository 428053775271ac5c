//! The shell of the exchange on Cloudflare's runtime: routes, bindings and the carrying out of effects.
//! Every decision is made in `exchange`; nothing here knows SIP, tus or a table.
//!
//! Start reading at [`fetch`] for a request from outside and at `objects` for what each object does.

mod actor;
mod asset;
mod binding;
mod blob;
mod clock;
mod courier;
mod fault;
mod front;
mod log;
mod message;
mod objects;
mod outbound;
mod rendition;
mod storage;
mod stub;

use worker::{Context, Env, Request, Response, event};

pub use objects::{Directory, Flow, Line, Mailbox, Network, Upload, Upstream};

/// One request from outside.
#[event(fetch)]
pub async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    front::begin(&env, &context);
    front::handle(request, &env).await
}
