//! The phones of the stories: the product's own user agent with a simple owner.

use sip::{
    Message, Method, Response,
    call::event::Event as CallEvent,
    credentials::Credentials,
    user_agent::{UserAgent, configuration::Configuration, event::Event},
};

/// A user agent at the far end of a connection, and what it saw.
pub(crate) struct Phone {
    pub(crate) agent: UserAgent,
    pub(crate) flow: String,
    pub(crate) events: Vec<Event>,
    /// Every SIP message it received.
    pub(crate) received: Vec<Message>,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) answers: Answers,
    /// What it says to requests of these methods, whatever its agent would say.
    pub(crate) says: Vec<(Method, u16)>,
}

/// What a phone does when it is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answers {
    /// 180, 200 with this SDP.
    Accept,
    /// A failure.
    Reject(u16),
    /// 180 and nothing more.
    Ring,
    /// Nothing at all.
    Mute,
}

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\n";
pub(crate) const ANSWER: &str = "v=0\r\no=- 2 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n";

impl Phone {
    pub(crate) fn new(address: Option<&str>, credentials: Credentials, seed: [u8; 32]) -> Self {
        let configuration = Configuration {
            address: address.map(ToOwned::to_owned),
            display_name: None,
            domain: "localhost".to_owned(),
            credentials,
            instance: None,
            register_expires_s: 600,
        };
        Self {
            agent: UserAgent::new(configuration, seed),
            flow: String::new(),
            events: Vec::new(),
            received: Vec::new(),
            sent: Vec::new(),
            answers: Answers::Ring,
            says: Vec::new(),
        }
    }

    /// The answer that was laid down for a request, if one was.
    pub(crate) fn said(&self, message: &Message) -> Option<Vec<u8>> {
        let request = message.as_request()?;
        let mut said = self.says.iter();
        let (_, status) = said.find(|(method, _)| method == request.method())?;
        let response = Response::reply_to(request, *status, "Said", Some("said"));
        Some(response.to_bytes())
    }

    /// Answers calls as told, and every INFO with 200, as a client does that has stored it.
    pub(crate) fn take(&mut self, event: Event, now_ms: i64) {
        match &event {
            Event::Incoming { call, .. } => match self.answers {
                Answers::Accept => {
                    self.agent.ring(*call, now_ms);
                    self.agent.answer(*call, ANSWER, now_ms);
                }
                Answers::Reject(status) => self.agent.reject(*call, status, now_ms),
                Answers::Ring => self.agent.ring(*call, now_ms),
                Answers::Mute => {}
            },
            Event::Call {
                call,
                event: CallEvent::Info { id, .. },
            } => self.agent.accept_info(*call, *id),
            _ => {}
        }
        self.events.push(event);
    }
}
