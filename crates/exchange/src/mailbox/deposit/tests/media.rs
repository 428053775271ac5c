//! What the bytes are decides, not what is said of them.

use super::world::{DEPOSIT, Sent, World, page, receipt, refusal, speech};
use crate::mailbox::deposit::Scan;

fn checked(bytes: &[u8], values: &[(&str, &str)]) -> Result<(String, i64), String> {
    let header = super::world::metadata(values);
    let metadata = deposit::tus::Metadata::parse(&header).unwrap();
    let mut scan = Scan::new();
    bytes.chunks(7).for_each(|piece| scan.push(piece));
    match scan.check(&metadata) {
        Ok(checked) => Ok((checked.content_type, checked.duration_ms)),
        Err(refusal) => Err(format!("{} {}", refusal.status, refusal.code)),
    }
}

fn webm(codec: &str) -> Vec<u8> {
    [
        b"\x1a\x45\xdf\xa3\x01webm".as_slice(),
        codec.as_bytes(),
        &[0; 64],
    ]
    .concat()
}

#[test]
fn the_type_is_found_in_the_bytes() {
    let mp4 = b"\0\0\0\x18ftypmp42 and more of it".as_slice();
    for (bytes, values, found) in [
        (speech(50, 60).as_slice(), vec![], ("audio/ogg", 993)),
        (
            &webm("A_OPUS"),
            vec![("duration_ms", "5")],
            ("audio/webm", 5),
        ),
        (&webm("V_VP8"), vec![("kind", "video")], ("video/webm", 0)),
        (
            mp4,
            vec![("filetype", "audio/mp4; codecs=opus")],
            ("audio/mp4", 0),
        ),
        (mp4, vec![("filetype", "video/mp4")], ("video/mp4", 0)),
        (b"RIFF\0\0\0\0WAVEfmt ", vec![], ("audio/wav", 0)),
        (
            b"ID3\x04\0\0\0",
            vec![("filetype", "audio/mpeg")],
            ("audio/mpeg", 0),
        ),
        (
            b"<p>Bob &auml;</p>",
            vec![("kind", "text")],
            ("text/plain; charset=utf-8", 0),
        ),
        (
            b"%PDF-1.7",
            vec![("kind", "attachment")],
            ("application/pdf", 0),
        ),
        (
            b"<script>",
            vec![("kind", "attachment"), ("filetype", "text/html")],
            ("application/octet-stream", 0),
        ),
        (
            b"<svg onload=x>",
            vec![("kind", "attachment"), ("filetype", "image/svg+xml")],
            ("application/octet-stream", 0),
        ),
    ] {
        assert_eq!(
            checked(bytes, &values),
            Ok((found.0.to_owned(), found.1)),
            "{values:?}"
        );
    }
}

#[test]
fn a_lying_type_is_refused() {
    for (bytes, values, error) in [
        (
            speech(50, 60).as_slice(),
            vec![("filetype", "audio/webm")],
            "415 media_type_mismatch",
        ),
        (
            &webm("A_OPUS"),
            vec![("filetype", "audio/ogg")],
            "415 media_type_mismatch",
        ),
        (
            b"<html><script>",
            vec![("filetype", "audio/ogg")],
            "415 media_unrecognised",
        ),
        (
            b"\x89PNG\r\n\x1a\n",
            vec![("filetype", "image/png")],
            "415 media_unrecognised",
        ),
        (b"", vec![], "400 part_empty"),
        (b"\xff\xfe", vec![("kind", "text")], "415 text_not_utf8"),
    ] {
        assert_eq!(checked(bytes, &values), Err(error.to_owned()), "{values:?}");
    }
}

