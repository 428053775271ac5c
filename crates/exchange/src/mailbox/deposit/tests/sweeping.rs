//! What never became a message goes away, and only that.

use super::world::{DEPOSIT, Sent, World, header, receipt, refusal, speech};
use crate::mailbox::deposit::reservation::RESERVATION_MS;

const VALUES: [(&str, &str); 1] = [("deposit_id", DEPOSIT)];

#[test]
fn a_reservation_that_ran_out_is_dead_and_its_bytes_are_gone() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(6000, 200));
    let created = world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
    let path = header(&created, "location").unwrap().to_owned();
    world.ask(&Sent::patch(&path, &token, 0, &sound[..500_000]));
    assert!(world.upload_rows() > 0);
    world.wait(RESERVATION_MS);
    assert_eq!(world.upload_rows(), 0);
    let head = world.ask(&Sent::new("HEAD", &path, &token));
    assert_eq!(head.status, 410);
    let late = world.ask(&Sent::patch(&path, &token, 500_000, &sound[500_000..]));
    assert_eq!(refusal(&late), (410, "upload_gone".to_owned()));
    assert_eq!(world.messages().len(), 0);
}

#[test]
fn after_that_the_same_deposit_may_begin_anew_under_another_upload_id() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
    let upload_id = |world: &World| {
        world
            .at_mailbox(|sql, _| sql.query("SELECT upload_id FROM deposit_parts", &[]))
            .unwrap()[0]
            .text(0)
    };
    let first = upload_id(&world);
    world.wait(RESERVATION_MS);
    let again = world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
    assert_eq!(again.status, 201);
    assert_ne!(upload_id(&world), first);
    let path = header(&again, "location").unwrap();
    assert!(receipt(&world.ask(&Sent::patch(path, &token, 0, &sound))).is_some());
}

#[test]
fn a_late_reply_makes_no_upload_whose_time_is_over() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let creation = || Sent::creation(&token, Some(sound.len()), &VALUES);
    let created = world.ask(&creation());
    let path = header(&created, "location").unwrap();
    world.ask(&Sent::patch(path, &token, 0, &sound[..1000]));
    let upload_id = |world: &World| {
        let rows = world.at_mailbox(|sql, _| sql.query("SELECT upload_id FROM deposit_parts", &[]));
        rows.unwrap()[0].text(0)
    };
    let first = upload_id(&world);
    let late = world.asked(&creation());
    world.wait(RESERVATION_MS);
    assert_eq!(world.tell(late).status, 503);
    assert_eq!(world.ask(&creation()).status, 201);
    assert_ne!(upload_id(&world), first, "reserved anew, not revived");
    let standing = world.ask(&Sent::new("HEAD", path, &token));
    assert_eq!(header(&standing, "upload-offset"), Some("0"));
    let last = world.ask(&Sent::patch(path, &token, 0, &sound));
    assert!(receipt(&last).is_some());
    assert_eq!(world.messages().len(), 1);
}

#[test]
fn a_late_reply_about_an_upload_that_was_taken_back_leaves_the_next_one_alone() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let creation = || Sent::creation(&token, Some(sound.len()), &VALUES);
    let late = world.asked(&creation());
    let created = world.ask(&creation());
    let path = header(&created, "location").unwrap();
    assert_eq!(world.ask(&Sent::new("DELETE", path, &token)).status, 204);
    world.wait(1);
    assert_eq!(world.ask(&creation()).status, 201);
    let piece = world.ask(&Sent::patch(path, &token, 0, &sound[..1000]));
    assert_eq!(header(&piece, "upload-offset"), Some("1000"));
    assert_eq!(world.tell(late).status, 503);
    let rest = world.ask(&Sent::patch(path, &token, 1000, &sound[1000..]));
    assert!(
        receipt(&rest).is_some(),
        "nothing acknowledged is forgotten"
    );
}

#[test]
fn a_blob_whose_commit_never_came_is_deleted() {
    let sound = speech(6000, 200);
    for points in 0.. {
        let mut world = World::new();
        let token = world.session();
        let created = world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
        let path = header(&created, "location").unwrap();
        world.kill_after(Some(points));
        let answer = world.send(&Sent::patch(path, &token, 0, &sound));
        world.kill_after(None);
        if world.blobs.borrow().is_empty() {
            continue;
        }
        assert!(answer.is_err(), "killed right after the blob was written");
        world.wait(RESERVATION_MS);
        assert!(world.blobs.borrow().is_empty(), "the sweeper found it");
        assert_eq!(world.messages().len(), 0);
        break;
    }
}

#[test]
fn a_committed_blob_is_never_swept() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(6000, 200));
    assert!(receipt(&world.ask(&Sent::whole(&token, &sound, &VALUES))).is_some());
    world.wait(RESERVATION_MS * 3);
    assert_eq!(world.blobs.borrow().len(), 1);
    assert_eq!(
        world.media(world.messages()[0]["id"].as_str().unwrap()),
        sound
    );
}

#[test]
fn a_held_part_whose_siblings_never_come_is_swept() {
    let mut world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let values = [("deposit_id", DEPOSIT), ("parts", "2")];
    world.ask(&Sent::whole(&token, &sound, &values));
    assert_eq!(world.number("SELECT COUNT(*) FROM media_chunks"), 1);
    world.wait(RESERVATION_MS);
    assert_eq!(world.number("SELECT COUNT(*) FROM media_chunks"), 0);
}

#[test]
fn a_sender_may_take_back_what_is_not_committed() {
    let world = World::new();
    let (token, sound) = (world.session(), speech(6000, 200));
    let created = world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
    let path = header(&created, "location").unwrap().to_owned();
    world.ask(&Sent::patch(&path, &token, 0, &sound[..500_000]));
    let deleted = world.ask(&Sent::new("DELETE", &path, &token));
    assert_eq!(
        (deleted.status, header(&deleted, "tus-resumable")),
        (204, Some("1.0.0"))
    );
    assert_eq!(world.upload_rows(), 0);
    assert_eq!(world.ask(&Sent::new("HEAD", &path, &token)).status, 410);
    assert_eq!(world.ask(&Sent::new("DELETE", &path, &token)).status, 410);
    let again = world.ask(&Sent::whole(&token, &sound, &VALUES));
    assert!(receipt(&again).is_some());
    let late = world.ask(&Sent::new("DELETE", &path, &token));
    assert_eq!(refusal(&late), (409, "already_deposited".to_owned()));
    assert_eq!(world.messages().len(), 1);
}

#[test]
fn a_commit_costs_the_same_in_a_full_mailbox() {
    let cost = |messages: i64| {
        let world = World::new();
        world
            .at_mailbox(|sql, _| {
                sql.query(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO deposit_parts SELECT 's' || i, 'd', 0, 'u' || i, 'b', 'committed', 1, '', '', 0, 0, '{}', 0, 0 FROM n",
                    &[messages.into()],
                )
            })
            .unwrap();
        world
            .at_mailbox(|sql, _| {
                sql.query("EXPLAIN QUERY PLAN SELECT COALESCE(SUM(length), 0) FROM deposit_parts WHERE state IN ('reserved', 'held') AND upload_id <> ?", &["x".into()])
            })
            .unwrap()[0]
            .text(3)
    };
    assert!(
        cost(10_000).contains("deposit_parts_open"),
        "{}",
        cost(10_000)
    );
}
