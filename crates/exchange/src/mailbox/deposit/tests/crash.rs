//! The process is killed at every statement, between every two steps and between the transaction and its
//! effects. The client repeats what a client repeats; in the end there is one message and one receipt.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::world::{DEPOSIT, Sent, World, header, offset, receipt, sha256, speech};
use crate::settings::MediaStore;

/// Kills the process after 0, 1, 2 … points of `attempt`, then lets the client go on with `recover` until it
/// has a receipt, and looks at what came of it.
fn at_every_point(
    store: MediaStore,
    sound: &[u8],
    attempt: impl Fn(&World, &str) -> Option<String>,
    recover: impl Fn(&World, &str) -> String,
) {
    let mut whole = false;
    for points in 0..2_000 {
        let mut world = World::new();
        world.settings.media_store = store;
        let token = world.session();
        world.kill_after(Some(points));
        let heard = attempt(&world, &token);
        world.kill_after(None);
        // Whatever was not carried out is carried out by the alarm of the next process.
        world.wait(5_000);
        let found = recover(&world, &token);
        if let Some(heard) = &heard {
            assert_eq!(*heard, found, "a receipt never changes ({points} points)");
        }
        world.wait(120_000);
        let messages = world.messages();
        assert_eq!(messages.len(), 1, "one message ({points} points)");
        assert_eq!(world.media(messages[0]["id"].as_str().unwrap()), sound);
        let claims = deposit::receipt::parse(&found).unwrap();
        assert_eq!(claims.message_id, messages[0]["id"]);
        assert!(claims.covers(0, sound.len() as u64, &sha256(sound)));
        assert!(world.told.get() >= 1, "the owner is told ({points} points)");
        assert_eq!(world.upload_rows(), 0);
        if heard.is_some() {
            whole = true;
            break;
        }
    }
    assert!(whole, "the attempt never came through");
}

fn sent(world: &World, request: &Sent<'_>) -> Option<String> {
    let answer = world.send(request).ok()?;
    receipt(&answer).map(str::to_owned)
}

const VALUES: [(&str, &str); 2] = [("deposit_id", DEPOSIT), ("filetype", "audio/ogg")];

/// HEAD, then the rest, as our client and tus clients do; a POST where nothing is known.
fn resume(world: &World, token: &str, sound: &[u8]) -> String {
    let path = format!("/deposits/{DEPOSIT}.0");
    for _ in 0..10 {
        let head = world.ask(&Sent::new("HEAD", &path, token));
        if let Some(receipt) = receipt(&head) {
            return receipt.to_owned();
        }
        if head.status != 200 {
            world.ask(&Sent::creation(token, Some(sound.len()), &VALUES));
            continue;
        }
        let at = offset(&head);
        world.ask(&Sent::patch(&path, token, at, &sound[at..]));
    }
    panic!("no receipt after ten rounds");
}

#[test]
fn a_whole_post_is_repeated() {
    let sound = speech(50, 60);
    at_every_point(
        MediaStore::Auto,
        &sound,
        |world, token| sent(world, &Sent::whole(token, &sound, &VALUES)),
        |world, token| sent(world, &Sent::whole(token, &sound, &VALUES)).unwrap(),
    );
}

#[test]
fn a_whole_post_is_found_by_resuming() {
    let sound = speech(50, 60);
    at_every_point(
        MediaStore::Auto,
        &sound,
        |world, token| sent(world, &Sent::whole(token, &sound, &VALUES)),
        |world, token| resume(world, token, &sound),
    );
}

#[test]
fn an_upload_in_two_pieces_is_resumed() {
    let sound = speech(50, 60);
    let attempt = |world: &World, token: &str| {
        let created = world
            .send(&Sent::creation(token, Some(sound.len()), &VALUES))
            .ok()?;
        let path = header(&created, "location")?.to_owned();
        world
            .send(&Sent::patch(&path, token, 0, &sound[..1000]))
            .ok()?;
        sent(world, &Sent::patch(&path, token, 1000, &sound[1000..]))
    };
    at_every_point(MediaStore::Auto, &sound, attempt, |world, token| {
        resume(world, token, &sound)
    });
}

