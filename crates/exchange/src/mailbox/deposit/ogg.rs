//! Measures an Ogg Opus stream as it comes: the packets themselves are counted (RFC 6716 section 3.1), so that
//! a file can lie about its length neither in its pages nor in its metadata. RFC 3533 and RFC 7845.

/// A page is not longer.
const MAX_PAGE: usize = 27 + 255 + 255 * 255;

/// A stream under way.
#[derive(Clone, Debug, Default)]
pub(super) struct OggMeter {
    pending: Vec<u8>,
    broken: bool,
    serial: Option<u32>,
    packets: u64,
    samples: u64,
    pre_skip: u64,
    last_granule: Option<u64>,
    opus: bool,
}

impl OggMeter {
    /// Takes the next bytes of the file.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.pending.extend_from_slice(bytes);
        let pending = core::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while let Some(page) = Page::read(rest) {
            self.page(&page);
            rest = rest.get(page.length..).unwrap_or_default();
        }
        self.broken = rest.len() >= MAX_PAGE || !(rest.len() < 4 || rest.starts_with(b"OggS"));
        if !self.broken {
            self.pending = rest.to_vec();
        }
    }

    /// How long it plays, if it is Opus.
    pub(super) fn duration_ms(&self) -> Option<i64> {
        if !self.opus {
            return None;
        }
        // The last granule position cuts samples off the end; it never adds any.
        let end = match self.last_granule {
            Some(granule) if granule >= self.pre_skip => granule.min(self.samples),
            _ => self.samples,
        };
        i64::try_from(end.saturating_sub(self.pre_skip) / 48).ok()
    }

    /// Only the first stream counts; others beside it are passed over.
    fn page(&mut self, page: &Page<'_>) {
        if *self.serial.get_or_insert(page.serial) != page.serial {
            return;
        }
        let mut start = 0usize;
        let mut begins = !page.continued;
        for lace in page.laces {
            if begins {
                self.packet(page.payload.get(start..).unwrap_or_default());
            }
            begins = *lace < 255;
            start = start.saturating_add(usize::from(*lace));
        }
        if self.packets > 2 && page.granule != u64::MAX {
            self.last_granule = Some(page.granule);
        }
    }

    /// The beginning of a packet: head, tags, then sound.
    fn packet(&mut self, packet: &[u8]) {
        if self.packets == 0 {
            self.opus = packet.starts_with(b"OpusHead");
            self.pre_skip = match packet {
                [_, _, _, _, _, _, _, _, _, _, low, high, ..] => {
                    u64::from(u16::from_le_bytes([*low, *high]))
                }
                _ => 0,
            };
        } else if self.packets > 1 {
            self.samples = self.samples.saturating_add(samples(packet));
        }
        self.packets = self.packets.saturating_add(1);
    }
}

/// One page, whole.
struct Page<'a> {
    continued: bool,
    granule: u64,
    serial: u32,
    laces: &'a [u8],
    payload: &'a [u8],
    length: usize,
}

impl<'a> Page<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<27>()?;
        let [
            b'O',
            b'g',
            b'g',
            b'S',
            0,
            flags,
            g0,
            g1,
            g2,
            g3,
            g4,
            g5,
            g6,
            g7,
            s0,
            s1,
            s2,
            s3,
            ..,
            count,
        ] = *header
        else {
            return None;
        };
        let (laces, rest) = rest.split_at_checked(usize::from(count))?;
        let size = laces
            .iter()
            .fold(0usize, |sum, lace| sum.saturating_add(usize::from(*lace)));
        let payload = rest.get(..size)?;
        Some(Self {
            continued: flags & 1 == 1,
            granule: u64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]),
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            laces,
            payload,
            length: size.saturating_add(27).saturating_add(laces.len()),
        })
    }
}

/// Samples at 48 kHz in an Opus packet, from its table of contents.
fn samples(packet: &[u8]) -> u64 {
    let Some(toc) = packet.first() else {
        return 0;
    };
    let size = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880].get(usize::from(config & 3)),
        config @ 12..=15 => [480, 960].get(usize::from(config & 1)),
        config => [120, 240, 480, 960].get(usize::from(config & 3)),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 0x3f)),
    };
    // No packet plays longer than 120 ms (RFC 6716 section 3.2.5).
    size.copied()
        .unwrap_or(0u64)
        .saturating_mul(frames)
        .min(5760)
}
