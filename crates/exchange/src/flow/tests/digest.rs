//! Digest proofs on a server's terms (RFC 3261 section 22, RFC 7616, RFC 8760).

use sip::{
    Message, Response,
    credentials::Credentials,
    digest::{Login, Signed, answer},
};

use crate::testing::World;

/// Bob's telephone, which proves itself as the test says.
struct Bob {
    world: World,
    sequence: u32,
}

impl Bob {
    fn new() -> Self {
        let mut world = World::new();
        world.phone("bob", None, Credentials::None);
        Self { world, sequence: 0 }
    }

    fn register(&mut self, authorization: &str) -> Response {
        self.sequence += 1;
        let text = format!(
            "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS b.invalid;branch=z9hG4bKd{0}\r\nMax-Forwards: 70\r\nFrom: <sip:bob@localhost>;tag=1\r\nTo: <sip:bob@localhost>\r\nCall-ID: d\r\nCSeq: {0} REGISTER\r\n{authorization}Content-Length: 0\r\n\r\n",
            self.sequence
        );
        self.world.raw("bob", &text);
        let Some(Message::Response(response)) = self.world.get("bob").received.last() else {
            panic!("no answer");
        };
        response.clone()
    }

    /// Answers these challenges for the `nonce_count`th time.
    fn prove(&mut self, challenges: &[String], nonce_count: u32, password: &str) -> Response {
        let signed = Signed {
            method: "REGISTER",
            uri: "sip:localhost",
            cnonce: "c",
            nonce_count,
            body: b"",
        };
        let login = Login {
            user: "bob",
            password,
        };
        let proof = answer(challenges.iter().map(String::as_str), &login, &signed);
        let proof = proof.expect("a proof");
        self.register(&format!("Authorization: {proof}\r\n"))
    }
}

fn challenges(response: &Response) -> Vec<String> {
    assert_eq!(response.status(), 401);
    response
        .headers("WWW-Authenticate")
        .map(str::to_owned)
        .collect()
}

fn is_stale(response: &Response) -> bool {
    challenges(response)
        .iter()
        .all(|challenge| challenge.contains("stale=true"))
}

#[test]
fn one_nonce_serves_as_long_as_its_count_grows() {
    let mut bob = Bob::new();
    let asked = challenges(&bob.register(""));
    for (count, status) in [(1, 200), (2, 200), (5, 200), (5, 401), (4, 401), (6, 200)] {
        let answer = bob.prove(&asked, count, "bob-demo");
        assert_eq!(answer.status(), status, "nc={count}");
        if status == 401 {
            assert!(is_stale(&answer), "the password was right");
        }
    }
}

#[test]
fn an_old_nonce_is_stale_and_a_wrong_password_is_not() {
    let mut bob = Bob::new();
    let asked = challenges(&bob.register(""));
    assert!(!is_stale(&bob.prove(&asked, 1, "guess")));
    bob.world.advance(301_000);
    let late = bob.prove(&asked, 1, "bob-demo");
    assert!(is_stale(&late));
    assert_eq!(bob.prove(&challenges(&late), 1, "bob-demo").status(), 200);
    assert!(
        !is_stale(&bob.prove(&asked, 2, "guess")),
        "an old nonce says nothing about a password"
    );
}

#[test]
fn both_algorithms_and_the_old_form_serve_once_per_count() {
    for keep in ["SHA-256", "MD5"] {
        let mut bob = Bob::new();
        let mut asked = challenges(&bob.register(""));
        asked.retain(|challenge| challenge.contains(keep));
        assert_eq!(asked.len(), 1, "{keep}");
        assert_eq!(bob.prove(&asked, 1, "bob-demo").status(), 200, "{keep}");
    }
    let mut bob = Bob::new();
    let mut asked = challenges(&bob.register(""));
    for challenge in &mut asked {
        *challenge = challenge.replace(", qop=\"auth\"", "");
    }
    assert_eq!(
        bob.prove(&asked, 1, "bob-demo").status(),
        200,
        "without qop"
    );
    assert!(is_stale(&bob.prove(&asked, 1, "bob-demo")), "but once");
}
