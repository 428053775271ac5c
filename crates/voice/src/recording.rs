//! A recording from its first sample to its last page.

use crate::container::{PACKET_SAMPLES, Writer};
use crate::encoder::{EncodeError, Encoder, FRAME};
use crate::leveler::Gain;
use crate::processing::{DELAY_STEPS, Processing};
use crate::resampler::Resampler;
use crate::silence::Ends;
use crate::suppression::Suppressor;
use crate::waveform::{Waveform, peak};
use crate::{SAMPLE_RATE, STEP};

const SAMPLES_PER_MS: u64 = 48;

/// Turns samples into blocks of an Ogg Opus file. Every block ends at a page's end, so the file is
/// playable after any of them.
pub struct Recording {
    resampler: Option<Resampler>,
    /// Samples at 48 kHz that do not fill a step yet.
    step: Vec<f32>,
    processing: Processing,
    encoder: Encoder,
    writer: Writer,
    /// Processed samples that do not fill a frame yet.
    frame: Vec<f32>,
    /// Samples at 48 kHz that came in.
    samples: u64,
    /// Samples that came out of the processing.
    processed: u64,
    taken: u64,
    pre_skip: u16,
    peak: f32,
    waveform: Waveform,
}

/// What is known when a recording ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The file's last bytes.
    pub tail: Vec<u8>,
    /// How long it plays.
    pub duration_ms: u64,
    /// At most 100 bars, 0 to 255.
    pub waveform: Vec<u8>,
    /// What its players need to know.
    pub playing: Playing,
}

/// What a player does with a recording; its bytes stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Playing {
    /// Silence that may be left out.
    pub silence: Ends,
    /// What brings it to -16 LUFS without cutting a sample off; none where nobody spoke.
    pub gain_db: Option<f32>,
}

impl Recording {
    /// Begins a recording of samples at `input_rate`. `serial` numbers the Ogg stream and should be
    /// drawn at random.
    pub fn begin(serial: u32, input_rate: u32, gain: Gain) -> Result<Self, EncodeError> {
        let encoder = Encoder::new()?;
        let pre_skip = encoder.lookahead()?;
        Ok(Self {
            resampler: (input_rate != SAMPLE_RATE).then(|| Resampler::new(input_rate)),
            step: Vec::with_capacity(STEP),
            processing: Processing::new(gain),
            encoder,
            writer: Writer::new(serial, pre_skip, input_rate),
            frame: Vec::with_capacity(FRAME),
            samples: 0,
            processed: 0,
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
            None => self.process(&clean),
            Some(resampler) => {
                let mut resampled = Vec::new();
                resampler.push(&clean, &mut resampled);
                self.process(&resampled)
            }
        }
    }

    /// Lets noise be taken out from here on.
    pub fn suppress_with(&mut self, suppressor: Box<dyn Suppressor>) {
        self.processing.suppress_with(suppressor);
    }

    /// How long nobody has spoken since the last word; nothing before the first one.
    pub fn silent_ms(&self) -> Option<u64> {
        self.processing.silent_ms()
    }

    /// What a player is to do with what was recorded so far.
    pub fn playing(&self) -> Playing {
        Playing {
            silence: self.processing.ends(),
            gain_db: self.processing.gain_db(),
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

    /// Ends the file so that it plays exactly as long as what came in: processing and encoder are fed silence
    /// until their delays are out, and the last page's granule position trims what is too much.
    pub fn finish(mut self) -> Result<Finished, EncodeError> {
        if let Some(mut resampler) = self.resampler.take() {
            let mut rest = Vec::new();
            resampler.finish(&mut rest);
            self.process(&rest)?;
        }
        let playing = self.playing();
        let duration_ms = self.duration_ms();
        self.flush()?;
        let end = self.samples + u64::from(self.pre_skip);
        while self.writer.granule() < end {
            let missing = FRAME - self.frame.len();
            self.encode(&vec![0.0; missing])?;
        }
        Ok(Finished {
            duration_ms,
            waveform: self.waveform.bars(),
            tail: self.writer.finish(end),
            playing,
        })
    }

    /// Brings out what is under way in the processing.
    fn flush(&mut self) -> Result<(), EncodeError> {
        let samples = self.samples;
        let partial = (STEP - self.step.len()) % STEP;
        let missing = partial + DELAY_STEPS * STEP;
        self.process(&vec![0.0; missing])?;
        self.samples = samples;
        let surplus = self.processed.saturating_sub(samples) as usize;
        self.frame
            .truncate(self.frame.len().saturating_sub(surplus));
        Ok(())
    }

    fn process(&mut self, mut samples: &[f32]) -> Result<(), EncodeError> {
        self.samples += samples.len() as u64;
        while let Some((now, later)) = samples.split_at_checked(STEP - self.step.len()) {
            self.step.extend_from_slice(now);
            if let Some(step) = self.step.first_chunk::<STEP>()
                && let Some(processed) = self.processing.push(*step)
            {
                self.processed += STEP as u64;
                self.encode(&processed)?;
            }
            self.step.clear();
            samples = later;
        }
        self.step.extend_from_slice(samples);
        Ok(())
    }

    fn encode(&mut self, mut samples: &[f32]) -> Result<(), EncodeError> {
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
