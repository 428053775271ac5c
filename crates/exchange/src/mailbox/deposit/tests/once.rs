//! The same deposit again, whatever happened to the answer.

use super::world::{DEPOSIT, Sent, World, header, offset, receipt, refusal, sha256, speech};

#[test]
fn a_whole_deposit_is_a_message_with_a_receipt() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(400, 60));
    let hash = sha256(&sound);
    let values = [
        ("deposit_id", DEPOSIT),
        ("filetype", "audio/ogg; codecs=opus"),
        ("sha256", hash.as_str()),
        ("waveform", "AH//"),
    ];
    let answer = world.ask(&Sent::whole(&token, &sound, &values));
    assert_eq!(answer.status, 201);
    assert_eq!(
        header(&answer, "location"),
        Some(&*format!("/deposits/{DEPOSIT}.0"))
    );
    assert_eq!(offset(&answer), sound.len());

    let messages = world.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["sha256"], hash);
    assert_eq!(messages[0]["duration_ms"], 7_993);
    assert_eq!(messages[0]["waveform"], serde_json::json!([0, 49, 100]));
    assert_eq!(world.media(messages[0]["id"].as_str().unwrap()), sound);
    assert_eq!(world.told.get(), 1);

    let keys = &world.settings.receipt_keys;
    let claims = deposit::receipt::verify(receipt(&answer).unwrap(), keys).unwrap();
    assert_eq!(claims.mailbox, "sip:bob@localhost");
    assert_eq!(claims.deposit_id, DEPOSIT);
    assert_eq!(claims.message_id, messages[0]["id"]);
    assert!(claims.covers(0, sound.len() as u64, &hash));
}

#[test]
fn the_receipt_is_found_again_on_every_way() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(100, 60));
    let values = [("deposit_id", DEPOSIT), ("filetype", "audio/ogg")];
    let first = world.ask(&Sent::whole(&token, &sound, &values));
    let expected = receipt(&first).unwrap();
    let path = header(&first, "location").unwrap();

    let again = world.ask(&Sent::whole(&token, &sound, &values));
    assert_eq!((again.status, receipt(&again)), (201, Some(expected)));
    let empty = world.ask(&Sent::creation(&token, Some(sound.len()), &values));
    assert_eq!((empty.status, receipt(&empty)), (201, Some(expected)));
    assert_eq!(header(&empty, "location"), Some(path));
    assert_eq!(offset(&empty), sound.len());
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!((head.status, receipt(&head)), (200, Some(expected)));
    assert_eq!(offset(&head), sound.len());
    let patch = world.ask(&Sent::patch(path, &token, sound.len(), &[]));
    assert_eq!((patch.status, receipt(&patch)), (204, Some(expected)));
    let current = world.current(&token);
    assert_eq!(current["state"], "deposited");
    assert_eq!(current["deposits"][0]["receipt"], expected);
    assert_eq!(world.messages().len(), 1);
    assert_eq!(world.told.get(), 1, "the owner is told once");
}

#[test]
fn other_content_under_the_same_key_is_a_conflict() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(100, 60));
    let values = [("deposit_id", DEPOSIT)];
    assert_eq!(world.ask(&Sent::whole(&token, &sound, &values)).status, 201);
    let mut other = sound.clone();
    *other.last_mut().unwrap() ^= 1;
    let conflict = (409, "deposit_conflict".to_owned());
    assert_eq!(
        refusal(&world.ask(&Sent::whole(&token, &other, &values))),
        conflict
    );
    let shorter = &sound[..sound.len() - 1];
    assert_eq!(
        refusal(&world.ask(&Sent::whole(&token, shorter, &values))),
        conflict
    );
    assert_eq!(
        refusal(&world.ask(&Sent::creation(&token, Some(3), &values))),
        conflict
    );
    let hash = sha256(&other);
    let declared = [("deposit_id", DEPOSIT), ("sha256", hash.as_str())];
    assert_eq!(
        refusal(&world.ask(&Sent::creation(&token, Some(sound.len()), &declared))),
        conflict
    );
    assert_eq!(world.messages().len(), 1);
}

#[test]
fn a_session_is_used_up_by_its_deposit_but_still_answers_for_it() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(100, 60));
    assert_eq!(
        world
            .ask(&Sent::whole(&token, &sound, &[("deposit_id", DEPOSIT)]))
            .status,
        201
    );
    let second = world.ask(&Sent::whole(&token, &sound, &[]));
    assert_eq!(refusal(&second), (403, "session_used".to_owned()));
    let same = world.ask(&Sent::whole(&token, &sound, &[("deposit_id", DEPOSIT)]));
    assert!(receipt(&same).is_some());
}

#[test]
fn without_an_id_the_upload_gets_one_of_its_own() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(100, 60));
    let answer = world.ask(&Sent::whole(&token, &sound, &[]));
    assert_eq!(answer.status, 201);
    let path = header(&answer, "location").unwrap();
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!(receipt(&head), receipt(&answer));
}

#[test]
fn the_receipt_outlives_the_message_and_a_late_repetition_revives_nothing() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(100, 60));
    let values = [("deposit_id", DEPOSIT)];
    let first = world.ask(&Sent::whole(&token, &sound, &values));
    let id = world.messages()[0]["id"].as_str().unwrap().to_owned();
    world.owner("DELETE", &format!("/mailbox/messages/{id}"));
    world.wait(3 * 86_400_000);
    assert_eq!(
        world.number("SELECT COUNT(*) FROM media_chunks"),
        0,
        "the sound is erased"
    );
    let again = world.ask(&Sent::whole(&token, &sound, &values));
    assert_eq!(receipt(&again), receipt(&first));
    assert_eq!(world.messages().len(), 0);
    assert_eq!(world.current(&token)["deposits"][0]["state"], "removed");
}

