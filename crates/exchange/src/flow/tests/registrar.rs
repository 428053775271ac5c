//! Every form of REGISTER (RFC 3261 section 10.3, RFC 3327, RFC 5626, RFC 5627).

use sip::{Message, Response, credentials::Credentials};

use crate::testing::{Answers, World};

const INSTANCE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-000000000001>\"";

/// Bob, whose login token stands for his password, on one connection.
struct Bob {
    world: World,
    token: String,
    sequence: u32,
}

impl Bob {
    fn new() -> Self {
        let mut world = World::new();
        let token = world.token("bob");
        world.phone("bob", None, Credentials::None);
        Self {
            world,
            token,
            sequence: 0,
        }
    }

    /// Sends a REGISTER with these header lines and gives back its answer.
    fn register(&mut self, lines: &str) -> Response {
        self.register_from("bob", lines)
    }

    fn register_from(&mut self, phone: &str, lines: &str) -> Response {
        self.sequence += 1;
        let text = format!(
            "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS b.invalid;branch=z9hG4bKr{0}\r\nMax-Forwards: 70\r\nFrom: <sip:bob@localhost>;tag=1\r\nTo: <sip:bob@localhost>\r\nCall-ID: r\r\nCSeq: {0} REGISTER\r\nAuthorization: Bearer {1}\r\n{lines}Content-Length: 0\r\n\r\n",
            self.sequence, self.token
        );
        self.world.raw(phone, &text);
        let mut received = self.world.get(phone).received.iter().rev();
        let answer = received.find_map(|message| match message {
            Message::Response(response) if response.call_id() == "r" => Some(response.clone()),
            _ => None,
        });
        answer.expect("an answer")
    }

    /// The contacts that stand now, as `user q`, sorted.
    fn contacts(&mut self) -> Vec<String> {
        let answer = self.register("");
        assert_eq!(answer.status(), 200);
        names(&answer)
    }
}

