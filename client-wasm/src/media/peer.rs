//! The peer connection of one call: offers and answers with all their candidates (no trickle over SIP), what is sent,
//! and what comes. Who may offer when is the user agent's rule.

use core::cell::{Cell, RefCell};

use gloo_events::EventListener;
use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MediaStream, MediaStreamTrack, RtcConfiguration, RtcIceConnectionState, RtcIceGatheringState,
    RtcOfferOptions, RtcPeerConnection, RtcRtpTransceiver, RtcRtpTransceiverDirection as Direction,
    RtcRtpTransceiverInit, RtcSdpType, RtcSessionDescriptionInit, RtcSignalingState, RtcdtmfSender,
};

use super::{Camera, Microphone};
use crate::problem::Problem;
use crate::queue::{Queue, within};

/// Gathering of candidates is given this long; what was found until then is offered.
const GATHERING_MS: u32 = 2_000;
const AUDIO: &str = "audio";
const VIDEO: &str = "video";

/// One peer connection; closed when dropped, and what it sent is let go.
pub(crate) struct Peer {
    connection: RtcPeerConnection,
    /// What the microphone gives us: a track of our own, so that muting it mutes nothing else.
    sound: Option<MediaStreamTrack>,
    /// Names what we send as belonging together.
    local: MediaStream,
    camera: RefCell<Option<Camera>>,
    remote: MediaStream,
    muted: Cell<bool>,
    held: Cell<bool>,
    _listener: EventListener,
}

/// Whether this browser has peer connections at all (WebKitGTK has none).
pub(crate) fn can_talk() -> bool {
    Reflect::get(&js_sys::global(), &"RTCPeerConnection".into())
        .is_ok_and(|constructor| constructor.is_function())
}

impl Peer {
    /// A connection that will send this microphone, or only receive where there is none. `on_ice` hears that its way
    /// through the network changed. `None` where the browser has no `RTCPeerConnection`.
    pub(crate) fn open(
        microphone: Option<&Microphone>,
        ice_servers: &JsValue,
        on_ice: impl Fn() + 'static,
    ) -> Option<Self> {
        if !can_talk() {
            return None;
        }
        let configuration = RtcConfiguration::new();
        if ice_servers.is_object() {
            configuration.set_ice_servers(ice_servers);
        }
        let connection = RtcPeerConnection::new_with_configuration(&configuration).ok()?;
        let listener = EventListener::new(&connection, "iceconnectionstatechange", move |_| {
            on_ice();
        });
        let sound = microphone.and_then(|microphone| microphone.hand_over().ok());
        Some(Self {
            connection,
            sound: sound.and_then(|stream| stream.get_audio_tracks().get(0).dyn_into().ok()),
            local: MediaStream::new().ok()?,
            camera: RefCell::new(None),
            remote: MediaStream::new().ok()?,
            muted: Cell::new(false),
            held: Cell::new(false),
            _listener: listener,
        })
    }

    /// The complete offer, for a first or another description of the session.
    pub(crate) async fn offer(&self) -> Result<String, Problem> {
        self.fit(true).await?;
        let options = RtcOfferOptions::new();
        options.set_ice_restart(self.has_failed());
        let made = self
            .connection
            .create_offer_with_rtc_offer_options(&options);
        self.describe(JsFuture::from(made).await).await
    }

    /// Takes an offer, and gives the complete answer to it.
    pub(crate) async fn answer(&self, offer: &str) -> Result<String, Problem> {
        if self.connection.signaling_state() == RtcSignalingState::HaveLocalOffer {
            self.withdraw().await?;
        }
        self.hear(RtcSdpType::Offer, offer).await?;
        self.fit(false).await?;
        let answer = self
            .describe(JsFuture::from(self.connection.create_answer()).await)
            .await?;
        self.collect();
        Ok(answer)
    }

    /// Takes the answer to our offer, refused media lines included.
    pub(crate) async fn accept(&self, answer: &str) -> Result<(), Problem> {
        self.hear(RtcSdpType::Answer, answer).await?;
        self.collect();
        Ok(())
    }