#[test]
fn an_upload_into_the_blob_store_is_resumed() {
    let sound = speech(50, 60);
    let attempt = |world: &World, token: &str| {
        let created = world
            .send(&Sent::creation(token, Some(sound.len()), &VALUES))
            .ok()?;
        let path = header(&created, "location")?.to_owned();
        sent(world, &Sent::patch(&path, token, 0, &sound))
    };
    at_every_point(MediaStore::R2, &sound, attempt, |world, token| {
        resume(world, token, &sound)
    });
}

#[test]
fn a_deferred_length_is_declared_again() {
    let sound = speech(50, 60);
    let path = format!("/deposits/{DEPOSIT}.0");
    let declare = |world: &World, token: &str| {
        let last = Sent::patch(&path, token, sound.len(), &[]).header("upload-length", sound.len());
        sent(world, &last)
    };
    let attempt = |world: &World, token: &str| {
        world.send(&Sent::creation(token, None, &VALUES)).ok()?;
        world.send(&Sent::patch(&path, token, 0, &sound)).ok()?;
        declare(world, token)
    };
    let recover = |world: &World, token: &str| {
        for _ in 0..10 {
            let head = world.ask(&Sent::new("HEAD", &path, token));
            if let Some(receipt) = receipt(&head) {
                return receipt.to_owned();
            }
            if head.status != 200 {
                world.ask(&Sent::creation(token, None, &VALUES));
                continue;
            }
            let at = offset(&head);
            world.ask(&Sent::patch(&path, token, at, &sound[at..]));
            if let Some(receipt) = declare(world, token) {
                return receipt;
            }
        }
        panic!("no receipt after ten rounds");
    };
    at_every_point(MediaStore::Auto, &sound, attempt, recover);
}

#[test]
fn a_refused_upload_can_begin_anew_wherever_the_process_died() {
    let sound = speech(50, 60);
    let path = format!("/deposits/{DEPOSIT}.0");
    let other = format!("sha-256=:{}:", STANDARD.encode([0; 32]));
    let mut refused = false;
    for points in 0..200 {
        let world = World::new();
        let token = world.session();
        world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
        world.kill_after(Some(points));
        let answer =
            world.send(&Sent::patch(&path, &token, 0, &sound).header("repr-digest", &other));
        world.kill_after(None);
        let held = matches!(&answer, Ok(answer) if receipt(answer).is_some());
        assert!(!held, "other bytes than declared were taken");
        assert!(!resume(&world, &token, &sound).is_empty());
        assert_eq!(world.messages().len(), 1);
        refused = answer.is_ok();
        if refused {
            break;
        }
    }
    assert!(refused, "the refusal never came through");
}

#[test]
fn two_ways_at_once_make_one_message() {
    // The answer to a whole POST is lost, the client creates an upload for the same deposit, and the first
    // request turns out to have been committed.
    let world = World::new();
    let (token, sound) = (world.session(), speech(50, 60));
    let created = world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
    let path = header(&created, "location").unwrap();
    world.ask(&Sent::patch(path, &token, 0, &sound[..1000]));
    let whole = world.ask(&Sent::whole(&token, &sound, &VALUES));
    let rest = world.ask(&Sent::patch(path, &token, 1000, &sound[1000..]));
    assert!(receipt(&whole).is_some());
    assert_eq!(receipt(&rest), receipt(&whole));
    assert_eq!(world.messages().len(), 1);
}

#[test]
fn on_disk_every_acknowledged_piece_and_the_receipt_survive_the_process() {
    let folder = std::env::temp_dir().join(format!("afterbeep-deposit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let sound = speech(500, 200);
    let path = format!("/deposits/{DEPOSIT}.0");
    let token = {
        let world = World::on_disk(&folder);
        let token = world.session();
        world.ask(&Sent::creation(&token, Some(sound.len()), &VALUES));
        token
    };
    for at in (0..sound.len()).step_by(20_000) {
        let world = World::on_disk(&folder);
        assert_eq!(offset(&world.ask(&Sent::new("HEAD", &path, &token))), at);
        let end = (at + 20_000).min(sound.len());
        world.ask(&Sent::patch(&path, &token, at, &sound[at..end]));
    }
    let found = |world: &World| {
        let head = world.ask(&Sent::new("HEAD", &path, &token));
        receipt(&head).unwrap().to_owned()
    };
    let first = found(&World::on_disk(&folder));
    let world = World::on_disk(&folder);
    assert_eq!(found(&world), first);
    assert_eq!(world.messages().len(), 1);
    assert_eq!(
        world.media(world.messages()[0]["id"].as_str().unwrap()),
        sound
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