#[test]
fn a_lying_deposit_makes_no_message_and_may_not_come_again() {
    let world = World::new();
    let token = world.session();
    let values = [("deposit_id", DEPOSIT), ("filetype", "audio/ogg")];
    let answer = world.ask(&Sent::whole(
        &token,
        b"<html><script>alert(1)</script>",
        &values,
    ));
    assert_eq!(refusal(&answer), (415, "media_unrecognised".to_owned()));
    assert_eq!(world.messages().len(), 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM media_chunks"), 0);
    let large = [b"<html>".as_slice(), &vec![b' '; 2 << 20]].concat();
    let answer = world.ask(&Sent::whole(&token, &large, &[]));
    assert_eq!(refusal(&answer), (415, "media_unrecognised".to_owned()));
    assert_eq!(world.messages().len(), 0);
    assert!(receipt(&world.ask(&Sent::whole(&token, &speech(50, 60), &values))).is_some());
}

#[test]
fn the_length_is_counted_in_packets() {
    let claimed = [("duration_ms", "3600000")];
    assert_eq!(
        checked(&speech(50, 60), &claimed),
        Ok(("audio/ogg".to_owned(), 993))
    );
    // A granule position that claims an hour adds nothing.
    let head = [b"OpusHead\x01\x01".as_slice(), &[0; 9]].concat();
    let packets: Vec<Vec<u8>> = (0..50).map(|_| vec![0xf8; 40]).collect();
    let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
    let file = |granule: u64| {
        [
            page(2, 0, 0, &[&head]),
            page(0, 0, 1, &[b"OpusTags".as_slice()]),
            page(4, granule, 2, &packets),
        ]
        .concat()
    };
    assert_eq!(checked(&file(172_800_000), &[]).unwrap().1, 1000);
    assert_eq!(
        checked(&file(24_000), &[]).unwrap().1,
        500,
        "the last position cuts the tail"
    );
}

#[test]
fn a_recording_cut_anywhere_is_measured_up_to_the_cut() {
    let whole = speech(200, 60);
    let mut last = 0;
    for end in (60..whole.len()).step_by(97) {
        let (found, duration) = checked(&whole[..end], &[]).unwrap();
        assert_eq!(found, "audio/ogg");
        assert!(duration >= last && duration <= 3_993, "{duration} at {end}");
        last = duration;
    }
    assert!(last > 2_900, "{last}");
}

#[test]
fn packets_of_every_frame_size_are_counted() {
    for (toc, second, samples) in [
        (0x00u8, 0u8, 480),
        (0x18, 0, 2880),
        (0x60, 0, 480),
        (0x68, 0, 960),
        (0x80, 0, 120),
        (0x99, 0, 1920),
        (0xfb, 3, 2880),
        (0x1b, 63, 5760),
    ] {
        let head = [b"OpusHead\x01\x01".as_slice(), &[0; 9]].concat();
        let file = [
            page(2, 0, 0, &[&head]),
            page(0, 0, 1, &[b"OpusTags".as_slice()]),
            page(4, u64::MAX, 2, &[&[toc, second, 0, 0][..]; 100]),
        ]
        .concat();
        assert_eq!(
            checked(&file, &[]).unwrap().1,
            samples * 100 / 48,
            "{toc:#x}"
        );
    }
}

#[test]
fn rubbish_behind_a_good_beginning_ends_the_count_and_nothing_else() {
    let mut file = speech(50, 60);
    file.extend(vec![b'x'; 300_000]);
    assert_eq!(checked(&file, &[]).unwrap(), ("audio/ogg".to_owned(), 993));
}

#[test]
fn a_written_message_is_committed_once_and_lasts_no_time() {
    let world = World::new();
    let token = world.session();
    let words = "Grüße aus Köln <b>bis morgen</b>";
    let values = [
        ("deposit_id", DEPOSIT),
        ("kind", "text"),
        ("filetype", "text/plain; charset=utf-8"),
        ("duration_ms", "9000"),
    ];
    let sent = Sent::whole(&token, words.as_bytes(), &values);
    let first = world.ask(&sent);
    assert!(receipt(&first).is_some());
    assert_eq!(receipt(&world.ask(&sent)), receipt(&first));
    let messages = world.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["kind"], "text");
    assert_eq!(messages[0]["duration_ms"], 0);
    let id = messages[0]["id"].as_str().unwrap();
    assert_eq!(world.media(id), words.as_bytes());
}

#[test]
fn a_written_message_is_at_most_16_kib() {
    let world = World::new();
    let token = world.session();
    let longest = vec![b'a'; 16 << 10];
    let longer = [longest.as_slice(), b"a"].concat();
    let values = [("kind", "text")];
    let answer = world.ask(&Sent::whole(&token, &longer, &values));
    assert_eq!(refusal(&answer), (413, "upload_too_large".to_owned()));
    assert!(receipt(&world.ask(&Sent::whole(&token, &longest, &values))).is_some());
}
