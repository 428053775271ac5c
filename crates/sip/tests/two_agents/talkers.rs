//! Two user agents that talk, on a wire that loses frames and connections. Between them is nothing but what a server
//! does that keeps a connection's frames for a client that comes back.

use std::collections::VecDeque;

use sip::{
    Message,
    call::event::Event as CallEvent,
    credentials::Credentials,
    user_agent::{
        UserAgent,
        configuration::Configuration,
        event::{CallHandle, Event, Output},
    },
};

/// No story needs more steps.
const MAX_STEPS: usize = 2_000;

/// One end: its agent, and a host that offers and answers by simple texts.
pub(crate) struct Talker {
    pub(crate) agent: UserAgent,
    pub(crate) call: Option<CallHandle>,
    pub(crate) events: Vec<CallEvent>,
    /// What the session is, as this end knows it: offer and answer.
    pub(crate) agreed: Option<(String, String)>,
    /// The offer that waits for its answer.
    pub(crate) offered: Option<String>,
    /// What the host would like the session to be.
    pub(crate) wish: Option<String>,
    connected: bool,
    /// Frames for it while it is away.
    kept: Vec<Vec<u8>>,
    /// It answers no offers.
    pub(crate) is_slow: bool,
}

impl Talker {
    fn new(name: &str, seed: u8) -> Self {
        let configuration = Configuration {
            address: Some(format!("sip:{name}@example.com")),
            display_name: None,
            domain: "example.com".to_owned(),
            credentials: Credentials::None,
            instance: None,
            register_expires_s: 600,
        };
        let mut agent = UserAgent::new(configuration, [seed; 32]);
        agent.connected(0);
        Self {
            agent,
            call: None,
            events: Vec::new(),
            agreed: None,
            offered: None,
            wish: None,
            connected: true,
            kept: Vec::new(),
            is_slow: false,
        }
    }

    pub(crate) fn ends(&self) -> usize {
        let ends = self.events.iter();
        ends.filter(|event| matches!(event, CallEvent::Ended { .. } | CallEvent::Rejected { .. }))
            .count()
    }

    /// Offers what is wished, if it may; the wish stays until somebody took it.
    pub(crate) fn offer(&mut self, now: i64) {
        let (Some(call), Some(wish)) = (self.call, self.wish.clone()) else {
            return;
        };
        let sent = self
            .agent
            .command(call, |call| call.propose(&wish, now))
            .unwrap_or(false);
        if sent {
            self.offered = Some(wish);
        }
    }

    /// As a browser's host does: what is said is done in the order of the events.
    fn take(&mut self, event: Event, now: i64) {
        match event {
            Event::Incoming { call, sdp, .. } => {
                let offer = sdp.expect("an offer");
                let answer = format!("answer to {offer}");
                self.call = Some(call);
                self.agreed = Some((offer, answer.clone()));
                self.agent.ring(call, now);
                self.agent.answer(call, &answer, now);
                self.agent.command(call, |call| call.keep());
            }
            Event::Call { call, event } => {
                self.hear(call, &event, now);
                self.events.push(event);
            }
            _ => {}
        }
    }

    fn hear(&mut self, call: CallHandle, event: &CallEvent, now: i64) {
        match event {
            CallEvent::Answered { sdp, .. } => {
                let offer = self.offered.take().expect("our offer");
                self.agreed = Some((offer, sdp.clone().expect("an answer")));
                self.agent.command(call, |call| call.keep());
            }
            CallEvent::Offered { id, sdp } if !self.is_slow => {
                let offer = sdp.clone().expect("an offer");
                let answer = format!("answer to {offer}");
                self.agent
                    .command(call, |call| call.accept_change(*id, &answer, now));
                self.agreed = Some((offer, answer));
            }
            CallEvent::Changed { sdp } => {
                let offer = self.offered.take().expect("our offer");
                if self.wish.as_ref() == Some(&offer) {
                    self.wish = None;
                }
                self.agreed = Some((offer, sdp.clone().expect("an answer")));
            }
            CallEvent::ChangeRefused { .. } => self.offered = None,
            CallEvent::MayOffer => self.offer(now),
            CallEvent::Info { id, .. } => self.agent.accept_info(call, *id),
            _ => {}
        }
    }
}

/// What happens to the wire at one frame.
#[derive(Clone, Copy)]
pub(crate) struct Loss {
    /// Which frame is lost.
    pub(crate) at: usize,
    /// Whose connection goes with it.
    pub(crate) whose: usize,
    /// How long until it is back.
    pub(crate) away_ms: i64,
    /// Whether frames for it are kept meanwhile.
    pub(crate) keeps: bool,
}

