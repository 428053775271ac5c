// Hands the microphone's samples to the capture worker, each piece with its place on the sample clock.
// It does not encode: an encoder's peaks are ten times longer than a render quantum.
const PIECE = 2048;
const QUANTUM = 128;

class Capture extends AudioWorkletProcessor {
  piece = new Float32Array(PIECE);
  filled = 0;
  next = 0;
  live = true;
  to = null;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.to) this.to = data.to;
      else this.end();
    };
  }

  process([[samples]]) {
    if (!this.live || !this.to) return this.live;
    if (samples) this.take(samples);
    else this.miss();
    return true;
  }

  take(samples) {
    this.piece.set(samples, this.filled);
    this.filled += samples.length;
    this.next = currentFrame + samples.length;
    if (this.filled + samples.length > PIECE) this.flush();
  }

  miss() {
    this.flush();
    this.to.postMessage({ frame: currentFrame, missing: QUANTUM });
  }

  flush() {
    if (this.filled === 0) return;
    const samples = this.piece.slice(0, this.filled);
    this.to.postMessage({ frame: this.next - this.filled, samples }, [samples.buffer]);
    this.filled = 0;
  }

  end() {
    this.live = false;
    if (!this.to) return;
    this.flush();
    this.to.postMessage({ end: true });
  }
}

registerProcessor("afterbeep-capture", Capture);
