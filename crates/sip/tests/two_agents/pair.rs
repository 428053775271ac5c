//! The two agents and the wire between them.

use std::collections::VecDeque;

use sip::{
    Message, NameAddr, Via,
    call::{
        Call, Local,
        event::{Event as CallEvent, Output as CallOutput},
    },
    credentials::Credentials,
    sdp,
    session_info::SessionInfo,
    user_agent::{
        UserAgent,
        configuration::Configuration,
        event::{CallHandle, Event, Output},
    },
};

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n";
/// How long the greeting plays, with the pause after it.
pub(crate) const GREETING_MS: i64 = 7_000;
/// No story needs more steps.
const MAX_STEPS: usize = 500;

/// A caller's user agent, the callee's voicemail and a wire that can be cut.
pub(crate) struct Pair {
    pub(crate) now_ms: i64,
    pub(crate) caller: UserAgent,
    pub(crate) voicemail: Voicemail,
    wire: VecDeque<(End, Vec<u8>)>,
    connected: bool,
    /// Frames that arrived, by their start line or status and method.
    pub(crate) transcript: Vec<String>,
    /// The connection is cut when so many frames have arrived.
    pub(crate) cut_after: Option<usize>,
    pub(crate) events: Vec<Event>,
    /// Session tokens on the caller's disk.
    pub(crate) stored: Vec<String>,
    /// Tokens whose INFO was answered with 200.
    pub(crate) accepted: Vec<String>,
    /// Every frame that the caller sent.
    pub(crate) sent: Vec<Vec<u8>>,
    /// The peer answers nothing, not even keep-alives.
    pub(crate) mute: bool,
    /// Whether the caller's disk takes sessions.
    pub(crate) disk_works: bool,
    seeds: u8,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Caller,
    Voicemail,
}

/// The callee's side: nothing but stored text and two times.
#[derive(Default)]
pub(crate) struct Voicemail {
    calls: Vec<Answered>,
    /// Sessions made so far.
    pub(crate) sessions: u32,
    /// What its calls reported.
    pub(crate) events: Vec<CallEvent>,
}

