// Carries samples from the worklet into the voice module, and its events back to the page. Every rule
// of a recording is in the module; it also writes the journal itself, so that a frozen page loses nothing.
let recorder;

async function start({ row, sample_rate, longest_ms, port }) {
  const beside = (name) => new URL(name, import.meta.url).href;
  const voice = await import(beside("./voice.js"));
  await voice.default({ module_or_path: beside("./voice_bg.wasm") });
  recorder = await voice.VoiceRecorder.open(row, sample_rate, longest_ms, (event) => postMessage(event));
  port.onmessage = ({ data }) => take(data);
}

function take({ frame, samples, missing, end }) {
  if (samples) recorder.push(frame, samples);
  else if (missing) recorder.miss(frame, missing);
  else if (end) recorder.finish();
}

function fail(error) {
  postMessage({ failed: { code: "recorder_failed", message: String(error?.message ?? error) } });
}

onmessage = ({ data }) => {
  if (data.type === "start") start(data).catch(fail);
  else if (!recorder) fail("The recorder did not start.");
  else if (data.type === "pause") recorder.pause();
  else if (data.type === "resume") recorder.resume();
  else if (data.type === "lost") recorder.lose(data.ms);
  else if (data.type === "finish") recorder.finish();
};
