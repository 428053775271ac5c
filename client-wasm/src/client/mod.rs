//! The class the pages use. Each method converts, calls and converts back; no rule lives here.

mod attachment;
mod call;
mod call_back;
mod callee;
mod draft;
mod engine;
mod event;
mod greeting_session;
mod ice;
mod identity;
mod incoming;
mod ladder;
mod means;
mod only_sound;
mod options;
mod promise;
mod recording;
mod room;
mod sound_check;
mod stage;
mod talk;
mod tuning;
mod video;
mod watch;
mod words;
mod writing;

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

pub(crate) use callee::Party;
use engine::Engine;
pub(crate) use event::{Event as ClientEvent, Listener};
pub(crate) use identity::Identity;
use options::Options;
use promise::promise;
use stage::State;

use crate::mailbox::Mailbox;
use crate::problem::Problem;

type Outcome<Value = ()> = Result<Value, JsValue>;

/// One caller's or callee's client. Every error is a JavaScript `Error` with a stable code in `name`.
#[wasm_bindgen]
#[derive(Clone)]
pub struct Client {
    engine: Rc<Engine>,
}

#[wasm_bindgen]
impl Client {
    /// Opens the client: `{server, worker_url, worklet_url, processing?, kind?, to?, network_gate?,
    /// max_duration_s?, ice_servers?}` and a function that hears all events as plain objects with a `type`.
    pub fn open(options: JsValue, listener: JsValue) -> Promise {
        promise(async move {
            let options = Options::read(options)?;
            let engine = Engine::open(options, Listener::new(&listener)).await?;
            Ok(Self { engine })
        })
    }

    /// Ends call, recorder, timers and sockets. What is on disk goes on at the next start.
    pub fn close(&self) {
        self.engine.close();
    }

