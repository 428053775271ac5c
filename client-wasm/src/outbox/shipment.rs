//! A message as it goes up: its parts with their bytes, and what is said of each. The same message always makes
//! the same shipment.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use crate::problem::Problem;
use crate::storage::{Database, DepositRow, PartRow, SentPart, StorageError, is_number};

/// All parts of a message.
pub(super) struct Shipment {
    /// The parts, by their numbers.
    pub(super) parcels: Vec<Parcel>,
    /// Hash over all that is said of them.
    pub(super) facts: String,
}

/// One part.
pub(super) struct Parcel {
    /// Its number.
    pub(super) number: u32,
    /// Bytes.
    pub(super) size: u64,
    /// SHA-256, lower-case hex.
    pub(super) sha256: String,
    facts: Vec<(&'static str, String)>,
    content: Content,
}

enum Content {
    /// The recording or the words.
    Here(Vec<u8>),
    /// A file by its id.
    Stored(String),
}

impl Shipment {
    /// What is to go up of this row now. `vouched`: the own server says who answers for an address.
    pub(super) async fn of(
        database: &Database,
        row: &DepositRow,
        vouched: bool,
    ) -> Result<Self, Refusal> {
        let journal = database.journal(&row.deposit_id).await?;
        let message = row.as_sent(journal);
        let message = message.ok_or_else(|| Refusal::Final(uncut()))?;
        Ok(Self::new(row, message, vouched))
    }

    fn new(row: &DepositRow, message: Vec<u8>, vouched: bool) -> Self {
        // Whose a number is, and who answers behind a foreign proxy, only the session tells.
        let callee = (vouched && !is_number(&row.to)).then_some(&row.to);
        let first = Parcel {
            number: 0,
            size: message.len() as u64,
            sha256: deposit::hex(&Sha256::digest(&message)),
            facts: facts_of_message(row),
            content: Content::Here(message),
        };
        let files = row.attached().zip(1..).map(|(part, number)| Parcel {
            number,
            size: part.size,
            sha256: part.sha256.clone(),
            facts: facts_of_file(part),
            content: Content::Stored(part.id.clone()),
        });
        let mut parcels: Vec<Parcel> = core::iter::once(first).chain(files).collect();
        let count = parcels.len();
        for parcel in &mut parcels {
            parcel.facts.push(("sha256", parcel.sha256.clone()));
            // The server refuses a token that leads to anybody else.
            parcel
                .facts
                .extend(callee.map(|callee| ("callee", callee.clone())));
            if count > 1 {
                parcel.facts.push(("part", parcel.number.to_string()));
                parcel.facts.push(("parts", count.to_string()));
            }
        }
        let facts = hash(&parcels);
        Self { parcels, facts }
    }

    /// The parts as a receipt names them.
    pub(super) fn parts(&self) -> Vec<SentPart> {
        let part = |parcel: &Parcel| SentPart {
            size: parcel.size,
            sha256: parcel.sha256.clone(),
        };
        self.parcels.iter().map(part).collect()
    }

