//! A whole stream into WebM (RFC 9559, RFC 8794): index first, so that players seek without the end of the file.

use super::stream::{PRE_ROLL, Packet, Stream};

/// One cluster, and one place to seek to, every so many milliseconds.
const CLUSTER_MS: u64 = 5000;
const TRACK: u64 = 1;
const KEYFRAME: u8 = 0x80;
/// Kind of a track.
pub(super) const AUDIO: u64 = 2;
const WRITER: &[u8] = b"Afterbeep";

/// Names of elements.
pub(super) mod id {
    pub(in crate::container) const EBML: u32 = 0x1a45_dfa3;
    pub(in crate::container) const EBML_VERSION: u32 = 0x4286;
    pub(in crate::container) const EBML_READ_VERSION: u32 = 0x42f7;
    pub(in crate::container) const MAX_ID_LENGTH: u32 = 0x42f2;
    pub(in crate::container) const MAX_SIZE_LENGTH: u32 = 0x42f3;
    pub(in crate::container) const DOC_TYPE: u32 = 0x4282;
    pub(in crate::container) const DOC_TYPE_VERSION: u32 = 0x4287;
    pub(in crate::container) const DOC_TYPE_READ_VERSION: u32 = 0x4285;
    pub(in crate::container) const SEGMENT: u32 = 0x1853_8067;
    pub(in crate::container) const SEEK_HEAD: u32 = 0x114d_9b74;
    pub(in crate::container) const SEEK: u32 = 0x4dbb;
    pub(in crate::container) const SEEK_ID: u32 = 0x53ab;
    pub(in crate::container) const SEEK_POSITION: u32 = 0x53ac;
    pub(in crate::container) const INFO: u32 = 0x1549_a966;
    pub(in crate::container) const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
    pub(in crate::container) const DURATION: u32 = 0x4489;
    pub(in crate::container) const MUXING_APP: u32 = 0x4d80;
    pub(in crate::container) const WRITING_APP: u32 = 0x5741;
    pub(in crate::container) const TRACKS: u32 = 0x1654_ae6b;
    pub(in crate::container) const TRACK_ENTRY: u32 = 0xae;
    pub(in crate::container) const TRACK_NUMBER: u32 = 0xd7;
    pub(in crate::container) const TRACK_UID: u32 = 0x73c5;
    pub(in crate::container) const TRACK_TYPE: u32 = 0x83;
    pub(in crate::container) const FLAG_LACING: u32 = 0x9c;
    pub(in crate::container) const CODEC_ID: u32 = 0x86;
    pub(in crate::container) const CODEC_PRIVATE: u32 = 0x63a2;
    pub(in crate::container) const CODEC_DELAY: u32 = 0x56aa;
    pub(in crate::container) const SEEK_PRE_ROLL: u32 = 0x56bb;
    pub(in crate::container) const CONTENT_ENCODINGS: u32 = 0x6d80;
    pub(in crate::container) const AUDIO: u32 = 0xe1;
    pub(in crate::container) const SAMPLING_FREQUENCY: u32 = 0xb5;
    pub(in crate::container) const CHANNELS: u32 = 0x9f;
    pub(in crate::container) const CUES: u32 = 0x1c53_bb6b;
    pub(in crate::container) const CUE_POINT: u32 = 0xbb;
    pub(in crate::container) const CUE_TIME: u32 = 0xb3;
    pub(in crate::container) const CUE_TRACK_POSITIONS: u32 = 0xb7;
    pub(in crate::container) const CUE_TRACK: u32 = 0xf7;
    pub(in crate::container) const CUE_CLUSTER_POSITION: u32 = 0xf1;
    pub(in crate::container) const CLUSTER: u32 = 0x1f43_b675;
    pub(in crate::container) const TIMESTAMP: u32 = 0xe7;
    pub(in crate::container) const SIMPLE_BLOCK: u32 = 0xa3;
    pub(in crate::container) const BLOCK_GROUP: u32 = 0xa0;
    pub(in crate::container) const BLOCK: u32 = 0xa1;
    pub(in crate::container) const DISCARD_PADDING: u32 = 0x75a2;
}

struct Cluster {
    at_ms: u64,
    bytes: Vec<u8>,
}

/// The file.
pub(super) fn write(stream: &Stream<'_>) -> Vec<u8> {
    let clusters = clusters(stream);
    let (info, tracks) = (info(stream), tracks(stream));
    // Positions count from the segment's first byte, and have a fixed width: what stands before the clusters is
    // as long with zeros in it as it is in the end.
    let blank = [0_u64; 3];
    let info_at = seek_head(blank).len();
    let tracks_at = info_at.saturating_add(info.len());
    let cues_at = tracks_at.saturating_add(tracks.len());
    let clusters_at = cues_at.saturating_add(cues(&clusters, 0).len());
    let mut segment = seek_head([wide(info_at), wide(tracks_at), wide(cues_at)]);
    segment.extend(info);
    segment.extend(tracks);
    segment.extend(cues(&clusters, wide(clusters_at)));
    for cluster in &clusters {
        segment.extend_from_slice(&cluster.bytes);
    }
    let mut file = element(id::EBML, &ebml());
    begin(&mut file, id::SEGMENT, segment.len());
    file.append(&mut segment);
    file
}

fn ebml() -> Vec<u8> {
    [
        uint(id::EBML_VERSION, 1),
        uint(id::EBML_READ_VERSION, 1),
        uint(id::MAX_ID_LENGTH, 4),
        uint(id::MAX_SIZE_LENGTH, 8),
        element(id::DOC_TYPE, b"webm"),
        uint(id::DOC_TYPE_VERSION, 4),
        uint(id::DOC_TYPE_READ_VERSION, 2),
    ]
    .concat()
}

