//! One seed's story, step by step, and its end: everything heals, and everybody has what was promised.

use std::{cell::RefCell, path::PathBuf, rc::Rc};

use deposit::token::verify_session;
use sip::{
    call::event::Event as CallEvent, credentials::Credentials, session_info::SessionInfo,
    user_agent::event::Event,
};

use super::{
    callee::Wish,
    caller::{Ask, Errand, Recording},
    chance::Chance,
    keys::KeyRing,
    ledger::Ledger,
};
use crate::{
    http::Response,
    object::Object,
    settings::MediaStore,
    testing::{Answers, Sent, Visit, World, header, receipt, refusal},
};

const STEPS: usize = 100;
const BOB: &str = "sip:bob@localhost";
/// Straight to the voicemail, without ringing (RFC 4458).
const VOICEMAIL: &str = "sip:voicemail@localhost;target=sip:bob%40localhost;cause=302";
const CALLERS: [&str; 2] = ["anna", "alice"];
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Nobody needs more rounds once nothing breaks any more.
const ROUNDS: usize = 12;
/// Why a message may be refused for good though nothing was lost.
const REFUSED: [&str; 4] = [
    "session_revoked",
    "session_used",
    "token_expired",
    "upload_gone",
];

pub(super) struct Story {
    world: World,
    chance: Chance,
    keys: KeyRing,
    ledger: Ledger,
    recordings: Vec<Recording>,
    under_way: Vec<(Errand, Visit)>,
    /// What was asked before; any of it may come again.
    asked: Vec<Errand>,
    told: Rc<RefCell<Vec<String>>>,
    restores: bool,
}

impl Story {
    pub(super) fn new(seed: u64, folder: Option<PathBuf>, told: Rc<RefCell<Vec<String>>>) -> Self {
        let mut chance = Chance::new(seed);
        let mut world = World::seeded(seed << 32, folder);
        if chance.percent(30) {
            world.settings.media_store = MediaStore::R2;
        }
        world.piece.set(200 + chance.below(3_000));
        world.phone("anna", None, Credentials::None);
        world.user("alice", "alice");
        world.registered("bob", "bob", Answers::Reject(486));
        let mut story = Self {
            world,
            chance,
            keys: KeyRing::new(),
            ledger: Ledger::default(),
            recordings: Vec::new(),
            under_way: Vec::new(),
            asked: Vec::new(),
            told,
            restores: false,
        };
        let hook = r#"{"url":"http://127.0.0.1:9/news"}"#;
        story.wish(&Wish::new("POST", "/mailbox/webhooks".to_owned(), hook));
        story.call();
        story
    }

    pub(super) fn play(&mut self) {
        for _ in 0..STEPS {
            self.step();
            if self.world.is_dead() {
                self.restart();
            }
            self.check();
        }
        self.heal();
        self.rest();
    }

    fn step(&mut self) {
        match self.chance.below(1_000) {
            0..450 => self.turn(),
            450..650 => self.ask(),
            650..720 => self.ask_again(),
            720..800 => {
                self.world.carry_out_one();
            }
            800..840 => self.call(),
            840..900 => self.callee(),
            900..940 => self.pass_time(),
            940..980 => {
                let points = self.chance.below(60) as u64;
                self.tell(format!("the process will die after {points} points"));
                self.world.kill_after(Some(points));
            }
            980..990 => {
                let down = self.chance.percent(50);
                self.tell(format!("blob store down: {down}"));
                self.world.blob_store_down.set(down);
            }
            _ => self.rotate(),
        }
    }

    fn tell(&self, what: String) {
        self.told.borrow_mut().push(what);
    }

    fn check(&mut self) {
        let restores = std::mem::take(&mut self.restores);
        self.ledger.check(&self.world, &self.recordings, restores);
    }

    /// Some request that is under way goes on a little.
    fn turn(&mut self) {
        if self.under_way.is_empty() {
            return self.ask();
        }
        let index = self.chance.below(self.under_way.len());
        let (errand, mut visit) = self.under_way.swap_remove(index);
        match self.world.turn(&mut visit) {
            Ok(None) => self.under_way.push((errand, visit)),
            Ok(Some(response)) => self.answered(&errand, &response),
            Err(_) => self.tell(format!("broke off: {errand:?}")),
        }
    }

