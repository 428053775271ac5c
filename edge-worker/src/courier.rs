//! Carries out the effects of one object: in order, one after the other, after their transaction. What
//! must not make others wait (a stranger's server, the blob store) goes beside the queue.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use exchange::{
    effect::Effect,
    network::Deed,
    object::Object,
    signal::{Carried, Reply, Signal},
};
use worker::Delay;

use crate::{actor::Actor, binding, blob, clock, fault, log, objects::flow, outbound, stub};

/// How often an alarm looks whether its effects are carried out.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// The effects of one object that wait.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Effect>,
    draining: bool,
}

impl Actor {
    /// Takes effects and starts carrying them out; returns at once.
    pub(crate) fn accept(self: &Rc<Self>, effects: Vec<Effect>) {
        let mut queue = self.queue.borrow_mut();
        queue.waiting.extend(effects);
        if queue.draining || queue.waiting.is_empty() {
            return;
        }
        queue.draining = true;
        drop(queue);
        let drain = Rc::clone(self).drain();
        self.storage.state().wait_until(drain);
    }

    /// Whether no effect waits.
    pub(crate) fn is_idle(&self) -> bool {
        !self.queue.borrow().draining
    }

    /// Waits until no effect waits any more.
    pub(crate) async fn carried_out(&self) {
        while !self.is_idle() {
            Delay::from(DRAIN_LOOK).await;
        }
    }

    async fn drain(self: Rc<Self>) {
        while let Some(effect) = self.next() {
            self.carry_out(effect).await;
        }
    }

    fn next(&self) -> Option<Effect> {
        let mut queue = self.queue.borrow_mut();
        let effect = queue.waiting.pop_front();
        queue.draining = effect.is_some();
        effect
    }

