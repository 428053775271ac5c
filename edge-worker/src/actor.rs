//! One object as the platform sees it: events come in, run a rule in one transaction, and what the rule
//! wants done goes to the queue of effects (see `courier`).

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use exchange::{
    context::{Context, Outcome},
    effect::{self, Effect},
    http,
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
};
use worker::{Env, Request, Response, Result, State};

use crate::{
    binding, clock,
    courier::Queue,
    fault, log, message,
    storage::{Migrate, Schedule, Storage},
    stub,
};

/// How long an alarm waits for its effects.
const EFFECTS_LIMIT: Duration = Duration::from_secs(60);
/// No body that an object reads whole is longer; the front refuses longer ones with their own limits.
const LONGEST_BODY: u64 = 4 << 20;

/// The entry points that `exchange` offers for one kind of object.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Brings the database to its newest schema.
    pub(crate) migrate: Migrate,
    /// One signal.
    pub(crate) on_signal:
        fn(&dyn Sql, &Context<'_>, Signal) -> std::result::Result<Outcome, SqlError>,
    /// The alarm.
    pub(crate) on_wakeup: fn(&dyn Sql, &Context<'_>) -> std::result::Result<Vec<Effect>, SqlError>,
    /// When the alarm must stand at the latest.
    pub(crate) next_wakeup: fn(&dyn Sql) -> std::result::Result<Option<i64>, SqlError>,
    /// Whether a database that was empty before may stay so.
    pub(crate) leaves_nothing: fn(&dyn Sql) -> std::result::Result<bool, SqlError>,
    /// One whole request.
    pub(crate) on_http: OnHttp,
}

/// What most objects answer: whatever was written stays.
pub(crate) const fn keeps_all(_sql: &dyn Sql) -> std::result::Result<bool, SqlError> {
    Ok(false)
}

/// The rule for one whole request.
pub(crate) type OnHttp = fn(
    &dyn Sql,
    &Context<'_>,
    &http::Request,
) -> std::result::Result<(http::Response, Vec<Effect>), SqlError>;

/// One object with its storage, its rules and its effects under way.
pub(crate) struct Actor {
    pub(crate) env: Env,
    pub(crate) storage: Storage,
    pub(crate) own: Object,
    /// A connection has no rules of this kind.
    pub(crate) rules: Option<Rules>,
    pub(crate) queue: RefCell<Queue>,
    /// Whether a connection has had its socket since the object woke: then its going was seen.
    pub(crate) had_socket: Cell<bool>,
}

/// Where a request to an object comes from.
enum Origin {
    Signal,
    Ping,
    Outside,
}

impl Actor {
    /// Wraps what the platform gives; `own` makes the object from its name.
    pub(crate) fn new(
        state: State,
        env: Env,
        own: fn(String) -> Object,
        rules: Option<Rules>,
    ) -> Rc<Self> {
        let storage = Storage::new(state);
        let own = own(storage.name());
        Rc::new(Self {
            env,
            storage,
            own,
            rules,
            queue: RefCell::default(),
            had_socket: Cell::new(false),
        })
    }

    /// Whether a request came from outside, and not from another object.
    pub(crate) fn is_from_outside(request: &Request) -> bool {
        matches!(origin(request), Origin::Outside)
    }

    /// Whether a request carries a signal.
    pub(crate) fn is_signal(request: &Request) -> bool {
        matches!(origin(request), Origin::Signal)
    }

    /// Any request to the object.
    pub(crate) async fn fetch(self: &Rc<Self>, mut request: Request) -> Result<Response> {
        match origin(&request) {
            Origin::Signal => {
                let flow = request.headers().get(stub::FLOW)?;
                let signal = serde_json::from_str(&request.text().await?)?;
                self.answer_signal(signal, flow)
            }
            Origin::Ping => self.answer_ping(),
            Origin::Outside => self.answer_request(request).await,
        }
    }

    /// Frames for the connection that asks go with the reply, unless others for it still wait here.
    fn answer_signal(self: &Rc<Self>, signal: Signal, flow: Option<String>) -> Result<Response> {
        match self.on_signal(signal) {
            Ok(Outcome { reply, effects }) => {
                let (reply, effects) = match flow.filter(|_| self.is_idle()) {
                    Some(flow) => effect::reply_with_frames(&flow, reply, effects),
                    None => (reply, effects),
                };
                self.accept(effects);
                Response::from_json(&reply)
            }
            Err(error) => {
                log::trouble(
                    &format!("the {} took no signal: {error}", self.name()),
                    None,
                );
                Response::error("storage", 503)
            }
        }
    }

    fn answer_ping(self: &Rc<Self>) -> Result<Response> {
        match self.transaction(|_, _, _| Ok(())) {
            Ok(()) => Response::ok("ok"),
            Err(_) => Response::error("storage", 503),
        }
    }

    async fn answer_request(self: &Rc<Self>, mut request: Request) -> Result<Response> {
        let mut head = message::forwarded_head(&request);
        let Ok(body) = message::whole_body(&mut request, LONGEST_BODY).await else {
            return Response::error("body", 400);
        };
        head.body = body;
        let response = self.on_http(&head);
        fault::settled(self.name(), "before-answer").await;
        message::from_object(response)
    }

    /// One whole request; a failing storage is a 503 that may be sent again.
    pub(crate) fn on_http(self: &Rc<Self>, request: &http::Request) -> http::Response {
        let answer = self.transaction(|rules, sql, context| (rules.on_http)(sql, context, request));
        match answer {
            Ok((response, effects)) => {
                self.accept(effects);
                response
            }
            Err(error) => {
                log::trouble(
                    &format!("the {} failed: {error}", self.name()),
                    Some(request),
                );
                exchange::front::unavailable(request)
            }
        }
    }

    /// One signal in one transaction; the caller passes the effects on.
    pub(crate) fn on_signal(
        self: &Rc<Self>,
        signal: Signal,
    ) -> std::result::Result<Outcome, SqlError> {
        self.transaction(|rules, sql, context| (rules.on_signal)(sql, context, signal))
    }

    /// The alarm. It never fails towards the platform, whose retries are few, and always leaves an alarm
    /// behind while anything is due. It ends when its effects are carried out: should the process die
    /// before, the platform rings it again.
    pub(crate) async fn wake(self: &Rc<Self>) {
        self.storage.ringing();
        match self.transaction(|rules, sql, context| (rules.on_wakeup)(sql, context)) {
            Ok(effects) => {
                self.accept(effects);
                clock::within(EFFECTS_LIMIT, self.carried_out()).await;
                self.storage.rung();
                let rearmed = self.transaction(|_, _, _| Ok(()));
                if rearmed.is_err() {
                    self.storage
                        .try_again_at(clock::now_ms().saturating_add(5000));
                }
            }
            Err(error) => {
                self.storage.rung();
                log::trouble(
                    &format!("the {} failed at its alarm: {error}", self.name()),
                    None,
                );
                self.storage
                    .try_again_at(clock::now_ms().saturating_add(5000));
            }
        }
    }

    /// Runs `work` with the object's rules in one transaction.
    pub(crate) fn transaction<T>(
        &self,
        work: impl FnOnce(&Rules, &dyn Sql, &Context<'_>) -> std::result::Result<T, SqlError>,
    ) -> std::result::Result<T, SqlError> {
        let outside = |error: worker::Error| SqlError(error.to_string());
        let rules = self.rules.ok_or_else(|| SqlError("no rules".to_owned()))?;
        let settings = binding::settings(&self.env).map_err(outside)?;
        let context = Context {
            object: self.own.clone(),
            settings: &settings,
            now_ms: clock::now_ms(),
            entropy: clock::entropy().map_err(outside)?,
            trace: exchange::trace::Notebook::default(),
        };
        let schedule = Schedule {
            migrate: rules.migrate,
            next_wakeup: rules.next_wakeup,
            leaves_nothing: rules.leaves_nothing,
            now_ms: context.now_ms,
        };
        let result = self.storage.transaction(schedule, |sql| {
            let result = work(&rules, sql, &context);
            fault::here(self.name(), "before-commit");
            result
        });
        fault::here(self.name(), "after-commit");
        result
    }

    /// What kind of object this is, for the log: names are addresses and stay out of it.
    pub(crate) const fn name(&self) -> &'static str {
        match self.own {
            Object::Flow(_) => "flow",
            Object::Line(_) => "line",
            Object::Mailbox(_) => "mailbox",
            Object::Upload(_) => "upload",
            Object::Network(_) => "network",
            Object::Directory(_) => "directory",
            Object::Upstream => "upstream",
        }
    }
}

fn origin(request: &Request) -> Origin {
    let url = request.inner().url();
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    match rest.split('/').next() {
        Some(stub::SIGNAL_HOST) => Origin::Signal,
        Some(stub::PING_HOST) => Origin::Ping,
        _ => Origin::Outside,
    }
}
