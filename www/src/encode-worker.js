// Encodes a sound file with the voice module, away from the page, and tells how far it is.

/** The module lies beside this script. */
const beside = (name) => new URL(name, import.meta.url).href;

async function encode({ serial, sampleRate, samples }) {
  const voice = await import(beside("./voice.js"));
  await voice.default({ module_or_path: beside("./voice_bg.wasm") });
  const file = voice.encode_file(serial, sampleRate, samples, (share) => postMessage({ share }));
  postMessage({ file }, [file.buffer]);
}

onmessage = ({ data }) => encode(data).catch((error) => postMessage({ failed: String(error?.message ?? error) }));
