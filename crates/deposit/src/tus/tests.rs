use std::collections::BTreeMap;

use super::*;
use crate::{
    encoding::base64,
    upload::{Progress, ProgressError},
};

fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn creation(list: &[(&str, &str)]) -> Result<Creation, TusError> {
    let mut all = headers(list);
    all.extend(headers(&[("tus-resumable", "1.0.0")]));
    parse_creation(Headers(&all))
}

fn patch(list: &[(&str, &str)]) -> Result<Patch, TusError> {
    let mut all = headers(list);
    all.extend(headers(&[("tus-resumable", "1.0.0")]));
    parse_patch(Headers(&all))
}

fn metadata(pairs: &[(&str, &str)]) -> Result<Metadata, TusError> {
    let header: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key} {}", base64(value.as_bytes())))
        .collect();
    Metadata::parse(&header.join(","))
}

#[test]
fn a_foreign_version_is_412_with_ours_on_every_method() {
    for method in ["POST", "HEAD", "PATCH", "DELETE"] {
        for version in ["0.2.2", "1.0.1", "2.0.0", ""] {
            let list = headers(&[("tus-resumable", version)]);
            let error = check_version(method, Headers(&list)).unwrap_err();
            assert_eq!(
                (error.status(), error.code()),
                (412, "tus_version"),
                "{method} {version}"
            );
            assert!(
                error
                    .headers()
                    .contains(&("tus-version".to_owned(), "1.0.0".to_owned()))
            );
        }
    }
    assert_eq!(check_version("HEAD", Headers(&[])), Ok(()));
    assert_eq!(check_version("PATCH", Headers(&[])), Err(TusError::Version));
}

