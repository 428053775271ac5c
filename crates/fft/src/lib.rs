//! The Fourier transform that RNNoise needs: 960 real samples and back, and no other length.
//!
//! `nnnoiseless` asks for it by the names of the crate `easyfft`, in whose place the workspace puts this one: that
//! one plans transforms of every length, which would be two thirds of what a browser downloads to reduce noise.
//! Only what `nnnoiseless` calls is here. Neither direction scales, as there.

mod plan;
mod spectrum;

pub use num_complex;

/// Transforms whose length is chosen while the program runs.
pub mod dyn_size {
    /// Transforms of real samples.
    pub mod realfft {
        pub use crate::spectrum::DynRealDft;
    }
}

/// The traits that give slices and spectra their transforms.
pub mod prelude {
    pub use crate::spectrum::{DynRealFft, DynRealIfft};
}
