//! The complex transform of 480 points, in four stages: 480 = 4 · 4 · 2 · 15.

use std::{array, f64::consts::PI, sync::OnceLock};

use num_complex::Complex32;

/// Samples of one window.
pub(crate) const WINDOW: usize = 960;

/// Complex numbers that hold them, two samples in each.
pub(crate) const HALF: usize = WINDOW / 2;

/// As many as are transformed at once.
pub(crate) type Points = [Complex32; HALF];

/// The roots of unity of one window.
pub(crate) struct Plan {
    roots: [Complex32; WINDOW],
}

impl Plan {
    /// The one plan, made when it is first needed.
    pub(crate) fn get() -> &'static Self {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        PLAN.get_or_init(|| Self {
            roots: array::from_fn(|at| {
                let angle = -2.0 * PI * at as f64 / WINDOW as f64;
                Complex32::new(angle.cos() as f32, angle.sin() as f32)
            }),
        })
    }

    /// The root after `at` of `of` equal steps of a full turn, clockwise. `of` divides the window.
    pub(crate) fn root(&self, at: usize, of: usize) -> Complex32 {
        let at = at * (WINDOW / of) % WINDOW;
        self.roots.get(at).copied().unwrap_or_default()
    }

    /// Transforms in place, without a scale.
    pub(crate) fn transform(&self, points: &mut Points) {
        let mut other = [Complex32::default(); HALF];
        self.stage(points, &mut other, 1, four);
        self.stage(&other, points, 4, four);
        self.stage(points, &mut other, 16, |[a, b]| [a + b, a - b]);
        self.stage(&other, points, 32, |few| self.odd::<15>(&few));
    }

    /// One stage in Stockham's order: `COUNT` points from all over the input, transformed among themselves, end where
    /// the next stage finds them, `stride` apart.
    #[allow(
        clippy::indexing_slicing,
        reason = "`COUNT * stride` divides the number of points, which bounds every index"
    )]
    fn stage<const COUNT: usize>(
        &self,
        from: &Points,
        to: &mut Points,
        stride: usize,
        transform: impl Fn([Complex32; COUNT]) -> [Complex32; COUNT],
    ) {
        for (block, to) in to.chunks_exact_mut(COUNT * stride).enumerate() {
            let turns: [_; COUNT] = array::from_fn(|at| self.root(block * at, HALF / stride));
            for offset in 0..stride {
                let first = block * stride + offset;
                let taken = array::from_fn(|at| from[first + at * (HALF / COUNT)]);
                for (at, point) in transform(taken).into_iter().enumerate() {
                    to[offset + at * stride] = point * turns[at];
                }
            }
        }
    }

    /// An odd number of points by the definition, two results at a time: what is alike in both sides of the
    /// circle is multiplied once.
    fn odd<const COUNT: usize>(&self, points: &[Complex32; COUNT]) -> [Complex32; COUNT] {
        let zero = Complex32::default();
        let (first, rest) = points
            .split_first()
            .map_or((zero, &[][..]), |(a, b)| (*a, b));
        let pairs = || rest.iter().zip(rest.iter().rev()).take(COUNT / 2);
        let mut out = [first + rest.iter().sum::<Complex32>(); COUNT];
        let Some((_, results)) = out.split_first_mut() else {
            return out;
        };
        let (low, high) = results.split_at_mut(COUNT / 2);
        for ((result, low), high) in (1..).zip(low).zip(high.iter_mut().rev()) {
            let (mut even, mut odd) = (first, zero);
            for (at, (a, b)) in (1..).zip(pairs()) {
                let root = self.root(result * at, COUNT);
                even += (a + b) * root.re;
                odd += (a - b) * root.im;
            }
            let turned = Complex32::new(-odd.im, odd.re);
            *low = even + turned;
            *high = even - turned;
        }
        out
    }
}

/// Four points, for which no multiplication is needed.
fn four([a, b, c, d]: [Complex32; 4]) -> [Complex32; 4] {
    let (even, other) = (a + c, a - c);
    let (odd, turned) = (b + d, b - d);
    let turned = Complex32::new(turned.im, -turned.re);
    [even + odd, other + turned, even - odd, other - turned]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_as_the_definition_says() {
        let mut seed = 1_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(seed >> 8) / f64::from(1 << 23) - 1.0) as f32
        };
        let given: Points = array::from_fn(|_| Complex32::new(next(), next()));
        let mut got = given;
        Plan::get().transform(&mut got);
        for (bin, got) in got.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (at, point) in given.iter().enumerate() {
                let (sin, cos) = (-2.0 * PI * (bin * at) as f64 / HALF as f64).sin_cos();
                re += f64::from(point.re) * cos - f64::from(point.im) * sin;
                im += f64::from(point.re) * sin + f64::from(point.im) * cos;
            }
            let miss = (re - f64::from(got.re)).hypot(im - f64::from(got.im));
            assert!(miss < 1e-4, "bin {bin} is {got}, not {re} + {im}i");
        }
    }
}
