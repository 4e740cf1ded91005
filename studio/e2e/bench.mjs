// What the tests in a real browser share: a server of a new folder, a page that is watched, recordings and pictures.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { crc32, deflateSync } from 'node:zlib';
import { chromium } from 'playwright-core';

const [binary, shots] = process.argv.slice(2).map((p) => resolve(p));
export { binary, shots };

/** Half a second of a tone in noise at 8 kHz, 16-bit mono WAV. */
export function tone(hz, seed) {
  const frames = 4000;
  const out = Buffer.alloc(44 + 2 * frames);
  out.write('RIFF', 0);
  out.writeUInt32LE(36 + 2 * frames, 4);
  out.write('WAVEfmt ', 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(8000, 24);
  out.writeUInt32LE(16000, 28);
  out.writeUInt16LE(2, 32);
  out.writeUInt16LE(16, 34);
  out.write('data', 36);
  out.writeUInt32LE(2 * frames, 40);
  let state = seed * 7919 + 17;
  const noise = () => ((state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x3fffffff) - 1;
  const phase = noise();
  for (let i = 0; i < frames; i++) {
    const v = 3000 * Math.sin((i / 8000 + phase) * hz * 2 * Math.PI) + 900 * noise();
    out.writeInt16LE(Math.round(v), 44 + 2 * i);
  }
  return out;
}

/** A grey picture in PNG. */
export function picture(width, height, grey = 120) {
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height, grey);
  for (let y = 0; y < height; y++) rows[y * (width + 1)] = 0;
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** Ten recordings of a low and ten of a high tone, as name and bytes. */
export function tones() {
  return Array.from({ length: 10 }, (_, i) => [[`low.${i}.wav`, tone(300 + 5 * i, i)], [`high.${i}.wav`, tone(1500 + 20 * i, 100 + i)]]).flat();
}

/** A project of a few files, trained for a moment; where their labels come from. */
export function trained(folder, name, template, files, labels = 'name') {
  const [project, data] = [join(folder, name), join(folder, `${name}-data`)];
  execFileSync(binary, ['new', project, '--template', template]);
  const file = join(project, 'edgewright.toml');
  const text = readFileSync(file, 'utf8').replace(/epochs = \d+/, 'epochs = 3').replace('targets = ["host", "cortex-m4f"]', 'targets = ["host"]');
  writeFileSync(file, text);
  mkdirSync(data);
  for (const [called, bytes] of files) writeFileSync(join(data, called), bytes);
  execFileSync(binary, ['data', 'import', data, '--project', project, '--label-from', labels]);
  execFileSync(binary, ['run', project, '--until', 'test'], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export async function serve(folder, more = []) {
  const child = spawn(binary, ['serve', folder, '--no-open', '--listen', '127.0.0.1:0', ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const found = {};
  for await (const line of lines) {
    if (line.startsWith('Studio: ')) found.url = line.slice(8);
    if (line.startsWith('Certificate: SHA-256 ')) found.fingerprint = line.slice(21);
    if (line.startsWith('Sign in: ')) {
      found.link = line.slice(9);
      break;
    }
  }
  assert.ok(found.url && found.link, 'the server printed its address and a link');
  return { child, ...found };
}

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Runs a test: a server of a new folder, a browser with the fake devices of Chromium, a page. At its end no error may be in the console but those that
 * `expected` fits, and no request may have left the machine. */
export async function bench(work, { expected = /(?!)/, more = [], context: wanted = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-studio-'));
  const server = await serve(folder, more);
  const args = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
  let passed = 0;
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, permissions: ['microphone', 'camera'], ...wanted });
    const trouble = [];
    const watch = (page) => {
      page.setDefaultTimeout(20_000);
      page.on('console', (m) => m.type() === 'error' && trouble.push(m.text()));
      page.on('pageerror', (e) => trouble.push(String(e)));
      page.on('request', (r) => new URL(r.url()).origin === server.url || /^(data|blob):/.test(r.url()) || trouble.push(`left the machine: ${r.url()}`));
      return page;
    };
    const page = watch(await context.newPage());
    const step = async (name, part) => {
      const begun = Date.now();
      try {
        await part();
      } catch (e) {
        await page.screenshot({ path: join(shots, 'failure.png'), fullPage: true });
        console.log(`FAILED  ${name}; what was seen: ${join(shots, 'failure.png')}`);
        throw e;
      }
      passed += 1;
      console.log(`ok  ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    };
    await work({ context, folder, page, server, step, trouble, watch });
    assert.deepEqual(trouble.filter((t) => !expected.test(t)), [], 'no error in the console, no request off the machine');
    passed += 1;
    console.log(`${passed} passed, 0 failed`);
  } finally {
    await browser.close();
    server.child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** No serious violation of the rules of axe on the page as it is. */
export async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes[0]?.html}`), [], where);
}

/** The page as it is, wide and light, narrow and dark: nothing wider than the screen, and a picture of each. */
export async function fits(page, name) {
  for (const [width, colorScheme] of [[390, 'dark'], [1280, 'light']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(150);
    await accessible(page, `${name} at ${width}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${name} is ${wide} px wide at ${width}`);
    await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
  }
}
