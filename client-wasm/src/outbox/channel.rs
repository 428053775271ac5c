//! What the tabs and the service worker tell each other at once: that the outbox changed, and how far
//! an upload is. Closed when dropped.

use gloo_events::EventListener;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, MessageEvent};

const NAME: &str = "afterbeep";

/// One notice. Its variant is the outer key: a `type` field would cost the module a buffer for every kind of value.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Notice {
    /// A row changed.
    Outbox,
    /// Another tab waits for the lock: does its holder live?
    WhoSends,
    /// The holder of the lock answers, which a frozen tab cannot.
    Sending,
    /// Bytes were acknowledged.
    Progress {
        /// The deposit.
        deposit_id: String,
        /// Acknowledged bytes.
        sent: f64,
        /// All bytes.
        total: f64,
    },
}

/// The channel of this tab.
pub(super) struct Channel {
    channel: Option<BroadcastChannel>,
    _on_message: Option<EventListener>,
}

impl Channel {
    /// Opens the channel; browsers without one have one tab's view only.
    pub(super) fn open(heard: impl Fn(Notice) + 'static) -> Self {
        let Ok(channel) = BroadcastChannel::new(NAME) else {
            return Self {
                channel: None,
                _on_message: None,
            };
        };
        let on_message = EventListener::new(&channel, "message", move |event| {
            let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
            let notice = data.and_then(|data| crate::plain::read(data).ok());
            if let Some(notice) = notice {
                heard(notice);
            }
        });
        Self {
            channel: Some(channel),
            _on_message: Some(on_message),
        }
    }

    /// Tells all others.
    pub(super) fn tell(&self, notice: &Notice) {
        let Some(channel) = &self.channel else {
            return;
        };
        if let Ok(value) = serde_wasm_bindgen::to_value(notice) {
            drop(channel.post_message(&value));
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.close();
        }
    }
}