struct Answered {
    stored: String,
    greeting_ends_ms: Option<i64>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let configuration = Configuration {
            address: Some("sip:anna@example.com".to_owned()),
            display_name: Some("Anna".to_owned()),
            domain: "example.com".to_owned(),
            credentials: Credentials::None,
            instance: None,
            register_expires_s: 600,
        };
        let mut pair = Self {
            now_ms: 1_000,
            caller: UserAgent::new(configuration, [1; 32]),
            voicemail: Voicemail::default(),
            wire: VecDeque::new(),
            connected: false,
            transcript: Vec::new(),
            cut_after: None,
            events: Vec::new(),
            stored: Vec::new(),
            accepted: Vec::new(),
            sent: Vec::new(),
            mute: false,
            disk_works: true,
            seeds: 2,
        };
        pair.connect();
        pair
    }

    pub(crate) fn connect(&mut self) {
        self.connected = true;
        self.caller.connected(self.now_ms);
        self.settle();
    }

    /// The connection is gone, with everything that was on its way.
    pub(crate) fn cut(&mut self) {
        self.connected = false;
        self.wire.clear();
        self.caller.disconnected(self.now_ms);
        self.settle();
    }

    pub(crate) fn call(&mut self, to: &str) -> CallHandle {
        let handle = self.caller.call(to, Some(OFFER), self.now_ms);
        self.settle();
        handle
    }

    /// Does something with the caller's agent and lets everything that follows happen.
    pub(crate) fn act<T>(&mut self, act: impl FnOnce(&mut UserAgent, i64) -> T) -> T {
        let result = act(&mut self.caller, self.now_ms);
        self.settle();
        result
    }

    /// Gives the caller a frame as if it had come over the wire.
    pub(crate) fn give(&mut self, frame: &str) {
        self.caller.receive(frame.as_bytes(), self.now_ms);
        self.settle();
    }

    pub(crate) fn call_events(&self) -> Vec<CallEvent> {
        let calls = self.events.iter();
        calls
            .filter_map(|event| match event {
                Event::Call { event, .. } => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn voicemail_calls(&self) -> usize {
        self.voicemail.calls.len()
    }

    /// Lets this much time pass.
    pub(crate) fn advance(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        for _ in 0..MAX_STEPS {
            let Some(due) = self.next_due().filter(|due| *due <= end) else {
                self.now_ms = end;
                return;
            };
            self.now_ms = self.now_ms.max(due);
            self.caller.elapse(self.now_ms);
            self.elapse_voicemail();
            self.settle();
        }
        panic!("time does not pass");
    }

    fn next_due(&self) -> Option<i64> {
        let calls = self.voicemail.calls.iter().flat_map(|answered| {
            let call: Call = serde_json::from_str(&answered.stored).expect("stored call");
            [call.wake_at(), answered.greeting_ends_ms]
        });
        calls.flatten().chain(self.caller.next_wakeup()).min()
    }

    /// Delivers frames and takes events until nothing more happens.
    fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            self.take_outputs();
            let Some((to, frame)) = self.wire.pop_front() else {
                return;
            };
            self.deliver(to, &frame);
            if self.cut_after.is_some_and(|at| self.transcript.len() >= at) {
                self.cut_after = None;
                self.cut();
            }
        }
        panic!("the agents do not come to rest");
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.caller.poll() {
            match output {
                Output::Send(frame) => {
                    self.sent.push(frame.clone());
                    if self.connected {
                        self.wire.push_back((End::Voicemail, frame));
                    }
                }
                Output::Event(event) => self.take_event(event),
            }
        }
    }

    /// As the client does: the session is on disk before its INFO is answered.
    fn take_event(&mut self, event: Event) {
        if let Event::Call {
            call,
            event: CallEvent::Info { id, body, .. },
        } = &event
        {
            match SessionInfo::parse(body) {
                Ok(session) if self.disk_works => {
                    self.stored.push(session.id.clone());
                    self.accepted.push(session.id);
                    self.caller.accept_info(*call, *id);
                }
                _ => self.caller.reject_info(*call, *id, 500),
            }
        }
        self.events.push(event);
    }

    fn deliver(&mut self, to: End, frame: &[u8]) {
        if self.mute {
            return;
        }
        if frame == b"\r\n\r\n" {
            return self.wire.push_back((End::Caller, b"\r\n".to_vec()));
        }
        if frame != b"\r\n" {
            self.transcript.push(name(frame));
        }
        match to {
            End::Caller => self.caller.receive(frame, self.now_ms),
            End::Voicemail => self.deliver_to_voicemail(frame),
        }
    }

    fn deliver_to_voicemail(&mut self, frame: &[u8]) {
        let message = Message::parse(frame).expect("a message");
        for at in 0..self.voicemail.calls.len() {
            let mut call = self.load(at);
            if call.owns(&message) {
                call.receive(&message, self.now_ms);
                return self.keep(at, call);
            }
        }
        if let Message::Request(invite) = &message
            && invite.method().as_str() == "INVITE"
        {
            self.answer(invite);
        }
    }

    fn answer(&mut self, invite: &sip::Request) {
        let contact: NameAddr = "<sip:bob@example.com;transport=ws>"
            .parse()
            .expect("contact");
        let local = Local {
            contact,
            via: Via::new("WSS", "example.com", ""),
        };
        self.seeds += 1;
        let mut call = Call::incoming(invite, local, [self.seeds; 32]);
        call.ring(self.now_ms);
        let answer = sdp::refuse_all(call.offer().expect("offer")).expect("answer");
        let info = "<https://example.com/g>;purpose=afterbeep-greeting";
        call.answer(&answer, &[("Call-Info", info)], self.now_ms);
        self.voicemail.calls.push(Answered {
            stored: String::new(),
            greeting_ends_ms: None,
        });
        self.keep(self.voicemail.calls.len() - 1, call);
    }

    fn elapse_voicemail(&mut self) {
        for at in (0..self.voicemail.calls.len()).rev() {
            let mut call = self.load(at);
            let ends = self.voicemail.calls[at].greeting_ends_ms;
            if ends.is_some_and(|ends| ends <= self.now_ms) {
                self.voicemail.calls[at].greeting_ends_ms = None;
                call.hang_up(
                    Some("SIP;cause=200;text=\"record offline\""),
                    None,
                    self.now_ms,
                );
            }
            call.elapse(self.now_ms);
            self.keep(at, call);
        }
    }

    fn load(&self, at: usize) -> Call {
        serde_json::from_str(&self.voicemail.calls[at].stored).expect("stored call")
    }

    /// Drains a call, stores it, forgets it when it is over. A frame that finds no socket ends it.
    fn keep(&mut self, at: usize, mut call: Call) {
        while let Some(output) = call.poll() {
            match output {
                CallOutput::Send(frame) if self.connected => {
                    self.wire.push_back((End::Caller, frame));
                }
                CallOutput::Send(_) => call.connection_lost(),
                CallOutput::Event(event) => self.serve(at, &mut call, event),
            }
        }
        if call.is_over() {
            self.voicemail.calls.remove(at);
        } else {
            let stored = serde_json::to_string(&call).expect("a storable call");
            let back: Call = serde_json::from_str(&stored).expect("a readable call");
            assert_eq!(back.wake_at(), call.wake_at());
            self.voicemail.calls[at].stored = stored;
        }
    }

    fn serve(&mut self, at: usize, call: &mut Call, event: CallEvent) {
        match &event {
            CallEvent::Acknowledged { .. } => {
                self.voicemail.sessions += 1;
                let body = format!(
                    "Session Type=voice\r\nCalled Party=sip:bob@example.com\r\nID=token-{}\r\n",
                    self.voicemail.sessions
                );
                call.send_info("text/plain", body.as_bytes(), self.now_ms);
                self.voicemail.calls[at].greeting_ends_ms = Some(self.now_ms + GREETING_MS);
            }
            CallEvent::Info { id, body, .. } => {
                call.accept_info(*id);
                if body.starts_with(b"Signal=#") {
                    call.hang_up(None, None, self.now_ms);
                }
            }
            CallEvent::Ended { .. } => self.voicemail.calls[at].greeting_ends_ms = None,
            _ => {}
        }
        self.voicemail.events.push(event);
    }
}

fn name(frame: &[u8]) -> String {
    match Message::parse(frame).expect("a message") {
        Message::Request(request) => request.method().to_string(),
        Message::Response(response) => format!("{} {}", response.status(), response.cseq().1),
    }
}
