//! Noise suppression by another module: the worker's function takes a step and cleans it in place.

use js_sys::{Float32Array, Function};
use voice::{STEP, Suppressor, SuppressorFailed};
use wasm_bindgen::JsValue;

/// A function that cleans 10 ms in place.
pub(super) struct Outside {
    function: Function,
    /// What both modules see.
    step: Float32Array,
}

impl Outside {
    pub(super) fn new(function: Function) -> Self {
        Self {
            function,
            step: Float32Array::new_with_length(STEP as u32),
        }
    }
}

impl Suppressor for Outside {
    fn suppress(&mut self, step: &mut [f32; STEP]) -> Result<(), SuppressorFailed> {
        self.step.copy_from(step);
        self.function
            .call1(&JsValue::UNDEFINED, &self.step)
            .map_err(|_| SuppressorFailed)?;
        self.step.copy_to(step);
        Ok(())
    }
}
