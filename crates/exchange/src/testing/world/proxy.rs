//! The foreign proxy of a world: a test speaks for it, message by message.

use sip::{Message, Request, Response};

use super::World;
use crate::{
    context::Context,
    object::Object,
    signal::{Reply, Signal},
    sql::{Sql, SqlError},
    upstream::{self, Standing, Task, Upstream},
};

impl World {
    /// Opens the connection to the proxy of the settings.
    pub(crate) fn open_upstream(&mut self) {
        self.restart_upstream();
        let due = self.now_ms;
        let upstream = self.upstream.as_ref().expect("an upstream");
        assert_eq!(upstream.next_wakeup(due), due, "it connects at once");
        self.tell_upstream_time();
        assert!(self.connects, "it connects at once");
        self.with_upstream(Upstream::on_open);
        self.settle();
    }

    /// The connection stands again, whoever keeps it now.
    pub(crate) fn open_upstream_again(&mut self) {
        self.with_upstream(Upstream::on_open);
        self.settle();
    }

    /// Time has passed for the connection to the proxy, and what it wants is done.
    pub(crate) fn tell_upstream_time(&mut self) {
        self.with_upstream(Upstream::on_time);
        self.settle();
    }

    /// Whether something is so of the connection to the proxy.
    pub(crate) fn has_upstream(&self, is: fn(&Upstream) -> bool) -> bool {
        self.upstream.as_ref().is_some_and(is)
    }

    /// The next process knows what was kept.
    pub(crate) fn restart_upstream(&mut self) {
        let upstream = self.edge.at(&Object::Upstream, |sql, context| {
            let proxy = context.settings.upstream.as_ref().expect("a proxy");
            let before = upstream::kept_calls(sql, context)?;
            Ok(Upstream::new(proxy, before, context))
        });
        self.upstream = Some(upstream.expect("memory"));
        self.connects = false;
    }

    /// The proxy sends this.
    pub(crate) fn proxy_says(&mut self, frame: &[u8]) {
        self.with_upstream(|upstream, context| upstream.on_frame(frame, context));
        self.settle();
    }

    /// The connection to the proxy is lost; gives how long it is not tried again.
    pub(crate) fn lose_upstream(&mut self) -> i64 {
        self.with_upstream(Upstream::on_closed);
        self.settle();
        let now_ms = self.now_ms;
        let upstream = self.upstream.as_ref().expect("an upstream");
        upstream.next_wakeup(now_ms) - now_ms
    }

    /// Time has passed for the connection to the proxy.
    pub(crate) fn wake_upstream(&mut self) -> Vec<Task> {
        let mut upstream = self.upstream.take().expect("an upstream");
        let tasks = self.beside_upstream(|context| upstream.on_time(context));
        self.upstream = Some(upstream);
        tasks
    }

    /// Where the registration stands.
    pub(crate) fn standing(&self) -> Standing {
        self.upstream.as_ref().expect("an upstream").standing()
    }

    /// All requests that the proxy got.
    pub(crate) fn proxy_requests(&self) -> impl Iterator<Item = &Request> {
        self.proxy.iter().filter_map(Message::as_request)
    }

    /// The newest request of this method that the proxy got.
    pub(crate) fn proxy_request(&self, method: &str) -> Request {
        let mut got = self.proxy.iter().rev().filter_map(Message::as_request);
        let found = got.find(|request| request.method().as_str() == method);
        found
            .unwrap_or_else(|| panic!("no {method} in {:?}", self.proxy))
            .clone()
    }

    /// The newest response that the proxy got.
    pub(crate) fn proxy_response(&self) -> Response {
        let mut got = self.proxy.iter().rev().filter_map(Message::as_response);
        got.next().expect("a response").clone()
    }

    /// How many messages the proxy got.
    pub(crate) fn proxy_count(&self) -> usize {
        self.proxy.len()
    }

    pub(super) fn send_upstream(&mut self, frame: &[u8]) -> bool {
        let open = self.upstream.as_ref().is_some_and(Upstream::is_open);
        if open {
            self.with_upstream(|upstream, context| upstream.send(frame, context));
        }
        open
    }

    pub(super) fn tell_upstream(&mut self, signal: Signal) -> Reply {
        match signal {
            Signal::Deliver { frame } if self.send_upstream(&frame) => Reply::Done,
            _ => Reply::Gone,
        }
    }

    fn beside_upstream<T>(&mut self, rule: impl FnOnce(&Context<'_>) -> T) -> T {
        let done = self
            .edge
            .at(&Object::Upstream, |_, context| Ok(rule(context)));
        done.expect("memory")
    }

    fn write(&mut self, rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<(), SqlError>) {
        let written = self.edge.at(&Object::Upstream, rule);
        written.expect("memory");
    }

    fn with_upstream(&mut self, rule: impl FnOnce(&mut Upstream, &Context<'_>) -> Vec<Task>) {
        let Some(mut upstream) = self.upstream.take() else {
            return;
        };
        let tasks = self.beside_upstream(|context| rule(&mut upstream, context));
        self.upstream = Some(upstream);
        for task in tasks {
            match task {
                Task::Send(frame) => self.proxy.extend(Message::parse(&frame)),
                Task::Carry(effect) => self.accept(&Object::Upstream, vec![effect]),
                Task::Tell(what) => self.told.push(what),
                Task::Keep(call) => self.write(|sql, context| upstream::keep(sql, context, &call)),
                Task::Forget(branch) => self.write(|sql, _| upstream::forget(sql, &branch)),
                Task::Connect => self.connects = true,
                Task::Close => {}
            }
        }
    }
}
