// A page of an origin of its own that holds nothing but a telephone.

import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';

const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Telephone</title><script src="/phone.js"></script>';

/** Serves the page; `close()` ends it. */
export async function telephoneSite() {
  const { outputFiles: [script] } = await build({
    entryPoints: [join(import.meta.dirname, 'phone.js')], bundle: true, write: false, format: 'iife', target: 'es2022', logLevel: 'silent',
  });
  const server = createServer((request, response) => {
    const isScript = request.url === '/phone.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script.text : PAGE);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((closed) => { server.close(closed); server.closeAllConnections(); }),
  };
}
