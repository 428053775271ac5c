// A microphone that plays a WAV file over and over, for browsers that have no fake device of their own: a sound
// server with a null sink whose monitor is the default source.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startGroup, until } from './processes.mjs';
import { temporaryFolder } from '../harness.mjs';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const RAW = ['--rate=48000', '--channels=1', '--format=s16le', '--raw'];

/** Starts the sound server and the player; `env` is what a browser needs to hear it. */
export async function startMicrophone(wav) {
  const folder = temporaryFolder('microphone');
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
  const socket = join(folder, 'pulse.sock');
  const env = { XDG_RUNTIME_DIR: join(folder, 'run'), PULSE_SERVER: `unix:${socket}`, HOME: folder };
  const modules = [
    `module-native-protocol-unix auth-anonymous=1 socket=${socket}`,
    'module-null-sink sink_name=speaker rate=48000 channels=2',
    'module-null-sink sink_name=mouth rate=48000 channels=1',
    'module-remap-source source_name=microphone master=mouth.monitor channels=1',
  ];
  const server = startGroup('pulseaudio', ['-n', '--daemonize=no', '--high-priority=yes', '--exit-idle-time=-1', '--use-pid-file=no', ...modules.flatMap((module) => ['-L', module])], env);
  const tell = (...words) => run('pactl', words, { env: { ...process.env, ...env } });
  await until('the sound server answers', () => tell('set-default-source', 'microphone').then(() => true, () => false));
  await tell('set-default-sink', 'speaker');
  const player = startGroup('sh', ['-c', `sox "$0" -t raw -r 48000 -c 1 -b 16 -e signed - repeat - | pacat --playback -d mouth --latency-msec=500 ${RAW.join(' ')}`, wav], env);
  return {
    env,
    stop: async () => {
      await player.end();
      await server.end();
    },
  };
}
