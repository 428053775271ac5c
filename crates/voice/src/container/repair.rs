//! Closing a recording whose recorder was killed, and reading how long a file plays.

use super::header::pre_skip;
use super::page::{NO_GRANULE, Page, PageHeader};

/// The bytes that close this stream when appended; empty when it is closed or is no stream of ours.
///
/// The closing page holds one packet that no part is played of: its granule position is that of the
/// page before (end trimming, RFC 7845 section 4.4). A page without packets would do for the standard,
/// but has no granule position, and players that look for the length at the end find none.
pub fn closing(journal: &[u8]) -> Vec<u8> {
    let mut page = Vec::new();
    if let Some((header, packet)) = closing_page(journal) {
        header.write(&[packet], &mut page);
    }
    page
}

/// The same recording as a correct, complete file: what follows the last whole page is cut off, and
/// the stream is closed.
pub fn repair(recording: &[u8]) -> Vec<u8> {
    let whole = Page::read_all(recording).map(|page| page.length()).sum();
    let mut repaired = recording.get(..whole).unwrap_or_default().to_vec();
    let tail = closing(&repaired);
    repaired.extend_from_slice(&tail);
    repaired
}

/// How long the file plays, as far as its pages are whole; nothing if it is not Ogg Opus.
pub fn duration_ms(file: &[u8]) -> Option<u64> {
    let skip = Page::read(file)?.packets().next().and_then(pre_skip)?;
    let last = Page::read_all(file)
        .map(|page| page.header.granule)
        .filter(|&granule| granule != NO_GRANULE)
        .last()?;
    Some(last.saturating_sub(u64::from(skip)) / 48)
}

fn closing_page(journal: &[u8]) -> Option<(PageHeader, Vec<u8>)> {
    Page::read(journal)?.packets().next().and_then(pre_skip)?;
    let last = Page::read_all(journal).last()?;
    if last.header.ends {
        return None;
    }
    let header = PageHeader {
        begins: false,
        ends: true,
        continued: false,
        sequence: last.header.sequence.wrapping_add(1),
        ..last.header
    };
    Some((header, lost_packet(last.packets().last()?)))
}

/// A packet like its predecessor whose one frame is empty: "lost" to the decoder (RFC 6716 section
/// 3.2.1). After a header page there is no predecessor; 20 ms of wideband SILK stand in.
fn lost_packet(predecessor: &[u8]) -> Vec<u8> {
    const WIDEBAND_20_MS: u8 = 9 << 3;
    let is_tags = predecessor.starts_with(b"Opus");
    let first = predecessor.first().filter(|_| !is_tags).copied();
    vec![first.unwrap_or(WIDEBAND_20_MS) & 0b1111_1100]
}
