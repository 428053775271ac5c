//! The connection to the foreign proxy behind which the voicemail stands. An outgoing socket does not hibernate and
//! ends with the object's memory, so the object is kept awake by its alarm; an object that starts anew connects anew.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use exchange::{
    context::Context,
    object::Object,
    signal::{Carried, Reply, Signal},
    sql::{Sql, SqlError},
    upstream::{self, Task, Upstream as Machine},
    wakeup,
};
use futures_util::StreamExt;
use worker::{
    DurableObject, Env, Request, Response, Result, State, WebSocket, WebsocketEvent, durable_object,
};

use super::flow::send;
use crate::{
    actor::{Actor, Rules, keeps_all},
    binding, clock, log, outbound,
};

const RULES: Rules = Rules {
    migrate: upstream::migrate,
    on_signal: upstream::on_signal,
    on_wakeup: upstream::on_wakeup,
    next_wakeup: wakeup::next,
    leaves_nothing: keeps_all,
    on_http: upstream::on_http,
};

/// How long the proxy may take to open a socket.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// The connection to the proxy.
#[durable_object(alarm)]
pub struct Upstream {
    link: Rc<Link>,
}

impl DurableObject for Upstream {
    fn new(state: State, env: Env) -> Self {
        let actor = Actor::new(state, env, |_| Object::Upstream, Some(RULES));
        Self {
            link: Rc::new(Link {
                actor,
                machine: RefCell::default(),
                socket: RefCell::default(),
                epoch: Cell::default(),
            }),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if !Actor::is_signal(&request) {
            return self.link.actor.fetch(request).await;
        }
        let signal = serde_json::from_str(&request.text().await?)?;
        Response::from_json(&self.link.obey(signal)?)
    }

    async fn alarm(&self) -> Result<Response> {
        self.link.actor.wake().await;
        self.link.act(Machine::on_time);
        Response::ok("")
    }
}

/// The rules in memory and the socket that they speak through.
struct Link {
    actor: Rc<Actor>,
    machine: RefCell<Option<Machine>>,
    socket: RefCell<Option<WebSocket>>,
    /// Counts connections, so that what comes late of an older one changes nothing.
    epoch: Cell<u32>,
}

impl Link {
    /// A signal of another object; any of them starts what is not running.
    fn obey(self: &Rc<Self>, signal: Signal) -> Result<Reply> {
        self.act(Machine::on_time);
        Ok(match signal {
            Signal::Deliver { frame } => self.deliver(&[Carried(frame)]),
            Signal::DeliverAll { frames } => self.deliver(&frames),
            Signal::Standing {} => self.standing()?,
            _ => Reply::Done,
        })
    }

    fn deliver(self: &Rc<Self>, frames: &[Carried]) -> Reply {
        let machine = self.machine.borrow();
        if !machine.as_ref().is_some_and(Machine::is_open) {
            return Reply::Gone;
        }
        drop(machine);
        for Carried(frame) in frames {
            self.act(|machine, context| machine.send(frame, context));
        }
        Reply::Done
    }

    fn standing(&self) -> Result<Reply> {
        let machine = self.machine.borrow();
        let standing = machine.as_ref().map(Machine::standing);
        let value = serde_json::to_string(&standing)?;
        Ok(Reply::Value { value })
    }

    /// Lets the rules do something, does what they want, and makes sure to wake in time.
    fn act(self: &Rc<Self>, rule: impl FnOnce(&mut Machine, &Context<'_>) -> Vec<Task>) {
        if let Err(error) = self.try_act(rule) {
            log::trouble(&format!("the upstream failed: {error}"), None);
        }
    }

    fn try_act(
        self: &Rc<Self>,
        rule: impl FnOnce(&mut Machine, &Context<'_>) -> Vec<Task>,
    ) -> Result<()> {
        let settings = binding::settings(&self.actor.env)?;
        let Some(proxy) = &settings.upstream else {
            return Ok(());
        };
        let context = Context {
            object: Object::Upstream,
            settings: &settings,
            now_ms: clock::now_ms(),
            entropy: clock::entropy()?,
            trace: exchange::trace::Notebook::default(),
        };
        let mut slot = self.machine.borrow_mut();
        if slot.is_none() {
            let before = self.write(|sql| upstream::kept_calls(sql, &context))?;
            *slot = Some(Machine::new(proxy, before, &context));
        }
        let Some(machine) = slot.as_mut() else {
            return Ok(());
        };
        let tasks = rule(machine, &context);
        let due = machine.next_wakeup(context.now_ms);
        drop(slot);
        for task in tasks {
            self.carry_out(task, &proxy.url, &context)?;
        }
        self.write(|sql| upstream::wake_by(sql, due))
    }

    /// One transaction on the object's database.
    fn write<T>(
        &self,
        work: impl FnOnce(&dyn Sql) -> std::result::Result<T, SqlError>,
    ) -> Result<T> {
        let written = self.actor.transaction(|_, sql, _| work(sql));
        written.map_err(|error| worker::Error::RustError(error.to_string()))
    }

    fn carry_out(self: &Rc<Self>, task: Task, url: &str, context: &Context<'_>) -> Result<()> {
        match task {
            Task::Keep(call) => self.write(|sql| upstream::keep(sql, context, &call))?,
            Task::Forget(branch) => self.write(|sql| upstream::forget(sql, &branch))?,
            Task::Connect => {
                let connect = Rc::clone(self).connect(url.to_owned());
                self.actor.storage.state().wait_until(connect);
            }
            Task::Send(frame) => {
                // A socket that takes nothing any more says by itself that it is closed.
                if let Some(socket) = self.socket.borrow().as_ref() {
                    let _ = send(socket, &frame);
                }
            }
            Task::Close => {
                if let Some(socket) = self.socket.take() {
                    let _ = socket.close(Some(1000), Some(""));
                }
                self.ended(self.epoch.get());
            }
            Task::Carry(effect) => self.actor.accept(vec![effect]),
            Task::Tell(what) => log::trouble(&what, None),
        }
        Ok(())
    }

    /// One connection from its beginning to its end.
    async fn connect(self: Rc<Self>, url: String) {
        let epoch = self.epoch.get().wrapping_add(1);
        self.epoch.set(epoch);
        let opened = clock::within(OPEN_LIMIT, outbound::open_socket(&self.actor.env, &url)).await;
        let outcome = match opened {
            Some(Ok(socket)) => self.serve(socket, epoch).await,
            Some(Err(error)) => Err(error),
            None => Err(worker::Error::RustError("no answer".to_owned())),
        };
        if let Err(error) = outcome {
            log::trouble(&format!("the upstream proxy is not there: {error}"), None);
        }
        self.ended(epoch);
    }

    async fn serve(self: &Rc<Self>, socket: WebSocket, epoch: u32) -> Result<()> {
        let mut events = socket.events()?;
        socket.accept()?;
        self.socket.replace(Some(socket.clone()));
        self.act(Machine::on_open);
        while let Some(Ok(WebsocketEvent::Message(message))) = events.next().await {
            if self.epoch.get() != epoch {
                break;
            }
            let text = message.text().map(String::into_bytes);
            let frame = text.or_else(|| message.bytes()).unwrap_or_default();
            self.act(|machine, context| machine.on_frame(&frame, context));
        }
        Ok(())
    }

    /// The connection of this number is over.
    fn ended(self: &Rc<Self>, epoch: u32) {
        if self.epoch.get() != epoch {
            return;
        }
        self.epoch.set(epoch.wrapping_add(1));
        self.socket.take();
        self.act(Machine::on_closed);
    }
}