pub(crate) struct Wire {
    pub(crate) now: i64,
    pub(crate) ends: [Talker; 2],
    frames: VecDeque<(usize, Vec<u8>)>,
    /// Every frame that was sent, as `0 INVITE` or `1 200 INVITE`.
    pub(crate) transcript: Vec<String>,
    pub(crate) loss: Option<Loss>,
    back_ms: Option<(usize, i64)>,
    keeps: bool,
    /// How long a frame is on its way.
    pub(crate) holds_frames: bool,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self {
            now: 1_000,
            ends: [Talker::new("anna", 1), Talker::new("bob", 2)],
            frames: VecDeque::new(),
            transcript: Vec::new(),
            loss: None,
            back_ms: None,
            keeps: true,
            holds_frames: false,
        }
    }

    /// Anna calls Bob, who answers.
    pub(crate) fn talking() -> Self {
        let mut wire = Self::new();
        wire.call();
        wire.transcript.clear();
        wire
    }

    pub(crate) fn call(&mut self) {
        let anna = &mut self.ends[0];
        anna.offered = Some("v=0 first".to_owned());
        anna.call = Some(
            anna.agent
                .call("sip:bob@example.com", Some("v=0 first"), self.now),
        );
        self.settle();
    }

    /// Does something at one end and lets everything that follows happen.
    pub(crate) fn act(&mut self, end: usize, act: impl FnOnce(&mut Talker, i64)) {
        act(&mut self.ends[end], self.now);
        self.settle();
    }

    pub(crate) fn wish(&mut self, end: usize, wish: &str) {
        self.act(end, |talker, now| {
            talker.wish = Some(wish.to_owned());
            talker.offer(now);
        });
    }

    pub(crate) fn hang_up(&mut self, end: usize) {
        self.act(end, |talker, now| {
            if let Some(call) = talker.call {
                talker.agent.hang_up(call, None, None, now);
            }
        });
    }

    /// One end loses its connection, with everything that was on its way to it.
    pub(crate) fn cut(&mut self, end: usize, keeps: bool) {
        self.keeps = keeps;
        let talker = &mut self.ends[end];
        talker.connected = false;
        talker.agent.disconnected(self.now);
        self.frames.retain(|(to, _)| *to != end);
    }

    /// It has another, and gets what was kept for it.
    pub(crate) fn reconnect(&mut self, end: usize) {
        let talker = &mut self.ends[end];
        talker.connected = true;
        talker.agent.connected(self.now);
        for frame in core::mem::take(&mut talker.kept) {
            self.frames.push_back((end, frame));
        }
        self.settle();
    }

    pub(crate) fn advance(&mut self, ms: i64) {
        let end = self.now + ms;
        for _ in 0..MAX_STEPS {
            let agents = self.ends.iter().filter_map(|end| end.agent.next_wakeup());
            let back = self.back_ms.map(|(_, at)| at);
            let Some(due) = agents.chain(back).min().filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            if let Some((whose, at)) = self.back_ms.filter(|(_, at)| *at <= self.now) {
                self.back_ms = None;
                assert!(at <= self.now);
                self.reconnect(whose);
            }
            for talker in &mut self.ends {
                talker.agent.elapse(self.now);
            }
            self.settle();
        }
        panic!("time does not pass");
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            self.collect();
            if self.holds_frames {
                return;
            }
            let Some((to, frame)) = self.frames.pop_front() else {
                return;
            };
            self.deliver(to, frame);
        }
        panic!("the agents do not come to rest");
    }

    fn collect(&mut self) {
        for from in [0, 1] {
            while let Some(output) = self.ends[from].agent.poll() {
                match output {
                    Output::Event(event) => self.ends[from].take(event, self.now),
                    Output::Send(frame) if self.ends[from].connected => self.send(from, frame),
                    Output::Send(_) => {}
                }
            }
        }
    }

    fn send(&mut self, from: usize, frame: Vec<u8>) {
        if frame == b"\r\n\r\n" {
            return self.frames.push_back((from, b"\r\n".to_vec()));
        }
        if frame == b"\r\n" {
            return;
        }
        self.transcript.push(format!("{from} {}", name(&frame)));
        let lost = self.loss.filter(|loss| loss.at == self.transcript.len());
        if let Some(loss) = lost {
            self.loss = None;
            self.back_ms = Some((loss.whose, self.now + loss.away_ms));
            return self.cut(loss.whose, loss.keeps);
        }
        self.frames.push_back((1 - from, frame));
    }

    fn deliver(&mut self, to: usize, frame: Vec<u8>) {
        let talker = &mut self.ends[to];
        match (talker.connected, self.keeps) {
            (true, _) => talker.agent.receive(&frame, self.now),
            (false, true) => talker.kept.push(frame),
            (false, false) => {}
        }
    }
}

fn name(frame: &[u8]) -> String {
    match Message::parse(frame).expect("a message") {
        Message::Request(request) => request.method().to_string(),
        Message::Response(response) => format!("{} {}", response.status(), response.cseq().1),
    }
}
