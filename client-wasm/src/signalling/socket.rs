//! One WebSocket with subprotocol `sip` (RFC 7118). Its listeners are removed and it is closed when
//! it is dropped.

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, MessageEvent, WebSocket};

use crate::problem::Problem;

/// Nobody comes back to this connection (RFC 6455 section 7.4.1).
const GOODBYE: u16 = 1000;
/// The connection is of no use any more, but its client comes back.
const BACK_SOON: u16 = 4000;

/// What happens on a socket.
pub(super) enum Happening {
    /// It stands.
    Opened,
    /// A frame came.
    Frame(Vec<u8>),
    /// It is gone, or never came to stand.
    Closed,
}

/// An open or opening socket.
pub(super) struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Socket {
    /// Begins to connect.
    pub(super) fn open(
        url: &str,
        happened: impl Fn(Happening) + Clone + 'static,
    ) -> Result<Self, Problem> {
        let socket = WebSocket::new_with_str(url, "sip")
            .map_err(|cause| Problem::from_browser("socket", &cause))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let opened = happened.clone();
        let closed = happened.clone();
        let listeners = [
            EventListener::new(&socket, "open", move |_| opened(Happening::Opened)),
            EventListener::new(&socket, "close", move |_| closed(Happening::Closed)),
            EventListener::new(&socket, "message", move |event| {
                if let Some(frame) = frame_of(event) {
                    happened(Happening::Frame(frame));
                }
            }),
        ];
        Ok(Self {
            socket,
            _listeners: listeners,
        })
    }

    /// Whether frames can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.socket.ready_state() == WebSocket::OPEN
    }

    /// Sends one frame, as text where it is text.
    pub(super) fn send(&self, frame: &[u8]) {
        if !self.is_open() {
            return;
        }
        // A socket that closes under our hands tells so by its close event.
        drop(match core::str::from_utf8(frame) {
            Ok(text) => self.socket.send_with_str(text),
            Err(_) => self.socket.send_with_u8_array(frame),
        });
    }
}

impl Socket {
    /// Closes it for good.
    pub(super) fn say_goodbye(&self) {
        drop(self.socket.close_with_code(GOODBYE));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        drop(self.socket.close_with_code(BACK_SOON));
    }
}

fn frame_of(event: &web_sys::Event) -> Option<Vec<u8>> {
    let data = event.dyn_ref::<MessageEvent>()?.data();
    if let Some(text) = data.as_string() {
        return Some(text.into_bytes());
    }
    let buffer: ArrayBuffer = data.dyn_into().ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}