    /// Takes our offer back: the session is as it was before it (RFC 3261 14.1).
    pub(crate) async fn withdraw(&self) -> Result<(), Problem> {
        if self.connection.signaling_state() != RtcSignalingState::HaveLocalOffer {
            return Ok(());
        }
        let rollback = RtcSessionDescriptionInit::new(RtcSdpType::Rollback);
        let done = self.connection.set_local_description(&rollback);
        JsFuture::from(done).await.map(drop).map_err(unusable)
    }

    /// What comes from the other side.
    pub(crate) fn remote(&self) -> &MediaStream {
        &self.remote
    }

    /// Whether pictures come from the other side.
    pub(crate) fn has_picture(&self) -> bool {
        self.remote.get_video_tracks().length() > 0
    }

    /// Whether the other side has put us on hold, by its last description.
    pub(crate) fn is_held_there(&self) -> bool {
        let description = self.connection.remote_description();
        description.is_some_and(|description| sip::sdp::is_held(&description.sdp()))
    }

    /// Hears when the microphone gives nothing any more, because it was unplugged or taken.
    pub(crate) fn on_silence(&self, silent: impl Fn() + 'static) -> Option<EventListener> {
        let sound = self.sound.as_ref()?;
        Some(EventListener::new(sound, "ended", move |_| silent()))
    }

    /// Nobody hears us while this is on.
    pub(crate) fn mute(&self, on: bool) {
        self.muted.set(on);
        self.enable();
    }

    /// Whether it is on.
    pub(crate) fn is_muted(&self) -> bool {
        self.muted.get()
    }

    /// Nobody hears or sees us, and we hear and see nobody; the next offer says so.
    pub(crate) fn hold(&self, on: bool) {
        self.held.set(on);
        self.enable();
    }

    /// Whether it is on.
    pub(crate) fn is_held(&self) -> bool {
        self.held.get()
    }

    /// Another camera to send, or none; the next offer says so.
    pub(crate) fn set_camera(&self, camera: Option<Camera>) {
        drop(self.camera.replace(camera));
        self.enable();
    }

    /// What the camera sees, while it is sent.
    pub(crate) fn picture(&self) -> Option<MediaStream> {
        let camera = self.camera.borrow();
        camera.as_ref().map(|camera| camera.stream().clone())
    }

    /// Whether the way through the network is lost for good; the next offer looks for another.
    pub(crate) fn has_failed(&self) -> bool {
        self.connection.ice_connection_state() == RtcIceConnectionState::Failed
    }

    /// Whether there is a way through the network.
    pub(crate) fn is_through(&self) -> bool {
        matches!(
            self.connection.ice_connection_state(),
            RtcIceConnectionState::Connected | RtcIceConnectionState::Completed
        )
    }

    /// Sends a key within the sound (RFC 4733); false where the other side takes none there.
    pub(crate) fn send_key(&self, key: &str) -> bool {
        let Some(keyboard) = self.keyboard() else {
            return false;
        };
        keyboard.insert_dtmf_with_duration(key, 160);
        true
    }

    /// Whether the other side takes keys within the sound.
    pub(crate) fn takes_keys(&self) -> bool {
        self.keyboard().is_some()
    }

    fn keyboard(&self) -> Option<RtcdtmfSender> {
        let sender = self.transceivers().find_map(|line| line.sender().dtmf())?;
        let can = Reflect::get(&sender, &"canInsertDTMF".into()).ok()?;
        can.is_truthy().then_some(sender)
    }

    fn transceivers(&self) -> impl Iterator<Item = RtcRtpTransceiver> {
        let all = self.connection.get_transceivers();
        all.to_vec().into_iter().map(JsCast::unchecked_into)
    }

    fn track(&self, kind: &str) -> Option<MediaStreamTrack> {
        match kind {
            AUDIO => self.sound.clone(),
            _ => self.camera.borrow().as_ref().and_then(Camera::track),
        }
    }

    fn enable(&self) {
        let held = self.held.get();
        for (kind, on) in [(AUDIO, !held && !self.muted.get()), (VIDEO, !held)] {
            if let Some(track) = self.track(kind) {
                track.set_enabled(on);
            }
        }
    }

