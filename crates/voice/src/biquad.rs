//! The filter that meter and noise reduction are made of.

/// A filter of second order, transposed direct form II.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Biquad {
    forward: [f64; 3],
    back: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    /// Coefficients of the newest sample first; the one that divides all is 1.
    pub(crate) const fn new(forward: [f64; 3], back: [f64; 2]) -> Self {
        Self {
            forward,
            back,
            state: [0.0; 2],
        }
    }

    /// Takes a sample and gives one.
    pub(crate) fn next(&mut self, x: f64) -> f64 {
        let ([b0, b1, b2], [a1, a2]) = (self.forward, self.back);
        let [first, second] = self.state;
        let y = b0 * x + first;
        self.state = [b1 * x - a1 * y + second, b2 * x - a2 * y];
        y
    }
}
