//! How the world carries out effects: frames to phones, signals to objects, everything else to its lists.

use sip::Message;

use super::World;
use crate::{
    context::Outcome,
    effect::Effect,
    flow, line, mailbox,
    object::Object,
    signal::{Carried, Reply, Signal},
};

impl World {
    pub(super) fn carry_out(&mut self, from: &Object, effect: Effect) {
        match effect {
            Effect::SendFrame {
                flow,
                frame,
                undelivered,
            } => {
                if !self.deliver(&flow, &frame)
                    && let Some(signal) = undelivered
                {
                    self.signal(from, *signal);
                }
            }
            Effect::Signal { to, signal, tag } => {
                let reply = self.signal(&to, *signal);
                if !tag.is_empty() {
                    self.signal(from, Signal::Replied { tag, reply });
                }
            }
            Effect::PutSession { key, value, .. } => {
                self.edge.put_session(&key, &value);
                self.sessions.push((key, value));
            }
            Effect::DeleteBlob { key } => {
                let gone = self.edge.delete_blob(&key);
                self.signal(from, Signal::BlobDeleted { key, gone });
            }
            Effect::Post { tag, body, .. } => {
                self.posts.push((tag.clone(), body));
                let posted = Signal::Posted {
                    tag,
                    status: 200,
                    retry_after_s: None,
                };
                self.signal(from, posted);
            }
            Effect::Admit {
                network,
                deed,
                admitted,
                refused,
            } => {
                let asked = Object::Network(network);
                let done = self.signal(&asked, Signal::Count { deed }) == Reply::Done;
                let next = if done { admitted } else { refused };
                for effect in next.into_iter().rev() {
                    self.queue.push_front((from.clone(), effect));
                }
            }
            Effect::CloseFlow { flow, code, reason } => {
                self.closed.push((code, reason));
                self.flows.remove(&flow);
            }
            Effect::Remind { after_ms, signal } => {
                let due = self.now_ms + after_ms;
                self.reminders.push((due, from.clone(), *signal));
            }
            Effect::DeleteSession { .. } => {}
        }
    }

    pub(super) fn signal(&mut self, to: &Object, signal: Signal) -> Reply {
        if let Object::Flow(name) = to {
            let effects = flow::on_signal(name, &signal);
            self.accept(to, effects);
            return Reply::Done;
        }
        if *to == Object::Upstream {
            return self.tell_upstream(signal);
        }
        if let Object::Network(name) = to {
            let mut tally = self.networks.get(name).copied().unwrap_or_default();
            let counted = self
                .edge
                .at(to, |_, context| Ok(tally.on_signal(context, &signal)));
            self.networks.insert(name.clone(), tally);
            return counted.expect("a count");
        }
        let outcome = self.edge.at(to, |sql, context| match &context.object {
            Object::Line(_) => line::on_signal(sql, context, signal),
            Object::Mailbox(_) => mailbox::on_signal(sql, context, signal),
            _ => Ok(Outcome::done(Vec::new())),
        });
        let Ok(outcome) = outcome else {
            return Reply::Failed {
                code: "storage".to_owned(),
            };
        };
        self.accept(to, outcome.effects);
        outcome.reply
    }

    /// Whether the connection took the frame.
    pub(super) fn deliver(&mut self, flow: &str, frame: &[u8]) -> bool {
        let now_ms = self.now_ms;
        if flow == crate::upstream::FLOW {
            return self.send_upstream(frame);
        }
        if !self.carries(flow) {
            return false;
        }
        if let Some(absence) = self.absences.get_mut(flow) {
            return absence.keep(&[Carried(frame.to_vec())]);
        }
        let Some(phone) = self.phones.values_mut().find(|phone| phone.flow == flow) else {
            return false;
        };
        if let Ok(message) = Message::parse(frame) {
            let said = phone.said(&message);
            phone.received.push(message);
            if let Some(said) = said {
                self.frame(flow, &said);
                return true;
            }
        }
        phone.agent.receive(frame, now_ms);
        true
    }

    pub(super) fn frame(&mut self, flow: &str, frame: &[u8]) {
        if !self.carries(flow) {
            return;
        }
        let Some(state) = self.flows.get(flow).cloned() else {
            return;
        };
        let object = Object::Flow(flow.to_owned());
        let (state, effects) = self
            .edge
            .at(&object, |_, context| {
                Ok(flow::on_frame(&state, frame, context))
            })
            .expect("frame");
        assert!(
            serde_json::to_string(&state).expect("JSON").len() < 2048,
            "the attachment is too big"
        );
        self.flows.insert(flow.to_owned(), state);
        self.accept(&object, effects);
    }
}
