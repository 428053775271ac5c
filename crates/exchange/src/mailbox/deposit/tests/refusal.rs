//! What is refused, with which code, and that nothing of it is kept.

use super::world::{DEPOSIT, NOW, Sent, World, header, offset, receipt, refusal, sha256, speech};
use crate::{mailbox::session, signal::Caller};

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn reservations(world: &World) -> i64 {
    world.number("SELECT COUNT(*) FROM deposit_parts WHERE state <> 'dead'")
}

#[test]
fn a_bad_token_is_refused_before_anything_is_reserved() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let mut forged = token.clone();
    forged.replace_range(token.len() - 4.., "AAAA");
    assert_eq!(
        refusal(&world.ask(&Sent::whole(&forged, &sound, &[]))),
        refused(401, "token_forged")
    );
    assert_eq!(
        refusal(&world.ask(&Sent::whole("nonsense", &sound, &[]))),
        refused(401, "token_malformed")
    );
    world.now_ms = NOW + world.settings.session_ttl_ms + 1000;
    assert_eq!(
        refusal(&world.ask(&Sent::whole(&token, &sound, &[]))),
        refused(401, "token_expired")
    );
    assert_eq!(reservations(&world), 0);
}

#[test]
fn a_revoked_session_is_refused_by_the_mailbox_although_the_session_store_lags() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    world
        .at_mailbox(|sql, _| sql.query("UPDATE sessions SET state = 'revoked'", &[]))
        .unwrap();
    assert_eq!(
        refusal(&world.ask(&Sent::whole(&token, &sound, &[]))),
        refused(403, "session_revoked")
    );
    // What was under way ends at its commit, and stays ended.
    let last = world.ask(&Sent::patch(path, &token, 0, &sound));
    assert_eq!(refusal(&last), refused(403, "session_revoked"));
    assert_eq!(world.ask(&Sent::new("HEAD", path, &token)).status, 410);
    assert_eq!(world.upload_rows(), 0);
    assert_eq!(reservations(&world), 0);
    assert_eq!(world.current(&token)["state"], "revoked");
    assert_eq!(world.messages().len(), 0);
}

#[test]
fn a_caller_blocked_meanwhile_is_refused() {
    let world = World::new();
    let carol = Caller {
        address: Some("sip:carol@localhost".to_owned()),
        verified: true,
        ..Caller::default()
    };
    let (token, sound) = (world.session_of(&carol), speech(50, 60));
    world
        .at_mailbox(|sql, _| {
            sql.query(
                "INSERT INTO blocks (address, since) VALUES ('sip:carol@localhost', 0)",
                &[],
            )
        })
        .unwrap();
    let answer = world.ask(&Sent::whole(&token, &sound, &[]));
    assert_eq!(refusal(&answer), refused(403, "session_revoked"));
}

