//! The peer connection of one call: a real offer, the answer, the callee's voice.

use gloo_events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MediaStream, MediaStreamTrack, RtcConfiguration, RtcIceGatheringState, RtcPeerConnection,
    RtcRtpTransceiverDirection, RtcRtpTransceiverInit, RtcSdpType, RtcSessionDescriptionInit,
    RtcTrackEvent,
};

use crate::clock;
use crate::media::Microphone;
use crate::problem::Problem;

/// Gathering of candidates is given this long; what was found until then is offered.
const GATHERING_MS: u32 = 2_000;
const GATHERING_STEP_MS: u32 = 50;

/// One peer connection; closed when dropped.
pub(crate) struct Peer {
    connection: RtcPeerConnection,
    _on_track: EventListener,
}

impl Peer {
    /// A connection that sends the microphone, or only receives where there is none. `None` where the
    /// browser has no `RTCPeerConnection` (WebKitGTK): the call then goes out without an offer.
    pub(crate) fn open(
        microphone: Option<&Microphone>,
        ice_servers: &JsValue,
        on_audio: impl Fn(MediaStream) + 'static,
    ) -> Option<Self> {
        let global = js_sys::global();
        js_sys::Reflect::get(&global, &JsValue::from_str("RTCPeerConnection"))
            .ok()
            .filter(|constructor| constructor.is_function())?;
        let configuration = RtcConfiguration::new();
        if ice_servers.is_object() {
            configuration.set_ice_servers(ice_servers);
        }
        let connection = RtcPeerConnection::new_with_configuration(&configuration).ok()?;
        add_audio(&connection, microphone);
        let on_track = EventListener::new(&connection, "track", move |event| {
            if let Some(stream) = stream_of(event) {
                on_audio(stream);
            }
        });
        Some(Self {
            connection,
            _on_track: on_track,
        })
    }

    /// The complete offer: candidates are in it, as far as they came in time (no trickle over SIP).
    pub(crate) async fn offer(&self) -> Result<String, Problem> {
        let made = JsFuture::from(self.connection.create_offer())
            .await
            .map_err(|cause| no_offer(&cause))?;
        let description: RtcSessionDescriptionInit = made.unchecked_into();
        JsFuture::from(self.connection.set_local_description(&description))
            .await
            .map_err(|cause| no_offer(&cause))?;
        self.gathered().await;
        self.connection
            .local_description()
            .map(|description| description.sdp())
            .ok_or_else(|| no_offer(&JsValue::UNDEFINED))
    }

    /// Applies the callee's answer, refused media lines included.
    pub(crate) async fn accept(&self, answer: &str) -> Result<(), Problem> {
        let description = RtcSessionDescriptionInit::new(RtcSdpType::Answer);
        description.set_sdp(answer);
        JsFuture::from(self.connection.set_remote_description(&description))
            .await
            .map(drop)
            .map_err(|cause| Problem::from_browser("answer_unusable", &cause))
    }

    async fn gathered(&self) {
        let mut waited = 0;
        while self.connection.ice_gathering_state() != RtcIceGatheringState::Complete
            && waited < GATHERING_MS
        {
            clock::sleep(GATHERING_STEP_MS).await;
            waited += GATHERING_STEP_MS;
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.connection.close();
    }
}

fn add_audio(connection: &RtcPeerConnection, microphone: Option<&Microphone>) {
    let init = RtcRtpTransceiverInit::new();
    match microphone.and_then(|microphone| Some((microphone.track()?, microphone.stream()))) {
        Some((track, stream)) => {
            init.set_direction(RtcRtpTransceiverDirection::Sendrecv);
            init.set_streams(&js_sys::Array::of1(stream));
            drop(connection.add_transceiver_with_media_stream_track_and_init(&track, &init));
        }
        None => {
            init.set_direction(RtcRtpTransceiverDirection::Recvonly);
            drop(connection.add_transceiver_with_str_and_init("audio", &init));
        }
    }
}

/// The stream of a `track` event; a track that came without one gets its own.
fn stream_of(event: &web_sys::Event) -> Option<MediaStream> {
    let event = event.dyn_ref::<RtcTrackEvent>()?;
    match event.streams().get(0).dyn_into::<MediaStream>() {
        Ok(stream) => Some(stream),
        Err(_) => {
            let track: MediaStreamTrack = event.track();
            let stream = MediaStream::new().ok()?;
            stream.add_track(&track);
            Some(stream)
        }
    }
}

fn no_offer(cause: &JsValue) -> Problem {
    Problem::from_browser("no_offer", cause)
}
