// Runs in the page before its own scripts: tells the test of every block that the recorder acknowledged, the
// moment it hears of it, and when the recorded sound began by the page's clock.

/** @param {(note: {saved_ms?: number, size?: number, began?: number}) => void} note carries a note out of the browser */
export function witness(note) {
  const Native = globalThis.Worker;
  let earliest = Infinity;
  globalThis.Worker = class extends Native {
    constructor(...words) {
      super(...words);
      this.addEventListener('message', ({ data }) => {
        const at = performance.timeOrigin + performance.now();
        const took = data?.level?.elapsed_ms ?? data?.saved?.duration_ms;
        // So much sound has come by now: it began no later than that long ago.
        if (took > 0 && at - took < earliest) note({ began: (earliest = at - took) });
        if (data?.saved) note({ saved_ms: data.saved.duration_ms, size: data.saved.size });
      });
    }
  };
}
