// The module that Cloudflare's runtime loads. A panic in Rust poisons the wasm instance; every class is
// therefore reached through a proxy that makes a fresh instance after one, and storage and sockets survive.
import { WorkerEntrypoint } from "cloudflare:workers";
import * as exports from "./index.js";

Error.stackTraceLimit = 100;
const state = exports.__worker_init_state();

function recover() {
  if (!state.criticalError) return;
  console.error("wasm is being started again after a fault");
  exports.__wbg_reset_state();
  state.criticalError = false;
  state.instanceId++;
}

function note(error) {
  if (error instanceof WebAssembly.RuntimeError) {
    console.error("fault in wasm", error);
    state.criticalError = true;
  }
}

addEventListener("error", (event) => note(event.error));

class Entrypoint extends WorkerEntrypoint {
  fetch(request) {
    return exports.fetch.call(this, request, this.env, this.ctx);
  }
}

/** A function that restarts wasm before the call if needed, and notes a fault in it. */
function guarded(original) {
  const failed = (error) => {
    note(error);
    throw error;
  };
  return new Proxy(original, {
    apply(target, self, values) {
      recover();
      try {
        const result = target.apply(self, values);
        return result instanceof Promise ? result.catch(failed) : result;
      } catch (error) {
        return failed(error);
      }
    },
  });
}

const onInstance = Object.fromEntries(
  ["set", "has", "deleteProperty", "getPrototypeOf", "setPrototypeOf", "isExtensible", "preventExtensions",
    "getOwnPropertyDescriptor", "defineProperty", "ownKeys"]
    .map((trap) => [trap, (holder, ...rest) => Reflect[trap](holder.instance, ...rest)]),
);

const onClass = {
  construct(target, values, newTarget) {
    const make = () => Reflect.construct(target, values, newTarget);
    try {
      recover();
      const holder = { instance: make(), instanceId: state.instanceId };
      return new Proxy(holder, {
        ...onInstance,
        get(held, name, receiver) {
          if (held.instanceId !== state.instanceId) {
            held.instance = make();
            held.instanceId = state.instanceId;
          }
          const value = Reflect.get(held.instance, name, receiver);
          return typeof value === "function" ? guarded(value) : value;
        },
      });
    } catch (error) {
      state.criticalError = true;
      throw error;
    }
  },
};

export default new Proxy(Entrypoint, onClass);
export const Flow = new Proxy(exports.Flow, onClass);
export const Line = new Proxy(exports.Line, onClass);
export const Mailbox = new Proxy(exports.Mailbox, onClass);
export const Upload = new Proxy(exports.Upload, onClass);
export const Network = new Proxy(exports.Network, onClass);
export const Directory = new Proxy(exports.Directory, onClass);
export const Upstream = new Proxy(exports.Upstream, onClass);