    /// Bytes of all parts.
    pub(super) fn size(&self) -> u64 {
        self.parcels.iter().map(|parcel| parcel.size).sum()
    }
}

impl Parcel {
    /// At most `length` bytes from `offset`.
    pub(super) async fn piece(
        &self,
        database: &Database,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, StorageError> {
        let bytes = match &self.content {
            Content::Stored(_) if offset >= self.size => return Ok(Vec::new()),
            Content::Stored(id) => return database.part_bytes(id, offset, length).await,
            Content::Here(bytes) => bytes,
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = usize::try_from(offset.saturating_add(length)).unwrap_or(usize::MAX);
        let end = end.min(bytes.len());
        Ok(bytes.get(start..end).unwrap_or_default().to_vec())
    }

    /// The file's id; none for the message itself.
    pub(super) fn file(&self) -> Option<&str> {
        match &self.content {
            Content::Here(_) => None,
            Content::Stored(id) => Some(id),
        }
    }

    /// `Upload-Metadata` under this deposit id.
    pub(super) fn metadata(&self, deposit_id: &str) -> String {
        let deposit_id = ("deposit_id", deposit_id.to_owned());
        let facts = self.facts.iter().chain(core::iter::once(&deposit_id));
        let pairs: Vec<String> = facts
            .map(|(name, value)| format!("{name} {}", STANDARD.encode(value)))
            .collect();
        pairs.join(",")
    }
}

fn facts_of_message(row: &DepositRow) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("kind", row.kind.clone()),
        ("filetype", row.content_type.clone()),
        ("duration_ms", row.sent_duration_ms().to_string()),
        ("recorded_at", deposit::time::rfc3339(row.created_at)),
        // Bytes are base64 once more inside the value.
        ("waveform", STANDARD.encode(row.sent_waveform())),
    ];
    facts.extend(row.title.clone().map(|title| ("title", title)));
    let (trim_start_ms, trim_end_ms) = row.sent_trim_ms();
    for (name, trim_ms) in [
        ("trim_start_ms", trim_start_ms),
        ("trim_end_ms", trim_end_ms),
    ] {
        facts.extend((trim_ms > 0).then(|| (name, trim_ms.to_string())));
    }
    facts.extend(row.gain_db.map(|gain| ("gain_db", gain.to_string())));
    facts
}

fn facts_of_file(part: &PartRow) -> Vec<(&'static str, String)> {
    vec![
        ("kind", "attachment".to_owned()),
        ("filetype", part.content_type.clone()),
        ("filename", part.name.clone()),
    ]
}

fn hash(parcels: &[Parcel]) -> String {
    let mut hash = Sha256::new();
    for (name, value) in parcels.iter().flat_map(|parcel| &parcel.facts) {
        for text in [name, value.as_str()] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    deposit::hex(&hash.finalize())
}

/// Rather nothing than the whole.
pub(crate) fn uncut() -> Problem {
    Problem::new(
        "cut_impossible",
        "The cut could not be made on this recording, so nothing was sent. Take the cut back, then press Send.",
    )
}

#[cfg(test)]
mod tests {
    use deposit::tus::{Kind, Metadata};

    use super::{DepositRow, PartRow, Shipment};

    fn row() -> DepositRow {
        DepositRow {
            to: "sip:bob@example.com".to_owned(),
            kind: "voice".to_owned(),
            content_type: "audio/ogg; codecs=opus".to_owned(),
            created_at: 1_790_000_000_000,
            duration_ms: 990,
            waveform: vec![0, 255],
            parts: vec![file("a.pdf"), file("b.png")],
            ..DepositRow::default()
        }
    }

    fn file(name: &str) -> PartRow {
        PartRow {
            id: format!("id of {name}"),
            name: name.to_owned(),
            content_type: "application/pdf".to_owned(),
            size: 7,
            sha256: "aa".repeat(32),
            ..PartRow::default()
        }
    }

    fn shipment(row: &DepositRow) -> Shipment {
        Shipment::new(row, b"sound".to_vec(), true)
    }

    #[test]
    fn a_callee_is_named_where_his_own_server_knows_him_by_that_name() {
        let number = DepositRow {
            to: "sip:+4930123456@example.com".to_owned(),
            ..row()
        };
        for (row, vouched, named) in [
            (row(), true, true),
            (row(), false, false),
            (number, true, false),
        ] {
            let shipment = Shipment::new(&row, b"sound".to_vec(), vouched);
            for parcel in &shipment.parcels {
                let callee = parcel.facts.iter().find(|(name, _)| *name == "callee");
                assert_eq!(callee.is_some(), named, "{} {vouched}", row.to);
            }
        }
    }

    const ID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

    #[test]
    fn the_edge_reads_what_is_said_of_each_part() {
        let shipment = shipment(&DepositRow {
            title: Some("Saturday".to_owned()),
            ..row()
        });
        let said = |number: usize| Metadata::parse(&shipment.parcels[number].metadata(ID)).unwrap();
        let (first, last) = (said(0), said(2));
        assert_eq!(
            (first.kind, first.duration_ms),
            (Some(Kind::Voice), Some(990))
        );
        assert_eq!(first.recorded_at_ms, Some(1_790_000_000_000));
        assert_eq!(first.waveform, Some(vec![0, 255]));
        assert_eq!((first.part, first.parts), (Some(0), Some(3)));
        assert_eq!(first.title.as_deref(), Some("Saturday"));
        assert_eq!(first.deposit_id.as_deref(), Some(ID));
        assert_eq!(last.kind, Some(Kind::Attachment));
        assert_eq!((last.part, last.parts), (Some(2), Some(3)));
        assert_eq!(last.filename.as_deref(), Some("b.png"));
        assert_eq!((shipment.size(), shipment.parts().len()), (5 + 14, 3));
    }

    #[test]
    fn players_are_told_of_silence_and_loudness() {
        let said =
            |row: &DepositRow| Metadata::parse(&shipment(row).parcels[0].metadata(ID)).unwrap();
        let plain = said(&row());
        assert_eq!((plain.trim_start_ms, plain.gain_db), (None, None));
        let told = said(&DepositRow {
            trim_start_ms: 300,
            trim_end_ms: 400,
            gain_db: Some(-2.25),
            ..row()
        });
        assert_eq!(
            (told.trim_start_ms, told.trim_end_ms),
            (Some(300), Some(400))
        );
        assert_eq!(told.gain_db, Some(-2.25));
    }

    #[test]
    fn a_message_alone_says_nothing_of_parts() {
        let alone = DepositRow {
            parts: Vec::new(),
            ..row()
        };
        let said = Metadata::parse(&shipment(&alone).parcels[0].metadata(ID)).unwrap();
        assert_eq!((said.part, said.parts), (None, None));
    }

    #[test]
    fn a_removed_file_stays_behind_and_the_others_close_up() {
        let mut row = row();
        row.parts[0].removed_at = Some(1);
        let shipment = shipment(&row);
        let files: Vec<_> = shipment
            .parcels
            .iter()
            .map(|parcel| parcel.file())
            .collect();
        assert_eq!(files, [None, Some("id of b.png")]);
        assert_eq!(shipment.parcels[1].number, 1);
    }

    #[test]
    fn whatever_is_said_or_sent_differently_is_another_shipment() {
        let same = shipment(&row()).facts;
        assert_eq!(shipment(&row()).facts, same);
        let changes: [fn(&mut DepositRow); 5] = [
            |row| row.title = Some("x".to_owned()),
            |row| row.parts[1].name = "c.png".to_owned(),
            |row| row.parts[1].sha256 = "bb".repeat(32),
            |row| row.parts[0].removed_at = Some(1),
            |row| row.parts.swap(0, 1),
        ];
        for change in changes {
            let mut row = row();
            change(&mut row);
            assert_ne!(shipment(&row).facts, same);
        }
        assert_ne!(Shipment::new(&row(), b"other".to_vec(), true).facts, same);
    }
}
