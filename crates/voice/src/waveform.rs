//! The picture of a recording: how loud it was, a bar at a time.

/// Bars a listener's screen gets; enough for a wide one.
const BARS: usize = 100;

/// Peaks of a recording, one per frame.
#[derive(Clone, Debug, Default)]
pub struct Waveform {
    peaks: Vec<u8>,
}

impl Waveform {
    /// Adds the peak of one frame.
    pub fn push(&mut self, frame: &[f32]) {
        self.peaks.push((peak(frame) * 255.0).round() as u8);
    }

    /// At most 100 bars over the whole length, each the highest peak in its part, 0 to 255.
    pub fn bars(&self) -> Vec<u8> {
        let count = self.peaks.len().min(BARS);
        let part = |bar: usize| {
            let begin = bar * self.peaks.len() / count;
            let end = (bar + 1) * self.peaks.len() / count;
            self.peaks
                .get(begin..end)
                .and_then(|peaks| peaks.iter().max().copied())
                .unwrap_or(0)
        };
        (0..count).map(part).collect()
    }
}

/// The largest distance from silence, 0 to 1.
pub(crate) fn peak(samples: &[f32]) -> f32 {
    samples
        .iter()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()))
        .min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_recordings_have_a_bar_per_frame() {
        let mut waveform = Waveform::default();
        waveform.push(&[0.0, -0.5]);
        waveform.push(&[1.0]);
        assert_eq!(waveform.bars(), [128, 255]);
    }

    #[test]
    fn a_bar_shows_the_highest_peak_of_its_part() {
        let mut waveform = Waveform::default();
        for frame in 0..1000 {
            waveform.push(&[if frame == 777 { 1.0 } else { 0.1 }]);
        }
        let bars = waveform.bars();
        assert_eq!(bars.len(), 100);
        assert_eq!(bars.iter().position(|&bar| bar == 255), Some(77));
        assert_eq!(bars.iter().filter(|&&bar| bar == 26).count(), 99);
    }

    #[test]
    fn no_sound_has_no_bars() {
        assert_eq!(Waveform::default().bars(), []);
    }
}
