//! How loud a stream is, for the live waveform. It only listens: what is recorded does not pass through it.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AnalyserNode, AudioContext, AudioContextState, AudioNode, MediaStream,
    MediaStreamAudioSourceNode,
};

use super::measure::{Measure, Measuring};

/// Samples looked at each time: 43 ms at 48 kHz, so that nothing lies between two looks.
const WINDOW: u32 = 2048;

/// What stands for sound that cannot be measured: an even line, and nothing to warn of.
pub(super) const UNMEASURED: Measure = Measure {
    peak: 0.1,
    power: 0.001,
    clipped: 0,
};

/// A stream's level. Dropping it closes its audio context.
pub(super) struct Meter {
    context: AudioContext,
    source: MediaStreamAudioSourceNode,
    analyser: AnalyserNode,
    window: Vec<f32>,
}

impl Meter {
    /// Listens to the stream; fails where the browser has no audio engine or the stream no sound.
    pub(super) fn open(stream: &MediaStream) -> Result<Self, JsValue> {
        let context = AudioContext::new()?;
        match connect(&context, stream) {
            Ok((source, analyser)) => {
                settle(context.resume());
                Ok(Self {
                    context,
                    source,
                    analyser,
                    window: vec![0.0; WINDOW as usize],
                })
            }
            Err(cause) => {
                settle(context.close());
                Err(cause)
            }
        }
    }

    /// What the last samples are like.
    pub(super) fn look(&mut self) -> Measure {
        if self.context.state() != AudioContextState::Running {
            return UNMEASURED;
        }
        self.analyser.get_float_time_domain_data(&mut self.window);
        let mut measuring = Measuring::default();
        measuring.hear(&self.window);
        measuring.take()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Disconnecting fails only where nothing is connected.
        let _ = AudioNode::disconnect(&self.source);
        settle(self.context.close());
    }
}

fn connect(
    context: &AudioContext,
    stream: &MediaStream,
) -> Result<(MediaStreamAudioSourceNode, AnalyserNode), JsValue> {
    let source = context.create_media_stream_source(stream)?;
    let analyser = context.create_analyser()?;
    analyser.set_fft_size(WINDOW);
    source.connect_with_audio_node(&analyser)?;
    Ok((source, analyser))
}

/// Lets a promise run whose failure changes nothing but the picture.
fn settle(promise: Result<Promise, JsValue>) {
    if let Ok(promise) = promise {
        wasm_bindgen_futures::spawn_local(async move {
            let _ = JsFuture::from(promise).await;
        });
    }
}