    /// The user confirmed by name another server that a voicemail is on (event `other_server`).
    pub fn confirm_server(&self, origin: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.engine.confirm_server(&origin).await?) })
    }

    /// The name an anonymous caller gave.
    pub fn name(&self) -> String {
        self.engine.identity.name()
    }

    /// Keeps the name of an anonymous caller; it is asked once.
    pub fn set_name(&self, name: String) -> Promise {
        let client = self.clone();
        promise(async move {
            client.engine.identity.set_name(&name).await?;
            client.reconfigure();
            Ok(())
        })
    }

    /// Signs in; survives reload and restart until it expires. At a foreign SIP proxy the user is registered, and only
    /// the address is stored.
    pub fn sign_in(&self, address: String, password: String) -> Promise {
        let client = self.clone();
        promise(async move {
            client.engine.identity.sign_in(&address, &password).await?;
            client.reconfigure();
            if !client.engine.server.is_ours() {
                client.engine.agent.listen();
            }
            Ok(())
        })
    }

    /// Takes over a sign-in that an embedder's backend got for its own user.
    pub fn sign_in_with_token(&self, address: String, token: String) -> Promise {
        let client = self.clone();
        promise(async move {
            client.engine.identity.take_token(&address, &token).await?;
            client.reconfigure();
            Ok(())
        })
    }

    /// Signs out and forgets the sign-in.
    pub fn sign_out(&self) -> Promise {
        let client = self.clone();
        promise(async move {
            incoming::leave(&client.engine);
            client.engine.agent.stop_listening();
            client.engine.identity.sign_out().await?;
            client.reconfigure();
            Ok(())
        })
    }

    /// `{address, display_name}` of the signed-in user, or undefined.
    pub fn signed_in(&self) -> JsValue {
        match self.engine.identity.account() {
            Some(account) => serde_wasm_bindgen::to_value(&account).unwrap_or(JsValue::UNDEFINED),
            None => JsValue::UNDEFINED,
        }
    }

    /// The address of whoever signed in at this foreign SIP proxy before and has to give the password again, or
    /// undefined.
    pub fn absent_user(&self) -> Option<String> {
        self.engine.identity.absent_user()
    }

    /// Whom messages are for, where no call said it.
    pub fn set_callee(&self, to: String) -> Outcome {
        let to = self.engine.identity.address(&to)?;
        self.engine.stage.set_callee(to);
        Ok(())
    }

    /// Calls an address. What follows comes as events.
    pub fn call(&self, to: String) -> Outcome {
        let to = self.engine.identity.address(&to)?;
        if self.engine.stage.is_occupied() {
            return Err(call::busy().into());
        }
        self.engine.stage.leave();
        self.engine.lens.close();
        sound_check::end(&self.engine);
        let engine = Rc::clone(&self.engine);
        wasm_bindgen_futures::spawn_local(async move { call::place(engine, to).await });
        Ok(())
    }

    /// Ends the call.
    pub fn hang_up(&self) {
        call::hang_up(&self.engine);
    }

    /// Goes on without hearing the greeting.
    pub fn skip_greeting(&self) {
        call::skip_greeting(&self.engine);
    }

    /// The page has played the greeting to its end.
    pub fn greeting_ended(&self) {
        call::greeting_ended(&self.engine);
    }

    /// Records a message for the address called last, or for `to`.
    pub fn record(&self, to: Option<String>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(recording::begin(&client.engine, to).await?) })
    }

    /// Records anew, for whom that draft was. It stays as it is.
    pub fn record_again(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(recording::begin_again(&client.engine, &deposit_id).await?) })
    }

    /// Holds the recording.
    pub fn pause(&self) {
        recording::pause(&self.engine);
    }

    /// Goes on with a held recording.
    pub fn resume(&self) {
        recording::resume(&self.engine);
    }

    /// Ends the recording: a draft, which only `send` sends.
    pub fn stop(&self) {
        recording::stop(&self.engine);
    }

    /// Begins a written message for the address called last, or for `to`: a draft on this device, which
    /// only `send` sends. Returns its deposit id.
    pub fn write(&self, text: String, to: Option<String>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(writing::begin(&client.engine, &text, to).await?) })
    }

    /// Puts other words in the place of a written draft's.
    pub fn rewrite(&self, deposit_id: String, text: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(writing::rewrite(&client.engine, &deposit_id, &text).await?) })
    }

    /// The words of a written message, while they are on this device.
    pub fn text(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(writing::text(&client.engine, &deposit_id).await?) })
    }

    /// The file of a recording, as it goes up.
    pub fn sound(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.engine.sound(&deposit_id).await?) })
    }

    /// Deletes a message from this device; `restore` brings it back for ten minutes.
    pub fn discard(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move {
            client.engine.outbox.discard(&deposit_id).await?;
            let stage = &client.engine.stage;
            if stage.deposit().as_ref() == Some(&deposit_id) && stage.is_about_message() {
                stage.set_deposit(None);
                stage.enter(State::Ready);
            }
            Ok(())
        })
    }

    /// Takes back `discard`.
    pub fn restore(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move {
            let is_sending = client.engine.outbox.restore(&deposit_id).await?;
            let stage = &client.engine.stage;
            if is_sending {
                stage.show_sending(&deposit_id);
            } else if stage.deposit().is_none() && stage.state() == State::Ready {
                stage.set_deposit(Some(deposit_id));
                stage.enter(State::Review);
            }
            Ok(())
        })
    }

    /// **Send**: from now on it goes up by itself.
    pub fn send(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move {
            writing::refuse_blank(&client.engine, &deposit_id).await?;
            recording::settle(&client.engine, &deposit_id).await?;
            client.engine.outbox.send(&deposit_id).await?;
            client.engine.stage.show_sending(&deposit_id);
            Ok(())
        })
    }

    /// **Send anyway**: whatever the gate says.
    pub fn send_anyway(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move {
            recording::settle(&client.engine, &deposit_id).await?;
            client.engine.outbox.send_anyway(&deposit_id).await?;
            client.engine.stage.show_sending(&deposit_id);
            Ok(())
        })
    }

    /// All messages of this device, newest first.
    pub fn outbox(&self) -> Promise {
        let client = self.clone();
        promise(async move {
            let items = client.engine.outbox.items().await?;
            Ok(serde_wasm_bindgen::to_value(&items)?)
        })
    }

    /// A hint that the network may be back.
    pub fn retry(&self) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.engine.retry().await?) })
    }

    /// Forgets everything on this device: messages, sessions, name and sign-in.
    pub fn clear_device(&self) -> Promise {
        let client = self.clone();
        promise(async move {
            client.engine.clear().await?;
            client.reconfigure();
            Ok(())
        })
    }

    /// Registers for new messages and for calls; `mailbox` and `incoming` events follow.
    pub fn listen(&self) -> Outcome {
        self.engine.identity.token()?;
        call::tell_whether_possible(&self.engine.listener);
        self.engine.agent.listen();
        Ok(())
    }

    /// Counts, settings and storage of the own mailbox.
    pub fn mailbox(&self) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.summary().await?) })
    }

    /// A page of messages, newest first: `{messages, next}`.
    pub fn messages(&self, after: Option<String>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.messages(after.as_deref()).await?) })
    }

    /// Marks a message `new`, `heard` or `saved`.
    pub fn set_message_state(&self, id: String, state: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.set_state(&id, &state).await?) })
    }

    /// Deletes a message; `restore_message` brings it back for 24 hours.
    pub fn delete_message(&self, id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.delete(&id).await?) })
    }

    /// Takes back `delete_message`.
    pub fn restore_message(&self, id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.restore(&id).await?) })
    }

    /// A message in this container (`ogg`, `webm` or `mp4`), or as it was deposited.
    pub fn message_media(&self, id: String, format: Option<String>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.media(&id, format.as_deref()).await?) })
    }

    /// Makes a `Blob`, or a recording of this device by its deposit id, the personal greeting. The caption says in
    /// words what is spoken.
    pub fn put_greeting(
        &self,
        greeting: JsValue,
        duration_ms: f64,
        caption: Option<String>,
    ) -> Promise {
        let client = self.clone();
        promise(async move {
            let sound = match greeting.as_string() {
                Some(deposit_id) => client.engine.sound(&deposit_id).await?,
                None => greeting.dyn_into().map_err(|_| {
                    Problem::new(
                        "greeting_invalid",
                        "A greeting is a sound file or a recording.",
                    )
                })?,
            };
            let caption = caption.unwrap_or_default();
            let inbox = client.inbox()?;
            Ok(inbox.put_greeting(&sound, duration_ms, &caption).await?)
        })
    }

    /// Changes the caption of the personal greeting.
    pub fn caption_greeting(&self, caption: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.caption_greeting(&caption).await?) })
    }

    /// Back to the system's greeting.
    pub fn delete_greeting(&self) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.delete_greeting().await?) })
    }

    /// Changes settings of the own mailbox: a plain object, where `null` returns one to the server's choice.
    /// Fulfilled with all settings.
    pub fn change_settings(&self, changes: JsValue) -> Promise {
        let client = self.clone();
        promise(async move {
            let changes = js_sys::JSON::stringify(&changes)?;
            Ok(client.inbox()?.change_settings(&changes).await?)
        })
    }

    fn inbox(&self) -> Result<Mailbox, Problem> {
        let token = self.engine.identity.token()?;
        Ok(Mailbox::new(Rc::clone(&self.engine.server), token))
    }

    fn reconfigure(&self) {
        let configuration = self.engine.identity.configuration();
        self.engine.agent.configure(configuration);
    }
}

/// For the service worker: brings up what is due for this server and returns how many messages are
/// left to be sent.
#[wasm_bindgen]
pub fn drain_outbox(server: String) -> Promise {
    promise(async move { Ok(crate::outbox::drain(&server).await?) })
}
