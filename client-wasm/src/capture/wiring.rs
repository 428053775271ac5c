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

/// The rate we ask for: the encoder's own.
const RATE: f32 = 48_000.0;
const PROCESSOR: &str = "afterbeep-capture";

/// A microphone connected to a worklet.
pub(super) struct Tap {
    pub(super) context: AudioContext,
    source: MediaStreamAudioSourceNode,
    node: AudioWorkletNode,
    _awake: EventListener,
}

impl Tap {
    /// Connects the stream to a worklet that sends its samples into `to`.
    pub(super) async fn open(
        stream: &MediaStream,
        worklet: &str,
        to: &MessagePort,
    ) -> Result<Self, CaptureError> {
        let (context, source) = listen(stream).map_err(|cause| CaptureError::audio(&cause))?;
        match connect(&context, &source, worklet, to).await {
            Ok(node) => Ok(Self {
                _awake: stay_awake(&context),
                context,
                source,
                node,
            }),
            Err(error) => {
                close(&context);
                Err(error)
            }
        }
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
        close(&self.context);
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

/// A context at 48 kHz; where the browser cannot join the microphone to that (Firefox with a device of
/// another rate), a context at its own rate.
fn listen(stream: &MediaStream) -> Result<(AudioContext, MediaStreamAudioSourceNode), JsValue> {
    let options = AudioContextOptions::new();
    options.set_sample_rate(RATE);
    if let Ok(context) = AudioContext::new_with_context_options(&options) {
        match context.create_media_stream_source(stream) {
            Ok(source) => return Ok((context, source)),
            Err(_) => close(&context),
        }
    }
    let context = AudioContext::new()?;
    match context.create_media_stream_source(stream) {
        Ok(source) => Ok((context, source)),
        Err(cause) => {
            close(&context);
            Err(cause)
        }
    }
}

async fn connect(
    context: &AudioContext,
    source: &MediaStreamAudioSourceNode,
    worklet: &str,
    to: &MessagePort,
) -> Result<AudioWorkletNode, CaptureError> {
    load(context, worklet)
        .await
        .map_err(|cause| CaptureError::script(&cause))?;
    let plug = || {
        let node = AudioWorkletNode::new_with_options(context, PROCESSOR, &mono()?)?;
        let message = object(&[("to", to)])?;
        node.port()?
            .post_message_with_transferable(&message, &Array::of1(to))?;
        source.connect_with_audio_node(&node)?;
        Ok(node)
    };
    let node = plug().map_err(|cause: JsValue| CaptureError::audio(&cause))?;
    run(context)
        .await
        .map_err(|cause| CaptureError::audio(&cause))?;
    Ok(node)
}

async fn load(context: &AudioContext, worklet: &str) -> Result<(), JsValue> {
    JsFuture::from(context.audio_worklet()?.add_module(worklet)?).await?;
    Ok(())
}

async fn run(context: &AudioContext) -> Result<(), JsValue> {
    JsFuture::from(context.resume()?).await?;
    Ok(())
}

/// A telephone call or a change of device may put the context to sleep: it is woken at once.
fn stay_awake(context: &AudioContext) -> EventListener {
    let woken = context.clone();
    EventListener::new(context, "statechange", move |_| {
        if woken.state() == AudioContextState::Suspended {
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

fn close(context: &AudioContext) {
    settle(context.close());
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
