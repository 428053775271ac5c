//! Deposits of several parts, lengths declared late, and what may be said when.

use super::world::{DEPOSIT, Sent, World, header, offset, receipt, refusal, speech};

const PDF: &[u8] = b"%PDF-1.7 a short paper";

fn part<'a>(token: &'a str, body: &'a [u8], number: &str, kind: &str) -> Sent<'a> {
    let values = [
        ("deposit_id", DEPOSIT),
        ("part", number),
        ("parts", "2"),
        ("kind", kind),
    ];
    Sent::whole(token, body, &values)
}

#[test]
fn nothing_is_committed_before_all_parts_are_in() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let first = world.ask(&part(&token, &sound, "0", "voice"));
    assert_eq!((first.status, receipt(&first)), (201, None));
    assert_eq!(world.messages().len(), 0);
    assert_eq!(world.current(&token)["state"], "pending");
    assert_eq!(world.current(&token)["deposits"][0]["state"], "held");
    let held = world.ask(&part(&token, &sound, "0", "voice"));
    assert_eq!(
        (held.status, receipt(&held), offset(&held)),
        (201, None, sound.len())
    );

    let second = world.ask(&part(&token, PDF, "1", "attachment"));
    let expected = receipt(&second).unwrap().to_owned();
    assert_eq!(world.messages().len(), 1);
    let claims = deposit::receipt::parse(&expected).unwrap();
    assert_eq!(claims.parts.len(), 2);
    for number in 0..2 {
        let path = format!("/deposits/{DEPOSIT}.{number}");
        let head = world.ask(&Sent::new("HEAD", &path, &token));
        assert_eq!(
            receipt(&head),
            Some(&*expected),
            "every part shows the one receipt"
        );
    }
    assert_eq!(
        receipt(&world.ask(&part(&token, &sound, "0", "voice"))),
        Some(&*expected)
    );
}

#[test]
fn the_order_of_parts_does_not_matter() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    assert_eq!(
        receipt(&world.ask(&part(&token, PDF, "1", "attachment"))),
        None
    );
    assert!(receipt(&world.ask(&part(&token, &sound, "0", "voice"))).is_some());
    let message = &world.messages()[0];
    assert_eq!(message["kind"], "voice");
    assert_eq!(message["duration_ms"], 993);
}

#[test]
fn parts_that_disagree_on_their_number_are_a_conflict() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    world.ask(&part(&token, &sound, "0", "voice"));
    let values = [
        ("deposit_id", DEPOSIT),
        ("part", "1"),
        ("parts", "3"),
        ("kind", "attachment"),
    ];
    let other = world.ask(&Sent::whole(&token, PDF, &values));
    assert_eq!(refusal(&other), (409, "metadata_conflict".to_owned()));
    let beyond = [("deposit_id", DEPOSIT), ("part", "5")];
    world.ask(&part(&token, PDF, "1", "attachment"));
    let late = world.ask(&Sent::whole(&token, PDF, &beyond));
    assert_eq!(refusal(&late), (409, "deposit_conflict".to_owned()));
}

#[test]
fn a_part_may_come_in_pieces_while_another_comes_whole() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(500, 200));
    let values = [("deposit_id", DEPOSIT), ("part", "0"), ("parts", "2")];
    let created = world.ask(&Sent::creation(&token, Some(sound.len()), &values));
    let path = header(&created, "location").unwrap();
    let last = world.ask(&Sent::patch(path, &token, 0, &sound));
    assert_eq!(
        (last.status, receipt(&last), offset(&last)),
        (204, None, sound.len())
    );
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!(
        (head.status, receipt(&head), offset(&head)),
        (200, None, sound.len())
    );
    let whole = world.ask(&part(&token, PDF, "1", "attachment"));
    assert!(receipt(&whole).is_some());
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!(receipt(&head), receipt(&whole));
    let patch = world.ask(&Sent::patch(path, &token, sound.len(), &[]));
    assert_eq!(receipt(&patch), receipt(&whole));
}

#[test]
fn a_deferred_length_commits_nothing_until_it_is_declared() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(&token, None, &[("deposit_id", DEPOSIT)]));
    assert_eq!(header(&created, "upload-defer-length"), Some("1"));
    let path = header(&created, "location").unwrap();
    let all = world.ask(&Sent::patch(path, &token, 0, &sound));
    assert_eq!(
        (all.status, receipt(&all), offset(&all)),
        (204, None, sound.len())
    );
    assert_eq!(world.messages().len(), 0);
    let hash: [u8; 32] =
        sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(&sound)).into();
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    let last = Sent::patch(path, &token, sound.len(), &[])
        .header("upload-length", sound.len())
        .header("repr-digest", format!("sha-256=:{digest}:"))
        .header(
            "upload-metadata",
            super::world::metadata(&[("duration_ms", "990")]),
        );
    assert!(receipt(&world.ask(&last)).is_some());
    assert_eq!(world.messages().len(), 1);
}