fn names(answer: &Response) -> Vec<String> {
    let mut names: Vec<String> = answer
        .contacts()
        .iter()
        .map(|contact| {
            let user = contact.uri.decoded_user().unwrap_or_default();
            let q = contact.params.get("q").unwrap_or("1");
            format!("{user} {q}")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn contacts_are_added_asked_for_and_removed_one_by_one_and_all_at_once() {
    let mut bob = Bob::new();
    let answer = bob.register(
        "Contact: <sip:desk@b.invalid>;q=0.5;expires=100, <sip:mobile@b.invalid>\r\nContact: \"Lab\" <sip:lab@b.invalid>;expires=9999999\r\nExpires: 200\r\n",
    );
    assert_eq!(names(&answer), ["desk 0.500", "lab 1", "mobile 1"]);
    let life = |user: &str| {
        let contacts = answer.contacts();
        let found = contacts
            .iter()
            .find(|contact| contact.uri.user.as_deref() == Some(user));
        let expires = found.and_then(|contact| contact.params.get("expires").map(str::to_owned));
        expires.expect("a life")
    };
    assert_eq!(
        [life("desk"), life("mobile"), life("lab")],
        ["100", "200", "3600"],
        "its own, the common one, the longest"
    );
    assert_eq!(
        bob.contacts(),
        ["desk 0.500", "lab 1", "mobile 1"],
        "a query"
    );
    bob.register("Contact: <sip:desk@B.invalid>;expires=0\r\n");
    assert_eq!(
        bob.contacts(),
        ["lab 1", "mobile 1"],
        "hosts are written any way"
    );
    for wrong in [
        "Contact: *\r\n",
        "Contact: *\r\nExpires: 60\r\n",
        "Contact: *\r\nContact: <sip:x@b.invalid>\r\nExpires: 0\r\n",
    ] {
        assert_eq!(bob.register(wrong).status(), 400, "{wrong}");
    }
    assert_eq!(bob.contacts().len(), 2);
    assert_eq!(bob.register("Contact: *\r\nExpires: 0\r\n").status(), 200);
    assert!(bob.contacts().is_empty());
}

#[test]
fn a_life_that_is_too_brief_or_an_old_message_changes_nothing() {
    let mut bob = Bob::new();
    let brief = bob.register("Contact: <sip:a@b.invalid>, <sip:c@b.invalid>;expires=59\r\n");
    assert_eq!(brief.status(), 423);
    assert_eq!(brief.header("Min-Expires"), Some("60"));
    assert!(bob.contacts().is_empty(), "all or nothing");
    assert_eq!(bob.register("Contact: <sip:a@b.invalid>\r\n").status(), 200);
    bob.sequence -= 1;
    let old = bob.register("Contact: <sip:a@b.invalid>;expires=0\r\n");
    assert_eq!(old.status(), 500);
    assert_eq!(bob.contacts(), ["a 1"]);
}

#[test]
fn a_registration_lasts_as_long_as_it_says() {
    let mut bob = Bob::new();
    bob.register("Contact: <sip:a@b.invalid>;expires=60\r\n");
    bob.world.advance(59_000);
    assert_eq!(bob.contacts(), ["a 1"]);
    bob.world.advance(2_000);
    assert!(bob.contacts().is_empty());
}

#[test]
fn outbound_keeps_one_contact_for_each_flow_of_an_instance_and_names_it() {
    let mut bob = Bob::new();
    let first = format!(
        "Contact: <sip:one@b.invalid>;reg-id=1;{INSTANCE}\r\nSupported: path, outbound, gruu\r\n"
    );
    let answer = bob.register(&first);
    assert_eq!(answer.header("Require"), Some("outbound"));
    assert_eq!(answer.header("Flow-Timer"), Some("120"));
    let contact = answer.contacts().remove(0);
    assert_eq!(contact.params.get("reg-id"), Some("1"));
    assert_eq!(
        contact.params.get("pub-gruu"),
        Some("sip:bob@localhost;gr=urn:uuid:00000000-0000-0000-0000-000000000001")
    );
    bob.register(&first.replace("one@", "two@"));
    assert_eq!(bob.contacts(), ["two 1"], "the newer one of the same flow");
    bob.register(
        &first
            .replace("one@", "three@")
            .replace("reg-id=1", "reg-id=2"),
    );
    assert_eq!(bob.contacts(), ["three 1", "two 1"]);
    let both = first.replace(
        "\r\nSupported",
        &format!(", <sip:y@b.invalid>;reg-id=4;{INSTANCE}\r\nSupported"),
    );
    assert_eq!(bob.register(&both).status(), 400, "one flow at a time");
    let plain = bob.register("Contact: <sip:plain@b.invalid>\r\n");
    assert_eq!(plain.header("Require"), None);
}

#[test]
fn a_proxy_in_front_must_keep_its_flows_and_stands_in_the_way_of_calls() {
    let mut bob = Bob::new();
    let behind = |path: &str| {
        format!(
            "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKhop\r\n{path}Contact: <sip:far@192.0.2.9>;reg-id=1;{INSTANCE}\r\nSupported: path, outbound\r\n"
        )
    };
    for (path, status) in [
        ("", 439),
        ("Path: <sip:edge.example;lr>\r\n", 439),
        (
            "Path: <sip:near.example;lr>, <sip:far.example;lr;ob>\r\n",
            200,
        ),
    ] {
        assert_eq!(bob.register(&behind(path)).status(), status, "{path}");
    }
    bob.world.answer("bob", Answers::Ring);
    bob.world.phone("anna", None, Credentials::None);
    bob.world.call("anna", "sip:bob@localhost");
    let received = &bob.world.get("bob").received;
    let Some(Message::Request(invite)) = received.last() else {
        panic!("no call");
    };
    assert_eq!(invite.uri().to_string(), "sip:far@192.0.2.9");
    let routes: Vec<String> = invite.routes().iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["<sip:near.example;lr>", "<sip:far.example;lr;ob>"]);
}

#[test]
fn a_gruu_rings_its_own_instance_and_nobody_else() {
    let mut bob = Bob::new();
    let other = INSTANCE.replace("0001", "0002");
    bob.register(&format!("Contact: <sip:one@b.invalid>;{INSTANCE}\r\n"));
    bob.register(&format!("Contact: <sip:two@b.invalid>;{other}\r\n"));
    bob.world.answer("bob", Answers::Ring);
    bob.world.phone("anna", None, Credentials::None);
    let rung = |bob: &mut Bob, gruu: &str| {
        bob.world.get("bob").received.clear();
        let call = bob.world.call("anna", gruu);
        let received = bob.world.get("bob").received.iter();
        let invites = received.filter_map(|message| match message {
            Message::Request(request) if request.method() == "INVITE" => {
                request.uri().decoded_user()
            }
            _ => None,
        });
        let invites: Vec<String> = invites.collect();
        bob.world
            .act("anna", |agent, now| agent.hang_up(call, None, None, now));
        invites
    };
    let gruu = "sip:bob@localhost;gr=urn:uuid:00000000-0000-0000-0000-000000000002";
    assert_eq!(rung(&mut bob, gruu), ["two"]);
    assert_eq!(rung(&mut bob, "sip:bob@localhost").len(), 2);
    let nobody = gruu.replace("0002", "0003");
    assert!(rung(&mut bob, &nobody).is_empty());
    assert_eq!(bob.world.sessions.len(), 1, "the voicemail answers for it");
}

#[test]
fn several_connections_of_one_instance_ring_once_and_stand_in_for_each_other() {
    let mut bob = Bob::new();
    for (phone, number) in [("bob", 1), ("spare", 2)] {
        if phone == "spare" {
            bob.world.phone("spare", None, Credentials::None);
        }
        bob.world.answer(phone, Answers::Accept);
        // The newest one is preferred.
        bob.world.advance(1_000);
        let contact = format!("Contact: <sip:c{number}@b.invalid>;reg-id={number};{INSTANCE}\r\n");
        assert_eq!(bob.register_from(phone, &contact).status(), 200);
    }
    bob.world.phone("anna", None, Credentials::None);
    bob.world.call("anna", "sip:bob@localhost");
    let rang =
        |bob: &mut Bob, phone: &str| bob.world.statuses(phone).contains(&"INVITE".to_owned());
    assert!(rang(&mut bob, "spare") && !rang(&mut bob, "bob"));
    bob.world.die("spare");
    bob.world.call("anna", "sip:bob@localhost");
    assert!(
        rang(&mut bob, "bob"),
        "the other connection of the instance"
    );
    assert!(bob.world.sessions.is_empty());
}

#[test]
fn routes_behind_a_contact_are_its_own_and_lead_nowhere_else() {
    let mut world = World::new();
    let route = super::access::talking(&mut world);
    let info = |route: &str| {
        format!(
            "INFO sip:far@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKp\r\nMax-Forwards: 70\r\nRoute: {route}, <sip:near.example;lr>\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@localhost>;tag=2\r\nCall-ID: raw\r\nCSeq: 2 INFO\r\nContent-Length: 0\r\n\r\n"
        )
    };
    world.raw("anna", &info(&route));
    let Some(Message::Request(passed)) = world.get("bob").received.last() else {
        panic!("nothing came through");
    };
    let routes: Vec<String> = passed.routes().iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["<sip:near.example;lr>"]);
    // A voicemail has nothing behind it.
    world.answer("bob", Answers::Reject(486));
    world.call("anna", "sip:bob@localhost");
    let received = world.get("anna").received.iter().rev();
    let mut answers = received.filter_map(|message| match message {
        Message::Response(response) if response.is_success() => {
            response.record_routes().first().map(ToString::to_string)
        }
        _ => None,
    });
    let voicemail = answers.next().expect("a dialog");
    world.raw("anna", &info(&voicemail));
    assert!(world.statuses("anna").contains(&"403 INFO".to_owned()));
}
