// A written message by a session token, and what the callee sees of it.

import { randomUUID } from 'node:crypto';

const base64 = (text) => Buffer.from(text).toString('base64');

/** Deposits a text of one part; resolves with the HTTP answer. */
export function write(server, token, text = 'Call me back.') {
  return fetch(`${server.url}/deposits`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', 'upload-length': String(Buffer.byteLength(text)),
      'content-type': 'application/offset+octet-stream',
      'upload-metadata': `filetype ${base64('text/plain; charset=utf-8')},deposit_id ${base64(randomUUID())},kind ${base64('text')}`,
    },
    body: text,
  });
}

/** What a session token stands for. */
export async function current(server, token) {
  const answer = await fetch(`${server.url}/sessions/current`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, ...(await answer.json()) };
}