fn seek_head([info, tracks, cues]: [u64; 3]) -> Vec<u8> {
    let seek = |target: u32, position: u64| {
        let body = [
            element(id::SEEK_ID, &target.to_be_bytes()),
            element(id::SEEK_POSITION, &position.to_be_bytes()),
        ];
        element(id::SEEK, &body.concat())
    };
    let seeks = [
        seek(id::INFO, info),
        seek(id::TRACKS, tracks),
        seek(id::CUES, cues),
    ];
    element(id::SEEK_HEAD, &seeks.concat())
}

fn info(stream: &Stream<'_>) -> Vec<u8> {
    let duration_ms = stream.samples() as f64 / 48.0;
    let body = [
        uint(id::TIMESTAMP_SCALE, 1_000_000),
        element(id::DURATION, &duration_ms.to_be_bytes()),
        element(id::MUXING_APP, WRITER),
        element(id::WRITING_APP, WRITER),
    ];
    element(id::INFO, &body.concat())
}

fn tracks(stream: &Stream<'_>) -> Vec<u8> {
    let sound = [
        element(id::SAMPLING_FREQUENCY, &48_000_f64.to_be_bytes()),
        uint(id::CHANNELS, u64::from(stream.head.channels)),
    ];
    let entry = [
        uint(id::TRACK_NUMBER, TRACK),
        uint(id::TRACK_UID, TRACK),
        uint(id::TRACK_TYPE, AUDIO),
        uint(id::FLAG_LACING, 0),
        element(id::CODEC_ID, b"A_OPUS"),
        element(id::CODEC_PRIVATE, &stream.head.write()),
        uint(
            id::CODEC_DELAY,
            nanoseconds(u64::from(stream.head.pre_skip)),
        ),
        uint(id::SEEK_PRE_ROLL, nanoseconds(PRE_ROLL)),
        element(id::AUDIO, &sound.concat()),
    ];
    element(id::TRACKS, &element(id::TRACK_ENTRY, &entry.concat()))
}

fn cues(clusters: &[Cluster], mut position: u64) -> Vec<u8> {
    let mut points = Vec::new();
    for cluster in clusters {
        let places = [
            uint(id::CUE_TRACK, TRACK),
            element(id::CUE_CLUSTER_POSITION, &position.to_be_bytes()),
        ];
        let point = [
            uint(id::CUE_TIME, cluster.at_ms),
            element(id::CUE_TRACK_POSITIONS, &places.concat()),
        ];
        points.extend(element(id::CUE_POINT, &point.concat()));
        position = position.saturating_add(wide(cluster.bytes.len()));
    }
    element(id::CUES, &points)
}

fn clusters(stream: &Stream<'_>) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    let mut body = Vec::new();
    let (mut begun_ms, mut at) = (0_u64, 0_u64);
    let mut packets = stream.packets.iter().peekable();
    while let Some(packet) = packets.next() {
        let now_ms = at / 48;
        if body.is_empty() || now_ms.saturating_sub(begun_ms) >= CLUSTER_MS {
            end_cluster(&mut clusters, begun_ms, &mut body);
            begun_ms = now_ms;
            body = uint(id::TIMESTAMP, now_ms);
        }
        let padding = stream.padding();
        let since = now_ms.saturating_sub(begun_ms);
        if packets.peek().is_none() && padding > 0 {
            body.extend(last_block(packet, since, padding));
        } else {
            block(&mut body, id::SIMPLE_BLOCK, packet, since, KEYFRAME);
        }
        at = at.saturating_add(packet.samples);
    }
    end_cluster(&mut clusters, begun_ms, &mut body);
    clusters
}

fn end_cluster(clusters: &mut Vec<Cluster>, at_ms: u64, body: &mut Vec<u8>) {
    if !body.is_empty() {
        let bytes = element(id::CLUSTER, body);
        clusters.push(Cluster { at_ms, bytes });
        body.clear();
    }
}

fn block(out: &mut Vec<u8>, name: u32, packet: &Packet<'_>, since_ms: u64, flags: u8) {
    let since = i16::try_from(since_ms).unwrap_or(i16::MAX);
    begin(out, name, packet.bytes.len().saturating_add(4));
    out.push(0x81); // track 1
    out.extend_from_slice(&since.to_be_bytes());
    out.push(flags);
    out.extend_from_slice(&packet.bytes);
}

/// The last block says how much of it is not played; only a group can.
fn last_block(packet: &Packet<'_>, since_ms: u64, padding: u64) -> Vec<u8> {
    let mut body = Vec::new();
    block(&mut body, id::BLOCK, packet, since_ms, 0);
    let discarded = nanoseconds(padding).cast_signed().to_be_bytes();
    body.extend(element(id::DISCARD_PADDING, &discarded));
    element(id::BLOCK_GROUP, &body)
}

fn nanoseconds(samples: u64) -> u64 {
    samples.saturating_mul(1_000_000) / 48
}

fn uint(name: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = usize::try_from(value.leading_zeros() / 8).unwrap_or(0);
    element(name, bytes.get(zeros.min(7)..).unwrap_or_default())
}

fn element(name: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len().saturating_add(12));
    begin(&mut out, name, body.len());
    out.extend_from_slice(body);
    out
}

/// Name and size: sizes always take eight bytes where they are large, one where they are small.
fn begin(out: &mut Vec<u8>, name: u32, length: usize) {
    let zeros = usize::try_from(name.leading_zeros() / 8).unwrap_or(0);
    out.extend_from_slice(name.to_be_bytes().get(zeros..).unwrap_or_default());
    match u8::try_from(length) {
        Ok(short) if short < 0x7f => out.push(short | 0x80),
        _ => out.extend_from_slice(&(wide(length) | 1 << 56).to_be_bytes()),
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
