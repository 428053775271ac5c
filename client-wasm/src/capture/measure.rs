//! What a stretch of sound is like before anything is done to it: how loud, and whether it hit the ceiling.

use serde::{Deserialize, Serialize};

/// From here on a sample counts as cut off by the converter's end.
const CEILING: f32 = 0.985;

/// Measures of some samples as the microphone gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measure {
    /// The loudest sample, 0 to 1.
    pub peak: f32,
    /// The mean of the squares.
    pub power: f32,
    /// Samples at the converter's end.
    pub clipped: u32,
}

/// Gathers samples until somebody asks what they were like.
#[derive(Clone, Debug, Default)]
pub struct Measuring {
    peak: f32,
    squares: f64,
    samples: u32,
    clipped: u32,
}

impl Measuring {
    /// Takes samples, -1 to 1; what is no number counts as silence.
    pub fn hear(&mut self, samples: &[f32]) {
        for sample in samples {
            let size = if sample.is_finite() {
                sample.abs().min(1.0)
            } else {
                0.0
            };
            self.peak = self.peak.max(size);
            self.squares += f64::from(size * size);
            self.clipped += u32::from(size >= CEILING);
        }
        self.samples += samples.len() as u32;
    }

    /// What came since the last time this was asked.
    pub fn take(&mut self) -> Measure {
        let Self {
            peak,
            squares,
            samples,
            clipped,
        } = std::mem::take(self);
        let power = (squares / f64::from(samples.max(1))) as f32;
        Measure {
            peak,
            power,
            clipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_tells_of_the_samples_since_the_last_one() {
        let mut measuring = Measuring::default();
        measuring.hear(&[0.5, -0.5, 0.5, -0.5]);
        let measure = measuring.take();
        assert_eq!(measure.peak, 0.5);
        assert!((measure.power - 0.25).abs() < 1e-6);
        assert_eq!(measuring.take(), Measure::default());
    }

    #[test]
    fn only_the_converters_end_counts_as_clipped() {
        let mut measuring = Measuring::default();
        measuring.hear(&[0.97, -1.0, 1.0, 3.0, f32::NAN, f32::INFINITY]);
        let measure = measuring.take();
        assert_eq!((measure.clipped, measure.peak), (3, 1.0));
    }
}