    async fn carry_out(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::SendFrame {
                flow,
                frame,
                undelivered,
            } => {
                let mut frames = vec![Carried(frame)];
                let mut lost: Vec<Signal> = undelivered.map(|signal| *signal).into_iter().collect();
                self.take_more(&flow, &mut frames, &mut lost);
                self.send_frames(flow, frames, lost).await;
            }
            Effect::CloseFlow { flow, code, reason } => {
                self.tell_flow(flow, Signal::Close { code, reason }).await;
            }
            Effect::Signal { to, signal, tag } => self.signal(to, *signal, tag).await,
            Effect::PutSession {
                key,
                value,
                expires_at_ms,
            } => self.put_session(&key, value, expires_at_ms).await,
            Effect::DeleteSession { key } => self.delete_session(&key).await,
            Effect::Admit {
                network,
                deed,
                admitted,
                refused,
            } => {
                let next = if self.may(network, deed).await {
                    admitted
                } else {
                    refused
                };
                let mut queue = self.queue.borrow_mut();
                for effect in next.into_iter().rev() {
                    queue.waiting.push_front(effect);
                }
            }
            Effect::Remind { after_ms, signal } => {
                self.beside(Rc::clone(self).remind(after_ms, *signal));
            }
            Effect::DeleteBlob { key } => self.beside(Rc::clone(self).delete_blob(key)),
            Effect::Post {
                tag,
                url,
                headers,
                body,
            } => self.beside(Rc::clone(self).post(tag, url, headers, body)),
        }
    }

    fn beside(&self, work: impl Future<Output = ()> + 'static) {
        self.storage.state().wait_until(work);
    }

    /// What came back goes to the object itself; what it wants done then joins the queue.
    fn feed(self: &Rc<Self>, signal: Signal) {
        if self.rules.is_none() {
            self.accept(flow::feed(self, &signal));
            return;
        }
        match self.on_signal(signal) {
            Ok(outcome) => self.accept(outcome.effects),
            Err(error) => log::trouble(
                &format!("the {} lost an outcome: {error}", self.name()),
                None,
            ),
        }
    }

    /// Whether the network's own object lets this pass. One that does not answer stops nobody.
    async fn may(&self, network: String, deed: Deed) -> bool {
        let asked = Object::Network(network);
        match stub::signal(&self.env, &asked, &Signal::Count { deed }).await {
            Ok(reply) => reply == Reply::Done,
            Err(error) => {
                log::trouble(&format!("a network was not counted: {error}"), None);
                true
            }
        }
    }

    /// Frames to the same flow that follow go in the same request.
    fn take_more(&self, to: &str, frames: &mut Vec<Carried>, lost: &mut Vec<Signal>) {
        let mut queue = self.queue.borrow_mut();
        while let Some(Effect::SendFrame { flow, .. }) = queue.waiting.front()
            && flow == to
        {
            if let Some(Effect::SendFrame {
                frame, undelivered, ..
            }) = queue.waiting.pop_front()
            {
                frames.push(Carried(frame));
                lost.extend(undelivered.map(|signal| *signal));
            }
        }
    }

    /// Sends frames to a flow; if it is gone, everybody who wanted to know hears it.
    async fn send_frames(self: &Rc<Self>, flow: String, frames: Vec<Carried>, lost: Vec<Signal>) {
        if !self.tell_flow(flow, Signal::DeliverAll { frames }).await {
            for signal in lost {
                self.feed(signal);
            }
        }
    }

    /// Whether the flow did it. A flow that sends to itself needs no network.
    async fn tell_flow(&self, flow: String, signal: Signal) -> bool {
        let flow = Object::of_flow(&flow);
        if flow == self.own && flow != Object::Upstream {
            return flow::obey(self, signal) == Reply::Done;
        }
        let reply = stub::signal(&self.env, &flow, &signal).await;
        matches!(reply, Ok(Reply::Done))
    }

    async fn signal(self: &Rc<Self>, to: Object, signal: Signal, tag: String) {
        if to == self.own {
            // No detour over the network, and no waiting for oneself.
            self.feed(signal);
            return;
        }
        fault::settled(self.name(), "before-signal").await;
        let reply = match &self.own {
            Object::Flow(flow) => stub::signal_from(&self.env, flow, &to, &signal).await,
            _ => stub::signal(&self.env, &to, &signal).await,
        };
        fault::settled(self.name(), "after-signal").await;
        if let Ok(Reply::Frames { frames }) = reply {
            flow::obey(self, Signal::DeliverAll { frames });
            return;
        }
        if tag.is_empty() {
            return;
        }
        let reply = reply.unwrap_or_else(|error| {
            log::trouble(&format!("the {} got no reply: {error}", self.name()), None);
            Reply::Failed {
                code: "unreachable".to_owned(),
            }
        });
        self.feed(Signal::Replied { tag, reply });
    }

    /// KV is never the authority, so a failure here is a line in the log and nothing else.
    async fn put_session(&self, key: &str, value: String, expires_at_ms: i64) {
        // The platform refuses less than a minute.
        let soonest = clock::now_ms().saturating_add(60_000);
        let seconds = u64::try_from(expires_at_ms.max(soonest) / 1000).unwrap_or(0);
        let put = async {
            let put = binding::sessions(&self.env)?.put(key, value)?;
            let put = put.expiration(seconds.saturating_add(1));
            put.execute().await.map_err(worker::Error::from)
        };
        if let Err(error) = put.await {
            log::trouble(&format!("the session store took no write: {error}"), None);
        }
    }

    async fn delete_session(&self, key: &str) {
        if let Ok(store) = binding::sessions(&self.env) {
            let _ = store.delete(key).await;
        }
    }

    async fn remind(self: Rc<Self>, after_ms: i64, signal: Signal) {
        let pause = Duration::from_millis(u64::try_from(after_ms).unwrap_or(0));
        Delay::from(pause).await;
        self.feed(signal);
    }

    async fn delete_blob(self: Rc<Self>, key: String) {
        fault::settled(self.name(), "before-delete").await;
        let gone = blob::delete(&self.env, &key).await;
        fault::settled(self.name(), "after-delete").await;
        self.feed(Signal::BlobDeleted { key, gone });
    }

    async fn post(
        self: Rc<Self>,
        tag: String,
        url: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) {
        fault::settled(self.name(), "before-post").await;
        let outcome = outbound::post(&self.env, &url, headers, &body).await;
        fault::settled(self.name(), "after-post").await;
        self.feed(Signal::Posted {
            tag,
            status: outcome.status,
            retry_after_s: outcome.retry_after_s,
        });
    }
}
