//! The 49 messages of RFC 4475, read from the shared folder beside the repository, each with the
//! behaviour that `expected.tsv` there wants.

use std::{fs, path::PathBuf};

use sip::{Message, ParseError, Scheme, message::parse};

struct Case {
    name: String,
    class: String,
    behaviour: String,
    bytes: Vec<u8>,
}

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sip-torture");
    if !folder.is_dir() {
        println!("skipped: no ../shared");
        return None;
    }
    Some(folder)
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    cases().into_iter().map(|case| case.bytes).collect()
}

fn cases() -> Vec<Case> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let table = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let cases: Vec<Case> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('\t').collect();
            Case {
                name: cells[0].to_owned(),
                class: cells[2].to_owned(),
                behaviour: cells[3].to_owned(),
                bytes: fs::read(folder.join(format!("{}.dat", cells[0]))).unwrap(),
            }
        })
        .collect();
    assert_eq!(cases.len(), 49);
    cases
}

#[test]
fn every_message_that_must_be_accepted_is_read_and_survives_a_round_trip() {
    for case in cases()
        .iter()
        .filter(|case| matches!(case.class.as_str(), "V" | "A"))
    {
        let message = parse(&case.bytes).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let again = parse(&message.to_bytes())
            .unwrap_or_else(|error| panic!("{} printed: {error}", case.name));
        assert_eq!(
            without_length(again),
            without_length(message),
            "{}",
            case.name
        );
    }
}

/// The length of the body is written anew, in our place and spelling.
fn without_length(mut message: Message) -> Message {
    match &mut message {
        Message::Request(request) => request.remove_header("Content-Length"),
        Message::Response(response) => response.remove_header("Content-Length"),
    }
    message
}

#[test]
fn every_invalid_message_is_refused_with_its_status() {
    for case in cases().iter().filter(|case| case.class == "I") {
        let error = parse(&case.bytes)
            .err()
            .unwrap_or_else(|| panic!("{} was accepted", case.name));
        let expected = if case.behaviour.starts_with("drop") {
            None
        } else if case.behaviour.starts_with("505") {
            Some(505)
        } else {
            Some(400)
        };
        assert_eq!(error.status, expected, "{}: {error}", case.name);
        let answered = error.answer.as_ref().map(sip::Response::status);
        assert_eq!(answered, expected, "{}", case.name);
    }
}

#[test]
fn what_a_layer_above_refuses_shows_it_why() {
    for case in cases().iter().filter(|case| case.class == "S") {
        check_semantic(case, parse(&case.bytes));
    }
}

fn check_semantic(case: &Case, verdict: Result<Message, ParseError>) {
    let name = case.name.as_str();
    if matches!(name, "insuf" | "multi01" | "mcl01") {
        let answer = verdict.unwrap_err().answer.expect("a way back");
        assert_eq!(answer.status(), 400, "{name}");
        return;
    }
    let message = verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
    let Message::Request(request) = message else {
        assert_eq!(name, "bcast");
        return;
    };
    match name {
        "badbranch" => assert!(!request.top_via().unwrap().has_unique_branch()),
        "unkscm" => assert_eq!(
            request.uri().scheme,
            Scheme::Other("nobodyknowsthisscheme".into())
        ),
        "novelsc" => assert_eq!(request.uri().scheme, Scheme::Other("soap.beep".into())),
        "unksm2" => assert!(!request.to().uri.is_sip() && !request.from().uri.is_sip()),
        "bext01" => assert!(
            request.header("Require").is_some() && request.header("Proxy-Require").is_some()
        ),
        "invut" => assert_eq!(request.content_type(), "application/unknownformat"),
        "regaut01" => assert!(
            request
                .header("Authorization")
                .unwrap()
                .starts_with("NoOneKnowsThisScheme")
        ),
        "zeromf" => assert_eq!(request.max_forwards(), 0),
        "sdp01" => assert_eq!(request.header("Accept"), Some("text/nobodyKnowsThis")),
        other => panic!("no expectation for {other}"),
    }
}

#[test]
fn liberal_cases_are_either_repaired_or_refused_with_400() {
    for case in cases().iter().filter(|case| case.class == "L") {
        if let Err(error) = parse(&case.bytes) {
            assert_eq!(error.status, Some(400), "{}", case.name);
        }
    }
}
