//! A window of real samples as a transform of half as many complex ones, and what RNNoise does with the result.

use std::ops::{Deref, MulAssign};

use num_complex::{Complex, Complex32};

use crate::plan::{HALF, Plan, Points, WINDOW};

/// What a window's spectrum holds; the other half mirrors it.
const BINS: usize = HALF + 1;

/// The spectrum of one window of real samples.
#[derive(Clone, Debug)]
pub struct DynRealDft<T> {
    bins: Box<[Complex<T>; BINS]>,
}

impl DynRealDft<f32> {
    /// A spectrum of this first bin and of those after it, as far as a window has bins: every length is that of
    /// the window.
    #[must_use]
    pub fn new(first: f32, rest: &[Complex32], _length: usize) -> Self {
        let bins = Box::new([Complex32::default(); BINS]);
        let mut spectrum = Self { bins };
        *spectrum.get_offset_mut() = first;
        let slots = spectrum.bins.iter_mut().skip(1);
        slots.zip(rest).for_each(|(slot, bin)| *slot = *bin);
        spectrum
    }

    /// The first bin, which is real.
    #[must_use]
    pub fn get_offset(&self) -> &f32 {
        let [first, ..] = &*self.bins;
        &first.re
    }

    /// The same, to be changed.
    pub fn get_offset_mut(&mut self) -> &mut f32 {
        let [first, ..] = &mut *self.bins;
        &mut first.re
    }

    /// All bins that are not real by their nature: all but the first and the last.
    #[must_use]
    pub fn get_frequency_bins(&self) -> &[Complex32] {
        self.bins.get(1..HALF).unwrap_or_default()
    }

    /// The same, to be changed.
    pub fn get_frequency_bins_mut(&mut self) -> &mut [Complex32] {
        self.bins.get_mut(1..HALF).unwrap_or_default()
    }
}

impl Deref for DynRealDft<f32> {
    type Target = [Complex32];

    fn deref(&self) -> &Self::Target {
        &*self.bins
    }
}

impl MulAssign<f32> for DynRealDft<f32> {
    fn mul_assign(&mut self, factor: f32) {
        self.bins.iter_mut().for_each(|bin| *bin *= factor);
    }
}

impl MulAssign<&[f32]> for DynRealDft<f32> {
    fn mul_assign(&mut self, factors: &[f32]) {
        let bins = self.bins.iter_mut().zip(factors);
        bins.for_each(|(bin, factor)| *bin *= *factor);
    }
}

/// Real samples have a spectrum.
pub trait DynRealFft {
    /// Puts it there, if these are as many samples as a window has.
    fn real_fft_using(&self, spectrum: &mut DynRealDft<f32>);
}

/// A spectrum has real samples.
pub trait DynRealIfft {
    /// Puts them there, each as many times too large as a window has samples, if there is room for just a window.
    fn real_ifft_using(&self, samples: &mut [f32]);
}

impl DynRealFft for [f32] {
    fn real_fft_using(&self, spectrum: &mut DynRealDft<f32>) {
        let Ok(samples) = <&[f32; WINDOW]>::try_from(self) else {
            return;
        };
        let plan = Plan::get();
        let mut points: Points = [Complex32::default(); HALF];
        let (pairs, _) = samples.as_chunks::<2>();
        for (point, [even, odd]) in points.iter_mut().zip(pairs) {
            *point = Complex32::new(*even, *odd);
        }
        plan.transform(&mut points);
        let mirrored = points.iter().take(1).chain(points.iter().rev());
        let points = points.iter().chain(points.first());
        for (at, (bin, (point, mirror))) in spectrum
            .bins
            .iter_mut()
            .zip(points.zip(mirrored))
            .enumerate()
        {
            let (even, odd) = (point + mirror.conj(), point - mirror.conj());
            let turned = odd * plan.root(at, WINDOW);
            *bin = (even + Complex32::new(turned.im, -turned.re)) * 0.5;
        }
    }
}

impl DynRealIfft for DynRealDft<f32> {
    fn real_ifft_using(&self, samples: &mut [f32]) {
        if samples.len() != WINDOW {
            return;
        }
        let plan = Plan::get();
        let mut points: Points = [Complex32::default(); HALF];
        let bins = self.bins.iter().zip(self.bins.iter().rev());
        for (at, (point, (bin, mirror))) in points.iter_mut().zip(bins).enumerate() {
            let (even, odd) = (bin + mirror.conj(), bin - mirror.conj());
            let turned = odd * plan.root(at, WINDOW).conj();
            // Conjugated here and below: the way back is the way there in a mirror.
            *point = (even + Complex32::new(-turned.im, turned.re)).conj();
        }
        plan.transform(&mut points);
        let (pairs, _) = samples.as_chunks_mut::<2>();
        for ([even, odd], point) in pairs.iter_mut().zip(&points) {
            (*even, *odd) = (point.re, -point.im);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{array, f64::consts::PI};

    use super::*;

    fn window() -> [f32; WINDOW] {
        let mut seed = 1_u32;
        array::from_fn(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(seed >> 8) / f64::from(1 << 23) - 1.0) as f32
        })
    }

    fn spectrum_of(window: &[f32]) -> DynRealDft<f32> {
        let mut spectrum = DynRealDft::new(0.0, &[Complex32::default(); HALF], WINDOW);
        window.real_fft_using(&mut spectrum);
        spectrum
    }

    #[test]
    fn a_window_becomes_the_spectrum_of_the_definition() {
        let window = window();
        for (bin, got) in spectrum_of(&window).iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (at, sample) in window.iter().enumerate() {
                let (sin, cos) = (-2.0 * PI * (bin * at) as f64 / WINDOW as f64).sin_cos();
                re += f64::from(*sample) * cos;
                im += f64::from(*sample) * sin;
            }
            let miss = (re - f64::from(got.re)).hypot(im - f64::from(got.im));
            assert!(miss < 1e-4, "bin {bin} is {got}, not {re} + {im}i");
        }
    }

    #[test]
    fn a_spectrum_becomes_its_window_again() {
        let window = window();
        let mut back = [0.0; WINDOW];
        spectrum_of(&window).real_ifft_using(&mut back);
        for (was, is) in window.iter().zip(back) {
            assert!((was - is / WINDOW as f32).abs() < 1e-6, "{was} became {is}");
        }
    }

    #[test]
    fn gains_apply_to_each_bin_and_to_all() {
        let mut spectrum = DynRealDft::new(2.0, &[Complex32::new(3.0, 4.0); HALF], WINDOW);
        spectrum *= 2.0;
        let gains: Vec<f32> = (0..BINS)
            .map(|at| if at == 1 { 0.5 } else { 1.0 })
            .collect();
        spectrum *= &gains[..];
        *spectrum.get_offset_mut() += 1.0;
        spectrum.get_frequency_bins_mut()[1].re = 0.0;
        assert_eq!(*spectrum.get_offset(), 5.0);
        assert_eq!(spectrum.get_frequency_bins().len(), BINS - 2);
        assert_eq!(spectrum[1], Complex32::new(3.0, 4.0));
        assert_eq!(spectrum[2], Complex32::new(0.0, 8.0));
    }

    #[test]
    fn other_lengths_are_left_alone() {
        let spectrum = spectrum_of(&[1.0; WINDOW - 1]);
        assert!(spectrum.iter().all(|bin| *bin == Complex32::default()));
        let mut samples = [1.0; WINDOW + 1];
        spectrum_of(&[0.0; WINDOW]).real_ifft_using(&mut samples);
        assert_eq!(samples, [1.0; WINDOW + 1]);
    }
}
