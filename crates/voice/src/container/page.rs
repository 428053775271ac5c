//! One Ogg page (RFC 3533 section 6).

const CAPTURE: &[u8] = b"OggS\0";
const HEADER_LENGTH: usize = 27;
const CHECKSUM: std::ops::Range<usize> = 22..26;

/// Segments that fit into a page.
pub(super) const MOST_SEGMENTS: usize = 255;
/// Granule position of a page on which no packet ends.
pub(super) const NO_GRANULE: u64 = u64::MAX;

/// What a page says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageHeader {
    /// First page of the stream.
    pub begins: bool,
    /// Last page of the stream.
    pub ends: bool,
    /// The page begins inside a packet.
    pub continued: bool,
    /// Samples up to the end of the last packet that ends here, pre-skip included.
    pub granule: u64,
    /// The stream's number.
    pub serial: u32,
    /// The page's number in the stream, from zero.
    pub sequence: u32,
}

impl PageHeader {
    /// Appends a page that holds these whole packets. The caller keeps to [`segments`] in number.
    pub fn write(&self, packets: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
        let lacing: Vec<u8> = packets
            .iter()
            .flat_map(|packet| lacing(packet.as_ref().len()))
            .collect();
        self.write_laced(&lacing, packets, out);
    }

    fn write_laced(&self, lacing: &[u8], packets: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
        let mut page = Vec::new();
        page.extend_from_slice(CAPTURE);
        page.push(self.flags());
        page.extend_from_slice(&self.granule.to_le_bytes());
        page.extend_from_slice(&self.serial.to_le_bytes());
        page.extend_from_slice(&self.sequence.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.push(u8::try_from(lacing.len()).unwrap_or(u8::MAX));
        page.extend_from_slice(lacing);
        for packet in packets {
            page.extend_from_slice(packet.as_ref());
        }
        let sum = checksum(&page).to_le_bytes();
        if let Some(place) = page.get_mut(CHECKSUM) {
            place.copy_from_slice(&sum);
        }
        out.append(&mut page);
    }

    fn flags(&self) -> u8 {
        u8::from(self.continued) | (u8::from(self.begins) << 1) | (u8::from(self.ends) << 2)
    }
}

/// A whole page with a right checksum, as read.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What the page says about itself.
    pub header: PageHeader,
    lacing: &'a [u8],
    body: &'a [u8],
    length: usize,
}

impl<'a> Page<'a> {
    /// Reads the page that `bytes` begins with; nothing if it is not whole or not true.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.get(..HEADER_LENGTH)?;
        let flags = *head.strip_prefix(CAPTURE)?.first()?;
        let segments = usize::from(*head.last()?);
        let body_at = HEADER_LENGTH.checked_add(segments)?;
        let lacing = bytes.get(HEADER_LENGTH..body_at)?;
        let body_length: usize = lacing.iter().map(|&segment| usize::from(segment)).sum();
        let length = body_at.checked_add(body_length)?;
        let whole = bytes.get(..length)?;
        if checksum(whole) != number(whole, CHECKSUM)? {
            return None;
        }
        let header = PageHeader {
            continued: flags & 1 != 0,
            begins: flags & 2 != 0,
            ends: flags & 4 != 0,
            granule: u64::from_le_bytes(whole.get(6..14)?.try_into().ok()?),
            serial: number(whole, 14..18)?,
            sequence: number(whole, 18..22)?,
        };
        Some(Self {
            header,
            lacing,
            body: whole.get(body_at..)?,
            length,
        })
    }

    /// All whole pages `bytes` begins with, up to the first that is cut or false.
    pub fn read_all(mut bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let page = Self::read(bytes)?;
            bytes = bytes.get(page.length..)?;
            Some(page)
        })
    }

    /// Bytes the page takes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The packets that end on this page; the first may be a tail where the page is `continued`.
    pub fn packets(&self) -> impl Iterator<Item = &'a [u8]> {
        let (mut lacing, mut body) = (self.lacing, self.body);
        std::iter::from_fn(move || {
            let last = lacing.iter().position(|&segment| segment < 255)?;
            let (packet, rest) = lacing.split_at_checked(last.checked_add(1)?)?;
            let length = packet.iter().map(|&segment| usize::from(segment)).sum();
            let (packet, after) = body.split_at_checked(length)?;
            (lacing, body) = (rest, after);
            Some(packet)
        })
    }
}

impl<'a> Page<'a> {
    /// The beginning of a packet that goes on on the next page.
    pub(super) fn unfinished(&self) -> Option<&'a [u8]> {
        self.lacing.last().filter(|&&segment| segment == 255)?;
        let whole: usize = self.packets().map(<[u8]>::len).sum();
        self.body.get(whole..)
    }
}

/// Segments a packet of this length takes.
pub(super) fn segments(length: usize) -> usize {
    (length / 255).saturating_add(1)
}

fn lacing(length: usize) -> impl Iterator<Item = u8> {
    let last = u8::try_from(length % 255).unwrap_or(0);
    std::iter::repeat_n(255, length / 255).chain(std::iter::once(last))
}

fn number(bytes: &[u8], at: std::ops::Range<usize>) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at)?.try_into().ok()?))
}

/// What each value of the sum's first byte adds to it: polynomial 04c11db7, not reflected.
const CARRIES: [u32; 256] = carries();

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "computed by the compiler, which stops at either"
)]
const fn carries() -> [u32; 256] {
    let mut table = [0; 256];
    let mut value = 0;
    while value < table.len() {
        let mut sum = (value as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            let carry = if sum & 0x8000_0000 == 0 {
                0
            } else {
                0x04c1_1db7
            };
            sum = (sum << 1) ^ carry;
            bit += 1;
        }
        table[value] = sum;
        value += 1;
    }
    table
}

/// CRC-32 of a page with its checksum field taken as zero.
fn checksum(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0_u32, |sum, (at, &byte)| {
        let byte = if CHECKSUM.contains(&at) { 0 } else { byte };
        let [first, ..] = (sum ^ (u32::from(byte) << 24)).to_be_bytes();
        let carry = CARRIES.get(usize::from(first)).copied().unwrap_or(0);
        (sum << 8) ^ carry
    })
}

#[cfg(test)]
impl PageHeader {
    /// A page that ends inside a packet; its beginning fills whole segments.
    pub(super) fn write_unfinished(&self, beginning: &[u8], out: &mut Vec<u8>) {
        let lacing = vec![255; beginning.len() / 255];
        self.write_laced(&lacing, &[beginning], out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        let header = PageHeader {
            granule: 960,
            serial: 7,
            sequence: 3,
            ..PageHeader::default()
        };
        header.write(packets, &mut out);
        out
    }

    #[test]
    fn a_page_reads_back_as_written() {
        let packets = [vec![1; 254], vec![2; 255], vec![3; 600], vec![]];
        let bytes = page(&packets);
        let read = Page::read(&bytes).unwrap();
        assert_eq!(
            (
                read.header.granule,
                read.header.serial,
                read.header.sequence
            ),
            (960, 7, 3)
        );
        assert_eq!(read.length(), bytes.len());
        assert!(read.packets().eq(packets.iter().map(Vec::as_slice)));
    }

    #[test]
    fn a_page_with_one_changed_bit_is_refused() {
        let bytes = page(&[vec![9; 40]]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Page::read(&changed).is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_page_cut_anywhere_is_refused() {
        let bytes = page(&[vec![9; 300]]);
        assert!((0..bytes.len()).all(|length| Page::read(&bytes[..length]).is_none()));
    }
}
