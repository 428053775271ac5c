// Carries samples from the worklet into the voice module, and its events back to the page. Every rule
// of a recording is in the module; it also writes the journal itself, so that a frozen page loses nothing.
let recorder;

async function start({ row, sample_rate, wishes, port }) {
  const { VoiceRecorder } = await load("voice");
  recorder = await VoiceRecorder.open(row, sample_rate, wishes, (event) => postMessage(event));
  port.onmessage = ({ data }) => take(data);
  if (wishes.reduce_noise) void reduceNoise();
}

/** Takes noise out as soon as the module for it is here. Nothing waits for it: until then, and without, it records. */
async function reduceNoise() {
  try {
    const { Denoiser } = await load("denoise");
    const denoiser = new Denoiser();
    recorder.suppress_with((step) => denoiser.suppress(step));
  } catch {
    // Offline, and not kept on this device: the sound stays as it comes.
  }
}

/** @type {Map<string, Promise<any>>} */
const modules = new Map();

/**
 * Each module once, though a recording begins while the module is still on its way.
 * @param {string} name of a module beside this script
 */
function load(name) {
  const known = modules.get(name);
  if (known) return known;
  const loading = fetchModule(name);
  modules.set(name, loading);
  loading.catch(() => modules.delete(name));
  return loading;
}

/** @param {string} name */
async function fetchModule(name) {
  const module = await import(new URL(`${name}.js`, import.meta.url).href);
  await module.default({ module_or_path: new URL(`${name}_bg.wasm`, import.meta.url).href });
  return module;
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
  if (data.type === "prepare") void load("voice").catch(() => {});
  else if (data.type === "start") start(data).catch(fail);
  else if (!recorder) fail("The recorder did not start.");
  else if (data.type === "pause") recorder.pause();
  else if (data.type === "resume") recorder.resume();
  else if (data.type === "lost") recorder.lose(data.ms);
  else if (data.type === "finish") recorder.finish();
};