    /// Puts what we send onto the media lines, and says of each whether we send and receive. An offer gets a line for
    /// everything we send, and one for sound in any case.
    async fn fit(&self, is_offer: bool) -> Result<(), Problem> {
        let mut missing = vec![AUDIO, VIDEO];
        for line in self.transceivers() {
            let kind = line.receiver().track().kind();
            missing.retain(|missing| *missing != kind);
            let track = self.track(&kind);
            let sends = track.is_some();
            if line.sender().track() != track {
                let replaced = line.sender().replace_track(track.as_ref());
                JsFuture::from(replaced).await.map_err(unusable)?;
                self.name_stream(&line);
            }
            line.set_direction(self.direction(sends));
        }
        for kind in missing.into_iter().filter(|_| is_offer) {
            let init = RtcRtpTransceiverInit::new();
            init.set_streams(&js_sys::Array::of1(&self.local));
            match self.track(kind) {
                Some(track) => {
                    init.set_direction(self.direction(true));
                    let connection = &self.connection;
                    drop(
                        connection.add_transceiver_with_media_stream_track_and_init(&track, &init),
                    );
                }
                None if kind == AUDIO => {
                    init.set_direction(self.direction(false));
                    drop(
                        self.connection
                            .add_transceiver_with_str_and_init(kind, &init),
                    );
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Other clients look for our tracks in a stream; not every browser lets us name it afterwards.
    fn name_stream(&self, line: &RtcRtpTransceiver) {
        let sender = line.sender();
        let set = Reflect::get(&sender, &"setStreams".into()).ok();
        if let Some(set) = set.and_then(|set| set.dyn_into::<js_sys::Function>().ok()) {
            drop(set.call1(&sender, &self.local));
        }
    }

    fn direction(&self, sends: bool) -> Direction {
        match (sends, self.held.get()) {
            (true, false) => Direction::Sendrecv,
            (true, true) => Direction::Sendonly,
            (false, false) => Direction::Recvonly,
            (false, true) => Direction::Inactive,
        }
    }

    /// Makes a description ours, and gives it back with all candidates that came in time.
    async fn describe(&self, made: Result<JsValue, JsValue>) -> Result<String, Problem> {
        let description: RtcSessionDescriptionInit = made.map_err(unusable)?.unchecked_into();
        let set = self.connection.set_local_description(&description);
        JsFuture::from(set).await.map_err(unusable)?;
        self.gathered().await;
        let description = self.connection.local_description();
        description
            .map(|description| description.sdp())
            .ok_or_else(|| unusable(JsValue::UNDEFINED))
    }

    async fn hear(&self, kind: RtcSdpType, sdp: &str) -> Result<(), Problem> {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        let set = self.connection.set_remote_description(&description);
        JsFuture::from(set)
            .await
            .map(drop)
            .map_err(|cause| Problem::from_browser("answer_unusable", &cause))
    }

    async fn gathered(&self) {
        if self.connection.ice_gathering_state() == RtcIceGatheringState::Complete {
            return;
        }
        let changes = Queue::new();
        let changed = changes.clone();
        let connection = self.connection.clone();
        let _listener =
            EventListener::new(&self.connection, "icegatheringstatechange", move |_| {
                if connection.ice_gathering_state() == RtcIceGatheringState::Complete {
                    changed.push(());
                }
            });
        within(GATHERING_MS, async move { changes.next().await }).await;
    }

    /// What comes now, after the last agreement: exactly that is in the stream.
    fn collect(&self) {
        for line in self.transceivers() {
            let track = line.receiver().track();
            let comes = matches!(
                line.current_direction(),
                Some(Direction::Sendrecv | Direction::Recvonly)
            );
            match comes {
                true => self.remote.add_track(&track),
                false => self.remote.remove_track(&track),
            }
        }
    }
}

impl Peer {
    /// Lets microphone and camera go: their lights are out.
    pub(crate) fn fall_silent(&self) {
        if let Some(track) = &self.sound {
            track.stop();
        }
        drop(self.camera.take());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.fall_silent();
        self.connection.close();
    }
}

fn unusable(cause: JsValue) -> Problem {
    Problem::from_browser("no_offer", &cause)
}
