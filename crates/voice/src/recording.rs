//! A recording from its first sample to its last page.

use crate::SAMPLE_RATE;
use crate::container::{PACKET_SAMPLES, Writer};
use crate::encoder::{EncodeError, Encoder, FRAME};
use crate::resampler::Resampler;
use crate::waveform::{Waveform, peak};

const SAMPLES_PER_MS: u64 = 48;

/// Turns samples into blocks of an Ogg Opus file. Every block ends at a page's end, so the file is
/// playable after any of them.
pub struct Recording {
    resampler: Option<Resampler>,
    encoder: Encoder,
    writer: Writer,
    /// Samples at 48 kHz that do not fill a frame yet.
    frame: Vec<f32>,
    samples: u64,
    taken: u64,
    pre_skip: u16,
    peak: f32,
    waveform: Waveform,
}

/// What is known when a recording ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The file's last bytes.
    pub tail: Vec<u8>,
    /// How long it plays.
    pub duration_ms: u64,
    /// At most 100 bars, 0 to 255.
    pub waveform: Vec<u8>,
}

impl Recording {
    /// Begins a recording of samples at `input_rate`. `serial` numbers the Ogg stream and should be
    /// drawn at random.
    pub fn begin(serial: u32, input_rate: u32) -> Result<Self, EncodeError> {
        let encoder = Encoder::new()?;
        let pre_skip = encoder.lookahead()?;
        Ok(Self {
            resampler: (input_rate != SAMPLE_RATE).then(|| Resampler::new(input_rate)),
            encoder,
            writer: Writer::new(serial, pre_skip, input_rate),
            frame: Vec::with_capacity(FRAME),
            samples: 0,
            taken: 0,
            pre_skip,
            peak: 0.0,
            waveform: Waveform::default(),
        })
    }

    /// Takes any number of samples, -1 to 1; what is no number counts as silence.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), EncodeError> {
        let clean: Vec<f32> = samples.iter().map(|&sample| cleaned(sample)).collect();
        self.peak = self.peak.max(peak(&clean));
        match &mut self.resampler {
            None => self.encode(&clean),
            Some(resampler) => {
                let mut resampled = Vec::new();
                resampler.push(&clean, &mut resampled);
                self.encode(&resampled)
            }
        }
    }

    /// The loudest sample since the last time this was asked, 0 to 1.
    pub fn take_peak(&mut self) -> f32 {
        std::mem::take(&mut self.peak)
    }

    /// How much sound came in.
    pub fn duration_ms(&self) -> u64 {
        self.samples / SAMPLES_PER_MS
    }

    /// How much encoded sound no block holds yet.
    pub fn waiting_ms(&self) -> u64 {
        (self.writer.granule() - self.taken) / SAMPLES_PER_MS
    }

    /// The waveform so far.
    pub fn waveform(&self) -> Vec<u8> {
        self.waveform.bars()
    }

    /// How long the blocks taken so far play, once they are closed.
    pub fn taken_ms(&self) -> u64 {
        self.taken.saturating_sub(u64::from(self.pre_skip)) / SAMPLES_PER_MS
    }

    /// The file's next bytes, up to the last whole frame.
    pub fn take_block(&mut self) -> Vec<u8> {
        self.taken = self.writer.granule();
        self.writer.take_pages()
    }

    /// Ends the file so that it plays exactly as long as what came in: the encoder is fed silence
    /// until its delay is out, and the last page's granule position trims what is too much.
    pub fn finish(mut self) -> Result<Finished, EncodeError> {
        if let Some(mut resampler) = self.resampler.take() {
            let mut rest = Vec::new();
            resampler.finish(&mut rest);
            self.encode(&rest)?;
        }
        let end = self.samples + u64::from(self.pre_skip);
        let duration_ms = self.duration_ms();
        while self.writer.granule() < end {
            let missing = FRAME - self.frame.len();
            self.encode(&vec![0.0; missing])?;
        }
        let waveform = self.waveform.bars();
        let tail = self.writer.finish(end);
        Ok(Finished {
            tail,
            duration_ms,
            waveform,
        })
    }

    fn encode(&mut self, mut samples: &[f32]) -> Result<(), EncodeError> {
        self.samples += samples.len() as u64;
        while let Some((now, later)) = samples.split_at_checked(FRAME - self.frame.len()) {
            self.frame.extend_from_slice(now);
            self.encode_frame()?;
            samples = later;
        }
        self.frame.extend_from_slice(samples);
        Ok(())
    }

    fn encode_frame(&mut self) -> Result<(), EncodeError> {
        debug_assert_eq!(FRAME as u64, PACKET_SAMPLES);
        if let Some(frame) = self.frame.first_chunk::<FRAME>() {
            self.waveform.push(frame);
            self.writer.push(self.encoder.encode(frame)?);
        }
        self.frame.clear();
        Ok(())
    }
}

fn cleaned(sample: f32) -> f32 {
    if sample.is_finite() {
        sample.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}