    /// A caller asks for something about a recording that is not settled yet.
    fn ask(&mut self) {
        let open = |recording: &Recording| recording.receipt.is_none() && !recording.discarded;
        let numbers = 0..self.recordings.len();
        let open: Vec<usize> = numbers
            .filter(|number| open(&self.recordings[*number]))
            .collect();
        let Some(&recording) = self.chance.pick(&open) else {
            return;
        };
        let part = self.chance.below(self.recordings[recording].parts.len());
        let ask = self.recordings[recording].next(part, &mut self.chance);
        let errand = Errand {
            recording,
            part,
            ask,
        };
        self.asked.push(errand.clone());
        self.send(errand);
    }

    /// A request that was sent before comes again, late or doubled.
    fn ask_again(&mut self) {
        if let Some(errand) = self.chance.pick(&self.asked).cloned() {
            self.send(errand);
        }
    }

    fn send(&mut self, errand: Errand) {
        self.tell(format!("sends {errand:?}"));
        let recording = &mut self.recordings[errand.recording];
        recording.discarded |= matches!(errand.ask, Ask::TakeBack);
        let path = recording.path(errand.part);
        let visit = Visit::new(&self.world, &recording.sent(&errand, &path));
        match visit {
            Ok(visit) => self.under_way.push((errand, visit)),
            Err(response) => self.answered(&errand, &response),
        }
    }

    /// The edge has answered; whether the caller hears it is another question.
    fn answered(&mut self, errand: &Errand, response: &Response) {
        let status = response.status;
        assert!(status != 500 && status != 400, "{errand:?}: {response:?}");
        let recording = &mut self.recordings[errand.recording];
        let end = recording.parts[errand.part].len();
        let given = header(response, "upload-offset").map(|text| text.parse::<usize>().unwrap());
        assert!(
            given.is_none_or(|given| given <= end),
            "{errand:?}: {given:?}"
        );
        let key = (recording.session.clone(), recording.deposit.clone());
        if let Some(receipt) = receipt(response) {
            self.ledger.check(&self.world, &self.recordings, false);
            let known = self
                .ledger
                .committed
                .get(&key)
                .map(|(known, _)| known.as_str());
            assert_eq!(known, Some(receipt), "an answer with another receipt");
        } else if recording.parts.len() == 1 && given.is_some() {
            let whole = header(response, "upload-length") == header(response, "upload-offset");
            assert!(!whole, "{errand:?}: the end is shown before the commit");
        }
        if self.chance.percent(20) {
            return self.tell(format!("the answer {status} to {errand:?} is lost"));
        }
        self.tell(format!("{status} {given:?} to {errand:?}"));
        let recording = &mut self.recordings[errand.recording];
        if let Some(given) = given {
            recording.believed[errand.part] = given;
        }
        if let Some(receipt) = receipt(response) {
            recording.receipt = Some(receipt.to_owned());
        }
        if status == 404 || status == 410 {
            recording.believed[errand.part] = 0;
        }
    }

    /// Somebody calls; the voicemail's sessions become recordings.
    fn call(&mut self) {
        let caller = *self.chance.pick(&CALLERS).expect("a caller");
        let to = if self.chance.percent(40) {
            VOICEMAIL
        } else {
            BOB
        };
        let answers = [Answers::Reject(486), Answers::Ring, Answers::Accept];
        let answers = *self.chance.pick(&answers).expect("an answer");
        self.tell(format!("{caller} calls {to}, bob does {answers:?}"));
        self.world.answer("bob", answers);
        self.connect(caller);
        let call = self.world.call(caller, to);
        self.world.advance(self.chance.below(40_000) as i64);
        self.world
            .act(caller, |agent, now| agent.hang_up(call, None, None, now));
        self.take_sessions();
    }

    fn connect(&mut self, phone: &str) {
        if self.world.get(phone).flow.is_empty() && !self.world.is_dead() {
            self.world.connect(phone);
        }
    }