#[test]
fn another_session_neither_sees_nor_touches_an_upload() {
    let world = World::new();
    let (mine, other, sound) = (world.session(), world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(
        &mine,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    world.ask(&Sent::patch(path, &mine, 0, &sound[..100]));
    for request in [
        Sent::new("HEAD", path, &other),
        Sent::new("DELETE", path, &other),
        Sent::patch(path, &other, 100, &sound[100..]),
    ] {
        assert_eq!(world.ask(&request).status, 404, "{}", request.method);
    }
    assert_eq!(offset(&world.ask(&Sent::new("HEAD", path, &mine))), 100);
}

#[test]
fn a_full_mailbox_takes_no_reservation() {
    let mut world = World::new();
    world.settings.mailbox_quota_bytes = 5_000;
    let (one, two, sound) = (world.session(), world.session(), speech(50, 60));
    assert!((2_501..5_000).contains(&sound.len()));
    let created = world.ask(&Sent::creation(
        &one,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    assert_eq!(created.status, 201);
    let second = world.ask(&Sent::whole(&two, &sound, &[]));
    assert_eq!(
        refusal(&second),
        refused(507, "mailbox_full"),
        "a reservation counts"
    );
    world.ask(&Sent::new(
        "DELETE",
        header(&created, "location").unwrap(),
        &one,
    ));
    assert_eq!(world.ask(&Sent::whole(&two, &sound, &[])).status, 201);
    assert_eq!(
        refusal(&world.ask(&Sent::whole(&one, &sound, &[]))),
        refused(507, "mailbox_full")
    );
}

#[test]
fn a_mailbox_that_filled_up_meanwhile_may_have_room_later() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(&token, None, &[("deposit_id", DEPOSIT)]));
    let path = header(&created, "location").unwrap();
    world.settings.mailbox_quota_bytes = 1_000;
    let last = || Sent::patch(path, &token, 0, &sound).header("upload-length", sound.len());
    let full = world.ask(&last());
    assert_eq!(refusal(&full), refused(503, "mailbox_full"));
    assert_eq!(
        offset(&world.ask(&Sent::new("HEAD", path, &token))),
        0,
        "the end is not shown"
    );
    world.settings.mailbox_quota_bytes = 1 << 20;
    assert!(receipt(&world.ask(&last())).is_some());
}

#[test]
fn limits_go_by_the_kind_of_the_part() {
    let mut world = World::new();
    (
        world.settings.max_voice_bytes,
        world.settings.max_video_bytes,
    ) = (10_000, 100_000);
    let token = world.session();
    for (kind, length, status) in [
        ("voice", 10_000, 201),
        ("voice", 10_001, 413),
        ("video", 10_001, 201),
        ("video", 100_001, 413),
        ("text", 16_384, 201),
        ("text", 16_385, 413),
    ] {
        let answer = world.ask(&Sent::creation(&token, Some(length), &[("kind", kind)]));
        assert_eq!(answer.status, status, "{kind} {length}");
        if status == 413 {
            assert_eq!(refusal(&answer).1, "upload_too_large");
        }
    }
    let by_type = [("filetype", "video/webm")];
    assert_eq!(
        world
            .ask(&Sent::creation(&token, Some(10_001), &by_type))
            .status,
        201
    );
}

#[test]
fn a_streamed_body_stops_at_the_limit() {
    let mut world = World::new();
    (
        world.settings.max_voice_bytes,
        world.settings.max_video_bytes,
    ) = (100_000, 100_000);
    let (token, sound) = (world.session(), speech(1000, 200));
    let created = world.ask(&Sent::creation(&token, None, &[("deposit_id", DEPOSIT)]));
    let path = header(&created, "location").unwrap();
    let mut endless = Sent::patch(path, &token, 0, &sound);
    endless.headers.retain(|(name, _)| name != "content-length");
    assert_eq!(
        refusal(&world.ask(&endless)),
        refused(413, "upload_too_large")
    );
    let announced = world.ask(&Sent::patch(path, &token, 65_536, &sound));
    assert_eq!(refusal(&announced), refused(413, "upload_too_large"));
    assert_eq!(offset(&world.ask(&Sent::new("HEAD", path, &token))), 65_536);
}

#[test]
fn one_session_cannot_begin_without_end() {
    let world = World::new();
    let token = world.session();
    let begin = || world.ask(&Sent::creation(&token, Some(10), &[])).status;
    let statuses: Vec<u16> = (0..11).map(|_| begin()).collect();
    assert_eq!(
        statuses,
        [201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 429]
    );
}

#[test]
fn a_length_that_is_told_later_counts_as_all_that_it_may_become() {
    let world = World::new();
    let token = world.session();
    // What has no kind yet may still become a video.
    let begin = |number: u32, length| {
        let id = format!("00000000-0000-4000-8000-00000000000{number}");
        let values = [("deposit_id", id.as_str()), ("kind", "video")];
        let known = if number == 1 { 1 } else { 2 };
        world
            .ask(&Sent::creation(&token, length, &values[..known]))
            .status
    };
    assert_eq!([0, 1, 2].map(|number| begin(number, None)), [201, 201, 429]);
    let most = usize::try_from(world.settings.max_video_bytes).unwrap();
    assert_eq!(begin(0, Some(most)), 201);
    let voice = usize::try_from(world.settings.max_voice_bytes).unwrap();
    assert_eq!(begin(1, Some(voice + 1)), 413);
    assert_eq!(
        begin(2, Some(voice + 1)),
        429,
        "said later, it counts as well"
    );
}

#[test]
fn one_network_cannot_reserve_a_mailbox_away_from_others() {
    let mut world = World::new();
    let from = |network: &str| Caller {
        network: Some(network.to_owned()),
        ..Caller::default()
    };
    let large = usize::try_from(world.settings.max_video_bytes).unwrap();
    let statuses = |world: &World, network: &str| {
        let caller = from(network);
        [0; 4].map(|_| {
            let token = world.session_of(&caller);
            let values = [("kind", "video")];
            world
                .ask(&Sent::creation(&token, Some(large), &values))
                .status
        })
    };
    world.settings.limit_sessions_per_hour = 20;
    assert_eq!(statuses(&world, "192.0.2.1"), [201, 201, 429, 429]);
    assert_eq!(statuses(&world, "192.0.2.2"), [201, 201, 429, 429]);
    world.settings.limit_sessions_per_hour = 0;
    assert_eq!(statuses(&world, "192.0.2.3"), [201; 4], "turned off");
}

#[test]
fn one_network_cannot_fill_a_mailbox_for_others() {
    let mut world = World::new();
    let sound = speech(50, 60);
    world.settings.limit_sessions_per_hour = 20;
    world.settings.mailbox_quota_bytes = sound.len() as u64 * 8;
    let from = |network: &str, verified| Caller {
        network: Some(network.to_owned()),
        verified,
        ..Caller::default()
    };
    let leave = |world: &World, caller: &Caller| {
        let issued = world.at_mailbox(|sql, context| session::issue(sql, context, caller, "voice"));
        let token = issued
            .unwrap()
            .map_err(|refusal| format!("{refusal:?}"))?
            .token;
        let answer = world.ask(&Sent::whole(&token, &sound, &[]));
        if answer.status < 300 {
            return Ok(());
        }
        Err(refusal(&answer).1)
    };
    let (flood, other) = (from("192.0.2.1", false), from("192.0.2.2", false));
    for _ in 0..5 {
        assert_eq!(leave(&world, &flood), Ok(()), "there is plenty of room");
    }
    let before = world.session_of(&flood);
    assert_eq!(leave(&world, &flood), Err("network_share_full".to_owned()));
    assert_eq!(leave(&world, &other), Ok(()));
    assert_eq!(
        leave(&world, &flood),
        Err("Limited".to_owned()),
        "told at the call"
    );
    let late = world.ask(&Sent::whole(&before, &sound, &[]));
    assert_eq!(refusal(&late), refused(507, "network_share_full"));
    assert_eq!(leave(&world, &other), Ok(()), "its own share");
    assert_eq!(
        leave(&world, &from("192.0.2.1", true)),
        Ok(()),
        "who is known is no flood"
    );
}

#[test]
fn a_declared_hash_that_does_not_fit_ends_the_upload() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let hash = sha256(b"something else");
    let values = [("deposit_id", DEPOSIT), ("sha256", hash.as_str())];
    let whole = world.ask(&Sent::whole(&token, &sound, &values));
    assert_eq!(refusal(&whole), refused(422, "digest_mismatch"));
    let created = world.ask(&Sent::creation(&token, Some(sound.len()), &values));
    let path = header(&created, "location").unwrap();
    let last = world.ask(&Sent::patch(path, &token, 0, &sound));
    assert_eq!(refusal(&last), refused(422, "digest_mismatch"));
    assert_eq!(world.ask(&Sent::new("HEAD", path, &token)).status, 410);
    assert_eq!((world.upload_rows(), reservations(&world)), (0, 0));
    assert_eq!(world.messages().len(), 0);
}

#[test]
fn a_wrong_checksum_takes_nothing_of_its_request() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    world.ask(&Sent::patch(path, &token, 0, &sound[..100]));
    let with = |checksum: &str| {
        Sent::patch(path, &token, 100, &sound[100..]).header("upload-checksum", checksum)
    };
    let wrong = world.ask(&with("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert_eq!(refusal(&wrong), refused(460, "checksum_mismatch"));
    assert_eq!(offset(&world.ask(&Sent::new("HEAD", path, &token))), 100);
    let unknown = world.ask(&with("crc32 AAAA"));
    assert_eq!(refusal(&unknown), refused(400, "checksum_unsupported"));
    let digest = <sha1::Sha1 as sha1::Digest>::digest(&sound[100..]);
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    assert!(receipt(&world.ask(&with(&format!("sha1 {base64}")))).is_some());
}

#[test]
fn a_broken_body_with_a_checksum_counts_for_nothing() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(1000, 200));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    let mut broken = Sent::patch(path, &token, 0, &sound)
        .header("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    broken.breaks_at = Some(100_000);
    assert!(world.send(&broken).is_err());
    assert_eq!(offset(&world.ask(&Sent::new("HEAD", path, &token))), 0);
    assert!(receipt(&world.ask(&Sent::patch(path, &token, 0, &sound))).is_some());
}

#[test]
fn the_protocol_is_kept_to() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    for method in ["HEAD", "PATCH", "DELETE"] {
        let mut foreign = Sent::new(method, path, &token);
        foreign.headers = vec![("tus-resumable".to_owned(), "0.2.2".to_owned())];
        let answer = world.ask(&foreign);
        assert_eq!(
            (answer.status, header(&answer, "tus-version")),
            (412, Some("1.0.0")),
            "{method}"
        );
    }
    let mut untyped = Sent::patch(path, &token, 0, &sound);
    untyped.headers.retain(|(name, _)| name != "content-type");
    assert_eq!(
        refusal(&world.ask(&untyped)),
        refused(415, "wrong_content_type")
    );
    let beyond = [sound.as_slice(), &[0]].concat();
    let long = world.ask(&Sent::patch(path, &token, 0, &beyond));
    assert_eq!(refusal(&long), refused(413, "upload_beyond_length"));
    assert_eq!(
        world
            .ask(&Sent::new("HEAD", "/deposits/unknown.0", &token))
            .status,
        404
    );
}

#[test]
fn the_newest_writer_wins() {
    use crate::upload::Step;
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    let (older, head) = world.begin(&Sent::patch(path, &token, 0, &sound));
    assert!(world.write(&head, older, &sound[..100]).is_none());
    // The client has given its first connection up and goes on from what it sees.
    let (newer, second) = world.begin(&Sent::patch(path, &token, 100, &sound[100..]));
    assert_ne!(newer, older);
    let Some(Step::Answer(stopped)) = world.write(&head, older, &sound[100..200]) else {
        panic!("the old writer goes on");
    };
    assert_eq!(refusal(&stopped), refused(409, "upload_superseded"));
    assert!(world.write(&second, newer, &sound[100..]).is_none());
    let last = world.ask(&Sent::patch(path, &token, sound.len(), &[]));
    assert!(receipt(&last).is_some());
    assert_eq!(
        world.media(world.messages()[0]["id"].as_str().unwrap()),
        sound
    );
}
