// The built worker with a counter around everything that Cloudflare bills: requests to the worker and to
// objects, WebSocket messages, rows, alarms, KV and R2. `bench/cost.mjs` serves it instead of the worker
// itself, which knows nothing of it. `GET /__counts` gives the counts since `POST /__counts`.

import * as worker from "./index.js";

let counts = new Map();
let statements = [];
let watched = false;

function count(what, by = 1) {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

/** Counts calls of these methods on whatever a binding is made of. */
function countCalls(binding, names) {
  const prototype = Object.getPrototypeOf(binding);
  for (const [name, what] of Object.entries(names)) {
    const original = prototype[name];
    prototype[name] = function counted(...values) {
      count(what);
      return original.apply(this, values);
    };
  }
}

function watchBindings(env) {
  if (watched) return;
  watched = true;
  countCalls(env.SESSIONS, { get: "KV reads", put: "KV writes", delete: "KV deletes" });
  countCalls(env.MEDIA, { put: "R2 class A", createMultipartUpload: "R2 class A", get: "R2 class B", head: "R2 class B" });
}

function watchStorage(storage, name) {
  const { sql } = storage;
  const { exec } = sql;
  Object.defineProperty(sql, "exec", {
    value(statement, ...values) {
      const cursor = exec.call(sql, statement, ...values);
      statements.push({ object: name, statement, cursor });
      return cursor;
    },
  });
  const { setAlarm } = storage;
  Object.defineProperty(storage, "setAlarm", {
    value(...values) {
      count(`alarms set by ${name}`);
      return setAlarm.apply(storage, values);
    },
  });
}

const EVENTS = {
  fetch: (name) => `requests to ${name}`,
  alarm: (name) => `requests to ${name}`,
  webSocketMessage: () => "WebSocket messages",
};

/** The same class, whose events are counted. */
function counted(original, name) {
  return new Proxy(original, {
    construct(target, values, newTarget) {
      const [state, env] = values;
      watchBindings(env);
      if (state.storage) watchStorage(state.storage, name);
      return new Proxy(Reflect.construct(target, values, newTarget), {
        get(instance, property) {
          const value = Reflect.get(instance, property, instance);
          const label = EVENTS[property];
          if (typeof value !== "function" || !label) return value;
          return (...given) => {
            count(label(name));
            return value.apply(instance, given);
          };
        },
      });
    },
  });
}

function report() {
  const rows = new Map();
  for (const { object, statement, cursor } of statements) {
    const key = `${object}: ${statement}`;
    const row = rows.get(key) ?? { object, statement, written: 0, read: 0 };
    row.written += cursor.rowsWritten;
    row.read += cursor.rowsRead;
    rows.set(key, row);
  }
  return Response.json({ counts: Object.fromEntries(counts), statements: [...rows.values()] });
}

function reset() {
  counts = new Map();
  statements = [];
  return new Response(null, { status: 204 });
}

const Entrypoint = counted(worker.default, "the worker");

export default new Proxy(Entrypoint, {
  construct(target, values, newTarget) {
    const instance = Reflect.construct(target, values, newTarget);
    return new Proxy(instance, {
      get(entry, property) {
        if (property !== "fetch") return Reflect.get(entry, property, entry);
        return (request) => {
          const asked = new URL(request.url).pathname === "/__counts";
          if (!asked) return entry.fetch(request);
          return request.method === "POST" ? reset() : report();
        };
      },
    });
  },
});

export const Flow = counted(worker.Flow, "Flow");
export const Line = counted(worker.Line, "Line");
export const Mailbox = counted(worker.Mailbox, "Mailbox");
export const Upload = counted(worker.Upload, "Upload");
export const Network = counted(worker.Network, "Network");
export const Directory = counted(worker.Directory, "Directory");
export const Upstream = counted(worker.Upstream, "Upstream");
