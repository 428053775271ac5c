//! The browser's parts of a recording, plugged together: microphone, context, worklet, worker.

use gloo_events::EventListener;
use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AudioContext, AudioContextOptions, AudioContextState, AudioNode, AudioWorkletNode,
    AudioWorkletNodeOptions, Blob, BlobPropertyBag, MediaStream, MediaStreamAudioSourceNode,
    MessageChannel, MessagePort, Url, Worker, WorkerOptions, WorkerType,
};

use super::error::CaptureError;
use crate::queue::within;

/// The rate we ask for: the encoder's own.
const RATE: f32 = 48_000.0;
const PROCESSOR: &str = "afterbeep-capture";
/// A context that does not wake up in this time will not.
const WAKING_MS: u32 = 3_000;

/// An audio context that loads the worklet's script while the browser still asks for the microphone, so that no
/// sample waits for either.
pub(super) struct Bench {
    context: Context,
    loaded: JsFuture,
}

impl Bench {
    /// A context at 48 kHz, or at the device's own rate.
    pub(super) fn prepare(worklet: &str, rate: Rate) -> Result<Self, CaptureError> {
        let context = Context::new(rate).map_err(|cause| CaptureError::audio(&cause))?;
        // Browsers may want the microphone to be open first: it is asked again then.
        settle(context.0.resume());
        let loaded = context
            .0
            .audio_worklet()
            .and_then(|worklets| worklets.add_module(worklet));
        Ok(Self {
            loaded: JsFuture::from(loaded.map_err(|cause| CaptureError::audio(&cause))?),
            context,
        })
    }

    /// Samples per second.
    pub(super) fn rate(&self) -> f32 {
        self.context.0.sample_rate()
    }

    /// Joins the stream to the context. Firefox cannot where the device has another rate.
    pub(super) fn join(&self, stream: &MediaStream) -> Result<MediaStreamAudioSourceNode, JsValue> {
        self.context.0.create_media_stream_source(stream)
    }

    /// Connects what was joined to a worklet that sends its samples into `to`.
    pub(super) async fn tap(
        self,
        source: MediaStreamAudioSourceNode,
        to: &MessagePort,
    ) -> Result<Tap, CaptureError> {
        self.loaded
            .await
            .map_err(|cause| CaptureError::script(&cause))?;
        let node =
            plug(&self.context.0, &source, to).map_err(|cause| CaptureError::audio(&cause))?;
        let tap = Tap {
            _awake: stay_awake(&self.context.0),
            context: self.context,
            source,
            node,
        };
        let running = tap.context().resume();
        let running = JsFuture::from(running.map_err(|cause| CaptureError::audio(&cause))?);
        match within(WAKING_MS, running).await {
            Some(Ok(_)) => Ok(tap),
            Some(Err(cause)) => Err(CaptureError::audio(&cause)),
            None => Err(CaptureError::Audio("it stays asleep".to_owned())),
        }
    }
}

/// Which rate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// The encoder's.
    Encoder,
    /// The device's.
    Device,
}

/// A context that is closed when dropped.
struct Context(AudioContext);

impl Context {
    fn new(rate: Rate) -> Result<Self, JsValue> {
        let options = AudioContextOptions::new();
        if rate == Rate::Encoder {
            options.set_sample_rate(RATE);
        }
        AudioContext::new_with_context_options(&options).map(Self)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        settle(self.0.close());
    }
}

/// A microphone connected to a worklet.
pub(super) struct Tap {
    _awake: EventListener,
    context: Context,
    source: MediaStreamAudioSourceNode,
    node: AudioWorkletNode,
}

impl Tap {
    /// The context, to be watched.
    pub(super) fn context(&self) -> &AudioContext {
        &self.context.0
    }

    /// Asks the worklet to hand over its last samples and say that these were all.
    pub(super) fn end(&self) -> Result<(), JsValue> {
        self.node
            .port()?
            .post_message(&JsValue::from(Object::new()))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // Disconnecting fails only where nothing is connected.
        let _ = AudioNode::disconnect(&self.source);
    }
}

/// Starts the capture worker. A worker of another origin starts through a blob that imports it.
pub(super) fn worker(address: &str) -> Result<Worker, CaptureError> {
    start_worker(address).map_err(|cause| CaptureError::script(&cause))
}

/// An object with these fields.
pub(super) fn object(fields: &[(&str, &JsValue)]) -> Result<JsValue, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &JsValue::from_str(name), value)?;
    }
    Ok(object.into())
}

/// Two ends: the worklet's and the worker's.
pub(super) fn channel() -> Result<(MessagePort, MessagePort), CaptureError> {
    let channel = MessageChannel::new().map_err(|cause| CaptureError::audio(&cause))?;
    Ok((channel.port1(), channel.port2()))
}

fn plug(
    context: &AudioContext,
    source: &MediaStreamAudioSourceNode,
    to: &MessagePort,
) -> Result<AudioWorkletNode, JsValue> {
    let node = AudioWorkletNode::new_with_options(context, PROCESSOR, &mono()?)?;
    let message = object(&[("to", to)])?;
    node.port()?
        .post_message_with_transferable(&message, &Array::of1(to))?;
    source.connect_with_audio_node(&node)?;
    Ok(node)
}

/// A telephone call or a change of device may put the context to sleep: it is woken at once. Safari has a state
/// `interrupted` of its own.
fn stay_awake(context: &AudioContext) -> EventListener {
    let woken = context.clone();
    EventListener::new(context, "statechange", move |_| {
        if !matches!(
            woken.state(),
            AudioContextState::Running | AudioContextState::Closed
        ) {
            settle(woken.resume());
        }
    })
}

/// One mono input and nothing to be heard.
fn mono() -> Result<AudioWorkletNodeOptions, JsValue> {
    let options = AudioWorkletNodeOptions::new();
    options.set_number_of_inputs(1);
    options.set_number_of_outputs(0);
    options.set_channel_count(1);
    Reflect::set(&options, &"channelCountMode".into(), &"explicit".into())?;
    Ok(options)
}

/// Lets a promise run whose failure changes nothing: the context is closed, or sleeps on.
fn settle(promise: Result<Promise, JsValue>) {
    if let Ok(promise) = promise {
        wasm_bindgen_futures::spawn_local(async move {
            let _ = JsFuture::from(promise).await;
        });
    }
}

fn start_worker(address: &str) -> Result<Worker, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    if same_origin(address) {
        return Worker::new_with_options(address, &options);
    }
    let shim = shim(address)?;
    let worker = Worker::new_with_options(&shim, &options);
    Url::revoke_object_url(&shim)?;
    worker
}

fn same_origin(address: &str) -> bool {
    let Some(here) = web_sys::window().map(|window| window.location()) else {
        return true;
    };
    let (Ok(href), Ok(origin)) = (here.href(), here.origin()) else {
        return true;
    };
    Url::new_with_base(address, &href).is_ok_and(|url| url.origin() == origin)
}

/// Imports the script as it runs, which a policy's `script-src` allows: a static import would need its server in
/// `worker-src`. What is posted before that waits.
const SHIM: &str = "const early = [];
onmessage = (event) => early.push(event);
import(ADDRESS).then(() => early.forEach((event) => onmessage(event))).catch(reportError);";

fn shim(address: &str) -> Result<String, JsValue> {
    let address = js_sys::JSON::stringify(&JsValue::from_str(address))?;
    let text = SHIM.replace("ADDRESS", &String::from(address));
    let kind = BlobPropertyBag::new();
    kind.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &kind)?;
    Url::create_object_url_with_blob(&blob)
}