#[test]
fn a_key_said_before_cannot_be_changed_at_the_end() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let values = [("deposit_id", DEPOSIT), ("kind", "voice")];
    let created = world.ask(&Sent::creation(&token, None, &values));
    let path = header(&created, "location").unwrap();
    world.ask(&Sent::patch(path, &token, 0, &sound));
    let end = |values: &[(&str, &str)]| {
        Sent::patch(path, &token, sound.len(), &[])
            .header("upload-length", sound.len())
            .header("upload-metadata", super::world::metadata(values))
    };
    let changed = world.ask(&end(&[("kind", "video")]));
    assert_eq!(refusal(&changed), (409, "metadata_conflict".to_owned()));
    let wrong = Sent::patch(path, &token, sound.len(), &[]).header("upload-length", 10);
    assert_eq!(
        refusal(&world.ask(&wrong)),
        (409, "upload_length_conflict".to_owned())
    );
    assert!(receipt(&world.ask(&end(&[("kind", "voice")]))).is_some());
}

fn file<'a>(token: &'a str, body: &'a [u8], name: &str) -> Sent<'a> {
    let values = [
        ("deposit_id", DEPOSIT),
        ("part", "1"),
        ("parts", "2"),
        ("kind", "attachment"),
        ("filetype", "application/pdf"),
        ("filename", name),
    ];
    Sent::whole(token, body, &values)
}

#[test]
fn the_owner_reads_the_title_and_the_names_of_files_and_saves_them_under_these() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let titled = [
        ("deposit_id", DEPOSIT),
        ("parts", "2"),
        ("title", "Saturday"),
    ];
    world.ask(&Sent::whole(&token, &sound, &titled));
    world.ask(&file(&token, PDF, "Plan f\u{fc}r Bob.pdf"));
    let message = &world.messages()[0];
    assert_eq!(message["title"], "Saturday");
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["file_name"], "Plan f\u{fc}r Bob.pdf");
    assert_eq!(attachment["content_type"], "application/pdf");
    let id = message["id"].as_str().unwrap();
    let saved = world.answer_of_media(id, 1);
    assert_eq!(
        header(&saved, "content-disposition"),
        Some(
            "attachment; filename=\"Plan f_r Bob.pdf\"; filename*=UTF-8''Plan%20f%C3%BCr%20Bob.pdf"
        )
    );
    assert_eq!(header(&saved, "x-content-type-options"), Some("nosniff"));
    assert!(
        header(&saved, "content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
}

#[test]
fn a_sound_that_is_attached_is_saved_and_not_shown() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    world.ask(&part(&token, &sound, "0", "voice"));
    world.ask(&file(&token, &sound, "song.ogg"));
    let id = world.messages()[0]["id"].as_str().unwrap().to_owned();
    let disposition = |part| {
        let answer = world.answer_of_media(&id, part);
        header(&answer, "content-disposition").unwrap().to_owned()
    };
    assert!(disposition(0).starts_with("inline; "));
    assert_eq!(disposition(1), "attachment; filename=\"song.ogg\"");
}

#[test]
fn a_file_that_is_to_be_run_is_refused_before_its_bytes_and_a_smaller_deposit_takes_the_session() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    world.ask(&part(&token, &sound, "0", "voice"));
    let answer = world.ask(&file(&token, b"MZ", "holiday.pdf.exe"));
    assert_eq!(refusal(&answer), (415, "attachment_type".to_owned()));

    let taken_back = world.ask(&Sent::new(
        "DELETE",
        &format!("/deposits/{DEPOSIT}.0"),
        &token,
    ));
    assert_eq!(taken_back.status, 204);
    assert_eq!(world.number("SELECT COUNT(*) FROM media_chunks"), 0);
    let late = world.ask(&file(&token, PDF, "paper.pdf"));
    assert_eq!((late.status, receipt(&late)), (201, None), "part 0 is gone");
    let other = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
    let alone = world.ask(&Sent::whole(&token, &sound, &[("deposit_id", other)]));
    assert!(receipt(&alone).is_some());
    assert_eq!(world.messages().len(), 1);
    let again = world.ask(&part(&token, &sound, "0", "voice"));
    assert_eq!(refusal(&again), (403, "session_used".to_owned()));
    assert_eq!(
        world.messages().len(),
        1,
        "the first deposit can never become one"
    );
}

#[test]
fn files_have_limits_of_their_own() {
    let mut world = World::new();
    world.settings.max_voice_bytes = 1000;
    let token = world.session();
    let begin = |kind: &str, length: u64| {
        let length = usize::try_from(length).unwrap();
        let values = [("kind", kind), ("part", "1"), ("parts", "2")];
        world
            .ask(&Sent::creation(&token, Some(length), &values))
            .status
    };
    assert_eq!(begin("voice", 1001), 413);
    assert_eq!(begin("attachment", deposit::attachment::MAX_BYTES), 201);
    assert_eq!(begin("attachment", deposit::attachment::MAX_BYTES + 1), 413);
}
