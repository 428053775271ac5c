//! The session that comes with the greeting's HTTP answer, where the mailbox sends no INFO (D7).

use std::rc::Rc;

use super::call;
use super::engine::Engine;
use crate::clock;
use crate::signalling::Called;

/// An INFO that comes before the greeting comes within this time: until then nothing is asked.
const INFO_MS: u32 = 1_000;

/// Asks for the session with the greeting, unless it has come by then.
pub(super) fn look_soon(engine: &Rc<Engine>, called: Called, generation: u32, greeting_url: &str) {
    let (engine, url) = (Rc::clone(engine), greeting_url.to_owned());
    wasm_bindgen_futures::spawn_local(async move {
        clock::sleep(INFO_MS).await;
        look(&engine, &called, generation, &url).await;
    });
}

async fn look(engine: &Rc<Engine>, called: &Called, generation: u32, url: &str) {
    let is_wanted = || engine.stage.is_current(generation) && engine.stage.session().is_none();
    if !is_wanted() {
        return;
    }
    // A greeting that cannot be read is no trouble of its own: the session is asked for again when it is needed.
    let found = engine.desk().with_greeting(called, Some(url)).await;
    if let (Ok(Some(session)), true) = (found, is_wanted()) {
        call::take_session(engine, generation, session);
    }
}