    /// Every session that a telephone was given begins a recording, or two of which only one can be left.
    fn take_sessions(&mut self) {
        for caller in CALLERS {
            let events = std::mem::take(&mut self.world.get(caller).events);
            for event in events {
                let Event::Call {
                    event: CallEvent::Info { body, .. },
                    ..
                } = event
                else {
                    continue;
                };
                let token = SessionInfo::parse(&body).expect("session info").id;
                if self.recordings.iter().all(|known| known.token != token) {
                    self.record(&token);
                    if self.chance.percent(15) {
                        self.record(&token);
                    }
                }
            }
        }
    }

    fn record(&mut self, token: &str) {
        let claims = verify_session(token, &self.world.settings.token_keys).expect("a session");
        let number = self.recordings.len();
        let deposit = format!("6ba7b810-9dad-11d1-80b4-{number:012x}");
        self.tell(format!(
            "recording {number} for session {}",
            claims.session()
        ));
        let recording = Recording::new(token.to_owned(), &claims, deposit, &mut self.chance);
        self.recordings.push(recording);
    }

    fn callee(&mut self) {
        if let Some(wish) = Wish::about(&self.world, &mut self.chance) {
            self.wish(&wish);
        }
    }

    /// The owner signs in and asks for something, at once.
    fn wish(&mut self, wish: &Wish) -> Option<Response> {
        self.tell(format!("the owner: {} {}", wish.method, wish.path));
        self.restores = wish.restores();
        let token = self.login()?;
        let mut visit = match Visit::new(&self.world, &wish.sent(&token)) {
            Ok(visit) => visit,
            Err(response) => panic!("{response:?}"),
        };
        for _ in 0..ROUNDS {
            if let Some(response) = self.world.turn(&mut visit).ok()? {
                let fine = [200, 201, 204, 404, 409].contains(&response.status);
                assert!(fine, "{} {}: {response:?}", wish.method, wish.path);
                return Some(response);
            }
        }
        panic!("the owner gets no answer");
    }

    /// A sign-in with the password; nothing if the process dies meanwhile.
    fn login(&mut self) -> Option<String> {
        self.world.kill_after(None);
        Some(self.world.token("bob"))
    }

    fn pass_time(&mut self) {
        match self.chance.below(100) {
            0..60 => self.world.advance(self.chance.below(5_000) as i64),
            60..85 => self.world.advance(MINUTE_MS),
            longer => {
                let ms = match longer {
                    85..90 => HOUR_MS,
                    90..94 => DAY_MS,
                    94..98 => 3 * DAY_MS,
                    _ => 10 * DAY_MS,
                };
                self.tell(format!("{ms} ms pass"));
                self.sleep(ms);
            }
        }
    }

    /// A long time passes, in which no telephone is on; then Bob's comes back.
    fn sleep(&mut self, ms: i64) {
        self.world.blob_store_down.set(false);
        for phone in ["anna", "alice", "bob"] {
            self.world.disconnect(phone);
        }
        self.world.advance(ms);
        self.connect("bob");
    }

    fn rotate(&mut self) {
        self.tell("keys are rotated".to_owned());
        let secret = self.chance.bytes();
        self.keys.rotate(&mut self.world.settings, secret);
    }

    fn restart(&mut self) {
        self.tell("the process died".to_owned());
        self.under_way.clear();
        self.world.restart();
        self.connect("bob");
        self.take_sessions();
    }

    /// Nothing breaks any more: every message that may be left is left, and the owner knows.
    fn heal(&mut self) {
        self.tell("everything heals".to_owned());
        self.world.blob_store_down.set(false);
        self.restart();
        for number in 0..self.recordings.len() {
            if !self.recordings[number].discarded {
                self.deliver(number);
            }
        }
        self.world.advance(10 * MINUTE_MS);
        self.check();
        self.owner_knows();
    }

