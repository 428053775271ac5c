//! The outbox of the service worker: brings up what is due while no page need be open.

use std::rc::Rc;

use super::Outbox;
use super::step::Step;
use crate::client::{Identity, Listener};
use crate::clock;
use crate::problem::Problem;
use crate::server::Server;
use crate::signalling::{Agent, SessionDesk};
use crate::storage::Database;

/// Browsers end a background sync after a few minutes; ours ends before.
const LONGEST_MS: i64 = 120_000;
/// While a page sends, it is looked this often whether anything is left: a browser that is closed waits for our end.
const LOOK_AGAIN_MS: u32 = 500;
/// A wait longer than this is left to the next sync.
const LONGEST_WAIT_MS: i64 = 20_000;

/// Sends what can be sent and returns how many messages are left to be sent.
pub(crate) async fn drain(server: &str) -> Result<u32, Problem> {
    let server = Rc::new(Server::parse(server)?);
    let database = Rc::new(Database::open(|| ()).await?);
    server.recall(&database).await?;
    let identity = Identity::load(Rc::clone(&database), Rc::clone(&server)).await?;
    let listener = Listener::silent();
    let agent = Agent::new(
        server.socket_url(),
        identity.configuration(),
        listener.clone(),
    )?;
    let sessions = SessionDesk {
        agent,
        database,
        server,
    };
    let outbox = Outbox::new(sessions, listener, None);
    let deadline = clock::now_ms().saturating_add(LONGEST_MS);
    while clock::now_ms() < deadline {
        match outbox.parts.step().await {
            Some(Ok(Step::Did)) => {}
            Some(Ok(Step::WaitUntil(at))) if at < wait_limit() => clock::sleep(1_000).await,
            Some(Ok(Step::Idle | Step::WaitUntil(_))) => break,
            Some(Err(problem)) => return Err(problem),
            None => clock::sleep(LOOK_AGAIN_MS).await,
        }
    }
    let left = outbox.parts.sending().await?.len();
    outbox.close();
    Ok(u32::try_from(left).unwrap_or(u32::MAX))
}

fn wait_limit() -> i64 {
    clock::now_ms().saturating_add(LONGEST_WAIT_MS)
}