#[test]
fn a_creation_declares_its_length_or_defers_it() {
    assert_eq!(creation(&[("upload-length", "7")]).unwrap().length, Some(7));
    assert_eq!(
        creation(&[("upload-defer-length", "1")]).unwrap().length,
        None
    );
    assert_eq!(creation(&[]), Err(TusError::LengthMissing));
    for (list, error) in [
        (
            vec![("upload-length", "-1")],
            TusError::Number("upload-length"),
        ),
        (
            vec![("upload-length", "1e3")],
            TusError::Number("upload-length"),
        ),
        (
            vec![("upload-length", "9007199254740992")],
            TusError::Number("upload-length"),
        ),
        (
            vec![("upload-defer-length", "0")],
            TusError::Number("upload-defer-length"),
        ),
        (
            vec![("upload-length", "7"), ("upload-defer-length", "1")],
            TusError::Number("upload-defer-length"),
        ),
    ] {
        assert_eq!(creation(&list).unwrap_err(), error, "{list:?}");
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn concatenation_is_refused_and_not_ignored() {
    let error = creation(&[("upload-length", "7"), ("upload-concat", "partial")]).unwrap_err();
    assert_eq!(
        (error.status(), error.code()),
        (400, "concatenation_unsupported")
    );
}

#[test]
fn a_body_needs_the_content_type() {
    let wrong = [
        ("upload-length", "7"),
        ("content-length", "7"),
        ("content-type", "audio/ogg"),
    ];
    let error = creation(&wrong).unwrap_err();
    assert_eq!((error.status(), error.code()), (415, "wrong_content_type"));
    let right = [
        ("upload-length", "7"),
        ("content-length", "7"),
        ("content-type", CONTENT_TYPE),
    ];
    assert!(creation(&right).unwrap().with_upload);
    let without = [("upload-length", "7"), ("content-length", "0")];
    assert!(!creation(&without).unwrap().with_upload);
    assert_eq!(patch(&[("upload-offset", "0")]), Err(TusError::ContentType));
}

#[test]
fn a_patch_says_where_it_goes_on() {
    let list = [
        ("content-type", CONTENT_TYPE),
        ("upload-offset", "70"),
        ("upload-length", "70"),
    ];
    let read = patch(&list).unwrap();
    assert_eq!((read.offset, read.length), (70, Some(70)));
    assert_eq!(
        patch(&[("content-type", CONTENT_TYPE)]),
        Err(TusError::Number("upload-offset"))
    );
}

#[test]
fn metadata_is_read_key_by_key() {
    let read = metadata(&[
        ("filetype", "audio/ogg; codecs=opus"),
        ("duration_ms", "8000"),
        ("recorded_at", "2026-12-01T12:00:00Z"),
        ("sha256", &"ab".repeat(32)),
        ("deposit_id", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"),
        ("kind", "voice"),
        ("part", "1"),
        ("parts", "2"),
        ("trim_start_ms", "10"),
        ("trim_end_ms", "20"),
        ("gain_db", "-3.5"),
        ("waveform", "AP8="),
        ("mood", "gl\u{fc}cklich"),
    ])
    .unwrap();
    assert_eq!(read.filetype.as_deref(), Some("audio/ogg; codecs=opus"));
    assert_eq!(read.duration_ms, Some(8000));
    assert_eq!(read.recorded_at_ms, Some(1_796_126_400_000));
    assert_eq!(read.sha256, Some([0xab; 32]));
    assert_eq!(
        read.deposit_id.as_deref(),
        Some("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    );
    assert_eq!(
        (read.kind, read.part, read.parts),
        (Some(Kind::Voice), Some(1), Some(2))
    );
    assert_eq!((read.trim_start_ms, read.trim_end_ms), (Some(10), Some(20)));
    assert_eq!(
        (read.gain_db, read.waveform.as_deref()),
        (Some(-3.5), Some(&[0, 255][..]))
    );
    assert_eq!(read.get("mood"), Some("gl\u{fc}cklich"));
    assert_eq!(Metadata::parse(&read.to_header()), Ok(read));
}

#[test]
fn bad_metadata_is_400_with_a_code() {
    for (header, code) in [
        ("filetype !!!", "metadata_malformed"),
        ("filetype YXVkaW8vb2dn extra", "metadata_malformed"),
        (",", "metadata_malformed"),
        ("a YQ==,,b YQ==", "metadata_malformed"),
        ("n\u{e4}me YQ==", "metadata_malformed"),
        ("name /w==", "metadata_malformed"),
        ("kind dm9pY2U=,kind dm9pY2U=", "metadata_twice"),
        ("kind c29uZw==", "metadata_invalid"),
    ] {
        let error = Metadata::parse(header).unwrap_err();
        assert_eq!((error.status(), error.code()), (400, code), "{header}");
    }
    for (key, value) in [
        ("filetype", "audio"),
        ("filetype", "text/html\r\nx: y"),
        ("duration_ms", "-1"),
        ("duration_ms", "1.5"),
        ("duration_ms", ""),
        ("recorded_at", "yesterday"),
        ("sha256", "abcd"),
        ("deposit_id", "../../etc/passwd"),
        ("deposit_id", "6ba7b810"),
        ("part", "10"),
        ("parts", "0"),
        ("parts", "11"),
        ("gain_db", "NaN"),
        ("gain_db", "1000"),
        ("title", "two\nlines"),
        ("title", " "),
    ] {
        let error = metadata(&[(key, value)]).unwrap_err();
        assert_eq!(error, TusError::MetadataValue(key.to_owned()), "{value}");
    }
    let outside = metadata(&[("part", "2"), ("parts", "2")]);
    assert_eq!(outside, Err(TusError::MetadataValue("part".to_owned())));
}

#[test]
fn titles_are_taken_as_they_are_and_names_of_files_without_their_folders() {
    let read = metadata(&[("title", "Grüße 👋"), ("filename", "C:\\tmp\\a.pdf")]).unwrap();
    assert_eq!(read.title.as_deref(), Some("Grüße 👋"));
    assert_eq!(read.filename.as_deref(), Some("a.pdf"));
}

#[test]
fn metadata_may_be_added_but_not_changed() {
    let first = metadata(&[("kind", "voice"), ("filetype", "audio/ogg")]).unwrap();
    let later = metadata(&[("kind", "voice"), ("duration_ms", "5")]).unwrap();
    let merged = first.merge(&later).unwrap();
    assert_eq!(
        (merged.kind, merged.duration_ms),
        (Some(Kind::Voice), Some(5))
    );
    let changed = metadata(&[("kind", "video")]).unwrap();
    let error = first.merge(&changed).unwrap_err();
    assert_eq!(error, TusError::MetadataConflict("kind".to_owned()));
    assert_eq!((error.status(), error.code()), (409, "metadata_conflict"));
}

#[test]
fn metadata_is_stored_as_plain_pairs() {
    let read = metadata(&[("kind", "video"), ("part", "0")]).unwrap();
    let json = serde_json::to_string(&read).unwrap();
    assert_eq!(json, r#"{"kind":"video","part":"0"}"#);
    assert_eq!(serde_json::from_str::<Metadata>(&json).unwrap(), read);
    assert!(serde_json::from_str::<Metadata>(r#"{"kind":"song"}"#).is_err());
}

#[test]
fn no_metadata_is_no_error() {
    for header in ["", " "] {
        assert_eq!(Metadata::parse(header), Ok(Metadata::default()));
    }
    let empty_value = Metadata::parse("is_confidential").unwrap();
    assert_eq!(empty_value.get("is_confidential"), Some(""));
    assert_eq!(empty_value.to_header(), "is_confidential");
    assert_eq!(
        Metadata::from_values(BTreeMap::new()),
        Ok(Metadata::default())
    );
}

#[test]
fn checksums_and_digests_are_read_or_refused() {
    let sha1 = format!("sha1 {}", base64(&[1; 20]));
    let checksum = Checksum::parse(&sha1).unwrap();
    assert_eq!(
        (checksum.algorithm, checksum.digest),
        (Algorithm::Sha1, vec![1; 20])
    );
    assert_eq!(Checksum::parse("sha1 AAAA"), Err(TusError::Checksum));
    assert_eq!(Checksum::parse("md5 AAAA").unwrap_err().status(), 400);
    assert_eq!(TusError::ChecksumMismatch.status(), 460);
    let digest = format!("sha-512=:AAAA:, sha-256=:{}:", base64(&[2; 32]));
    assert_eq!(parse_repr_digest(&digest), Ok(Some([2; 32])));
    assert_eq!(parse_repr_digest("sha-512=:AAAA:"), Ok(None));
    for broken in ["sha-256", "sha-256=AAAA", "sha-256=:AAAA:", "sha-256=:!:"] {
        assert_eq!(parse_repr_digest(broken), Err(TusError::Digest), "{broken}");
    }
}

#[test]
fn answers_say_where_the_upload_stands() {
    let standing = Progress {
        offset: 5,
        length: Some(9),
    };
    assert_eq!(
        progress_headers(&standing, Some(1_796_126_400_000)),
        headers(&[
            ("tus-resumable", "1.0.0"),
            ("cache-control", "no-store"),
            ("upload-offset", "5"),
            ("upload-length", "9"),
            ("upload-expires", "Tue, 01 Dec 2026 12:00:00 GMT"),
        ])
    );
    let deferred = progress_headers(
        &Progress {
            offset: 5,
            length: None,
        },
        None,
    );
    assert!(deferred.contains(&("upload-defer-length".to_owned(), "1".to_owned())));
    let options = option_headers(42);
    assert!(options.contains(&("tus-max-size".to_owned(), "42".to_owned())));
    assert!(options.contains(&("tus-extension".to_owned(), EXTENSIONS.to_owned())));
}

#[test]
fn a_wrong_offset_is_409_and_says_the_right_one() {
    let error = TusError::from(ProgressError::Offset { held: 5, given: 0 });
    assert_eq!(
        (error.status(), error.code()),
        (409, "upload_offset_mismatch")
    );
    assert!(
        error
            .headers()
            .contains(&("upload-offset".to_owned(), "5".to_owned()))
    );
    assert_eq!(
        TusError::from(ProgressError::TooLarge { limit: 1 }).status(),
        413
    );
}