    /// The caller goes on as our client does: HEAD, then the rest, a POST where nothing is known.
    fn deliver(&mut self, number: usize) {
        let mut refused = String::new();
        for _ in 0..ROUNDS {
            for part in 0..self.recordings[number].parts.len() {
                let head = self.sent_now(number, part, Ask::Head);
                let end = self.recordings[number].parts[part].len();
                let ask = match header(&head, "upload-offset").map(str::parse) {
                    _ if receipt(&head).is_some() => return self.keeps(number, &head),
                    Some(Ok(from)) => Ask::Patch {
                        from,
                        to: end,
                        breaks: false,
                    },
                    _ => Ask::Create,
                };
                let errand = format!("{ask:?} of {number}, part {part}");
                let answer = self.sent_now(number, part, ask);
                self.tell(format!(
                    "{} then {} to {errand}",
                    head.status, answer.status
                ));
                if answer.status >= 400 {
                    refused = refusal(&answer).1;
                }
            }
        }
        let recording = &self.recordings[number];
        // A revoked session opens nothing any more, not even what it left.
        let state = self.session_state(recording);
        let kept = recording.receipt.is_none() || state == "revoked";
        assert!(kept, "recording {number} lost its receipt: {refused}");
        let over = state != "pending" || recording.expires_at_ms <= self.world.now_ms;
        let fine = REFUSED.contains(&refused.as_str()) && over;
        assert!(fine, "recording {number} does not arrive: {refused}");
    }

    fn session_state(&self, recording: &Recording) -> String {
        let query = format!(
            "SELECT CASE WHEN state = 'pending' AND id IN (SELECT session_id FROM deposits) THEN 'deposited' ELSE state END FROM sessions WHERE id = '{}'",
            recording.session
        );
        let rows = self.world.rows(&Object::Mailbox(BOB.to_owned()), &query);
        rows.first().map_or_else(String::new, |row| row.text(0))
    }

    fn keeps(&self, number: usize, head: &Response) {
        if let Some(known) = &self.recordings[number].receipt {
            assert_eq!(receipt(head), Some(&**known), "a receipt never changes");
        }
    }

    /// One request to its answer, in a world where nothing breaks.
    fn sent_now(&mut self, number: usize, part: usize, ask: Ask) -> Response {
        let errand = Errand {
            recording: number,
            part,
            ask,
        };
        let recording = &self.recordings[number];
        let path = recording.path(part);
        let sent: Sent<'_> = recording.sent(&errand, &path);
        let mut visit = match Visit::new(&self.world, &sent) {
            Ok(visit) => visit,
            Err(response) => return response,
        };
        loop {
            let turned = self.world.turn(&mut visit).expect("nothing breaks");
            while self.world.carry_out_one() {}
            if let Some(response) = turned {
                return response;
            }
        }
    }

    /// Bob's telephone shows the mailbox's counts, and the webhook got every message, always in the same words.
    fn owner_knows(&mut self) {
        let counts = "SELECT new_count, old_count FROM mailbox";
        let rows = self.world.rows(&Object::Mailbox(BOB.to_owned()), counts);
        let shown = self.world.shown_counts("bob");
        assert_eq!(
            shown.map(|(new, old)| (i64::from(new), i64::from(old))),
            rows.first().map(|row| (row.integer(0), row.integer(1))),
            "the telephone shows other counts"
        );
        for (_, message) in self.ledger.committed.values() {
            let posts = self.world.posts.iter();
            let mut bodies: Vec<_> = posts.filter(|(tag, _)| tag.contains(message)).collect();
            bodies.dedup();
            assert_eq!(bodies.len(), 1, "the webhook heard of message {message}");
        }
    }

    /// After a year nothing is left but what the owner saved.
    fn rest(&mut self) {
        self.sleep(400 * DAY_MS);
        self.check();
        let mailbox = Object::Mailbox(BOB.to_owned());
        let left = |query: &str| self.world.count(&mailbox, query);
        for query in [
            "SELECT COUNT(*) FROM deposits",
            "SELECT COUNT(*) FROM deposit_parts",
            "SELECT COUNT(*) FROM sessions",
            "SELECT COUNT(*) FROM outbox",
            "SELECT COUNT(*) FROM messages WHERE state <> 'saved'",
        ] {
            assert_eq!(left(query), 0, "{query}");
        }
        let blobs = "SELECT COUNT(*) FROM message_parts WHERE blob_key IS NOT NULL";
        assert_eq!(
            self.world.blobs.borrow().len() as i64,
            left(blobs),
            "blobs are left"
        );
        for upload in self.world.objects() {
            if matches!(upload, Object::Upload(_)) {
                let bytes = self.world.count(&upload, "SELECT COUNT(*) FROM bytes");
                assert_eq!(bytes, 0, "{upload:?} still has bytes");
            }
        }
    }
}