#[test]
fn row_and_receipt_are_kept_until_thirty_days_after_the_token() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(100, 60));
    let first = world.ask(&Sent::whole(&token, &sound, &[("deposit_id", DEPOSIT)]));
    let path = header(&first, "location").unwrap();
    let (ttl, day) = (world.settings.session_ttl_ms, 86_400_000);
    world.wait(ttl + 29 * day);
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!(
        receipt(&head),
        receipt(&first),
        "an expired token still shows its receipt"
    );
    assert_eq!(
        world.current(&token)["deposits"][0]["receipt"],
        receipt(&first).unwrap()
    );
    world.wait(10 * day);
    assert_eq!(world.ask(&Sent::new("HEAD", path, &token)).status, 404);
    assert_eq!(world.number("SELECT COUNT(*) FROM deposit_parts"), 0);
}

#[test]
fn an_upload_in_pieces_goes_on_where_it_stands_and_commits_once() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(500, 200));
    let hash = sha256(&sound);
    let values = [("deposit_id", DEPOSIT), ("sha256", hash.as_str())];
    let created = world.ask(&Sent::creation(&token, Some(sound.len()), &values));
    assert_eq!((created.status, offset(&created)), (201, 0));
    let path = header(&created, "location").unwrap().to_owned();
    let mut at = 0;
    while at < sound.len() {
        let end = (at + 30_000).min(sound.len());
        let answer = world.ask(&Sent::patch(&path, &token, at, &sound[at..end]));
        assert_eq!(answer.status, 204);
        assert_eq!(receipt(&answer).is_some(), end == sound.len());
        at = offset(&answer);
        let repeated = world.ask(&Sent::creation(&token, Some(sound.len()), &values));
        assert_eq!(
            (repeated.status, offset(&repeated)),
            (201, at),
            "a repeated POST says where it stands"
        );
    }
    let messages = world.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(world.media(messages[0]["id"].as_str().unwrap()), sound);
    assert_eq!(world.upload_rows(), 0, "the upload lets its bytes go");
}

#[test]
fn a_body_that_breaks_off_keeps_what_came() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(1000, 200));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    let mut broken = Sent::patch(path, &token, 0, &sound);
    broken.breaks_at = Some(150_000);
    assert!(world.send(&broken).is_err());
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!(offset(&head), 150_000);
    let wrong = world.ask(&Sent::patch(path, &token, 0, &sound));
    assert_eq!(refusal(&wrong), (409, "upload_offset_mismatch".to_owned()));
    assert_eq!(offset(&wrong), 150_000);
    let rest = world.ask(&Sent::patch(path, &token, 150_000, &sound[150_000..]));
    assert!(receipt(&rest).is_some());
    assert_eq!(
        world.media(world.messages()[0]["id"].as_str().unwrap()),
        sound
    );
}

#[test]
fn a_creation_with_its_body_above_one_mebibyte_goes_to_the_blob_store() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(6000, 200));
    assert!(sound.len() > 1 << 20);
    let values = [("deposit_id", DEPOSIT), ("filetype", "audio/ogg")];
    let answer = world.ask(&Sent::whole(&token, &sound, &values));
    assert_eq!(answer.status, 201);
    assert!(receipt(&answer).is_some());
    let message = world.messages()[0].clone();
    assert_eq!(message["duration_ms"], 119_993);
    assert_eq!(world.media(message["id"].as_str().unwrap()), sound);
    assert_eq!(world.blobs.borrow().len(), 1);
    let key = world.blobs.borrow().keys().next().unwrap().clone();
    assert!(key.starts_with("m/sip:bob@localhost/"), "{key}");
    assert_eq!(world.number("SELECT COUNT(*) FROM media_chunks"), 0);
}

#[test]
fn with_the_blob_store_down_the_end_is_not_shown_and_the_last_request_may_come_again() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(6000, 200));
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    let middle = 700_000;
    world.ask(&Sent::patch(path, &token, 0, &sound[..middle]));
    world.blob_store_down.set(true);
    let failed = world.ask(&Sent::patch(path, &token, middle, &sound[middle..]));
    assert_eq!(
        (failed.status, header(&failed, "retry-after")),
        (503, Some("2"))
    );
    let head = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!((offset(&head), receipt(&head)), (middle, None));
    world.blob_store_down.set(false);
    let again = world.ask(&Sent::patch(path, &token, middle, &sound[middle..]));
    assert!(receipt(&again).is_some());
    assert_eq!(
        world.media(world.messages()[0]["id"].as_str().unwrap()),
        sound
    );
}

#[test]
fn after_a_failed_commit_an_empty_patch_at_the_end_is_enough() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(6000, 200));
    world.blob_store_down.set(true);
    let created = world.ask(&Sent::creation(
        &token,
        Some(sound.len()),
        &[("deposit_id", DEPOSIT)],
    ));
    let path = header(&created, "location").unwrap();
    assert_eq!(world.ask(&Sent::patch(path, &token, 0, &sound)).status, 503);
    world.blob_store_down.set(false);
    let last = world.ask(&Sent::patch(path, &token, sound.len(), &[]));
    assert_eq!(last.status, 204);
    assert!(receipt(&last).is_some());
}
