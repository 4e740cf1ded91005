// The way of a new user in a real browser against a real server: sign in, import, label, run, test, download.
// usage: node e2e/way.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [binary, shots] = process.argv.slice(2).map((p) => resolve(p));
const PATIENCE = 120_000;
let passed = 0;

/** Half a second of a tone in noise at 8 kHz, 16-bit mono WAV. */
function tone(hz, seed) {
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

async function serve(folder, port = 0) {
  const child = spawn(binary, ['serve', folder, '--no-open', '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const found = {};
  for await (const line of lines) {
    if (line.startsWith('Studio: ')) found.url = line.slice(8);
    if (line.startsWith('Sign in: ')) {
      found.link = line.slice(9);
      break;
    }
  }
  assert.ok(found.url && found.link, 'the server printed its address and a link');
  return { child, ...found };
}

let page;
async function step(name, work) {
  const begun = Date.now();
  try {
    await work();
  } catch (e) {
    await page?.screenshot({ path: join(shots, 'failure.png'), fullPage: true });
    console.log(`FAILED  ${name}; what was seen: ${join(shots, 'failure.png')}`);
    throw e;
  }
  passed += 1;
  console.log(`ok  ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
/** No serious violation of the rules of axe on the page as it is. */
async function accessible(where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes[0]?.html}`), [], where);
}

const folder = await mkdtemp(join(tmpdir(), 'edgewright-way-'));
const recordings = [];
for (let i = 0; i < 10; i++) {
  for (const [label, hz] of [['low', 300 + 5 * i], ['high', 1500 + 20 * i]]) {
    recordings.push({ name: `${label}.${i}.wav`, mimeType: 'audio/wav', buffer: tone(hz, i + (label === 'low' ? 0 : 100)) });
  }
}
const server = await serve(folder);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])] });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, permissions: ['microphone'] });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const trouble = [];
  page.on('console', (m) => m.type() === 'error' && trouble.push(m.text()));
  page.on('pageerror', (e) => trouble.push(String(e)));
  page.on('request', (r) => new URL(r.url()).origin === server.url || /^(data|blob):/.test(r.url()) || trouble.push(`left the machine: ${r.url()}`));

  await step('the link signs in', async () => {
    await page.goto(server.link);
    await page.getByRole('heading', { name: 'Projects' }).waitFor();
    assert.equal(new URL(page.url()).search, '', 'the token is gone from the address');
  });
  await step('a project is made', async () => {
    await page.getByLabel('Name').fill('kws');
    await page.getByLabel('Template').selectOption('keywords');
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('No samples yet').waitFor();
  });
  await step('recordings come in, a broken one with its reason', async () => {
    const broken = { name: 'broken.wav', mimeType: 'audio/wav', buffer: Buffer.from('RIFF and nothing') };
    await page.getByTestId('files').setInputFiles([...recordings, broken]);
    await page.getByText('21 of 21 files; 20 new samples, 1 refused').waitFor();
    await page.getByText('1 to 20 of 20').waitFor();
  });
  await step('a sample is drawn, zoomed and labelled by keyboard, and taken back', async () => {
    await page.getByRole('button', { name: 'high.0.wav', exact: true }).press('Enter');
    const wave = page.getByRole('group', { name: /^Waveform/ });
    await wave.press('+');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'high.0.wav', exact: true }).press('ArrowDown');
    await page.getByRole('heading', { name: 'high.1.wav' }).waitFor();
    const label = page.getByRole('region', { name: 'Sample' }).getByLabel('Label');
    await label.fill('loud');
    await label.press('Enter');
    await page.getByText('1 changed').waitFor();
    await page.getByRole('cell', { name: /^loud/ }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('cell', { name: /^loud/ }).waitFor({ state: 'detached' });
  });
  await step('the filter narrows the list', async () => {
    await page.getByLabel('Name contains').fill('LOW.');
    await page.getByText('1 to 10 of 10').waitFor();
    await page.getByLabel('Name contains').fill('');
  });
  await step('a wrong key is refused with the nearest one, the right one saved', async () => {
    await page.getByRole('link', { name: 'Impulse' }).click();
    const file = page.getByLabel('Project file');
    const text = await file.inputValue();
    await file.fill(text.replace('window_ms', 'window_sm'));
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('did you mean `window_ms`').waitFor();
    trouble.splice(0, trouble.length, ...trouble.filter((t) => !t.includes('422')));
    await file.fill(text.replace('targets = ["host", "cortex-m4f"]', 'targets = ["host"]\ncases = 10'));
    await page.getByLabel('Epochs').fill('8');
    await page.getByLabel('Epochs').press('Tab');
    assert.match(await file.inputValue(), /epochs = 8/);
    await page.keyboard.press('Control+s');
    await page.getByText('Saved.').waitFor();
  });
  await step('a run is followed live to its end', async () => {
    await page.getByRole('link', { name: 'Training' }).click();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('[data-job][data-state=running]').waitFor();
    await page.locator('[data-job][data-state=done]').waitFor({ timeout: PATIENCE });
    await page.getByText('8 epochs; the weights of epoch').waitFor();
  });
  await step('float, int8 and C stand side by side', async () => {
    await page.getByRole('link', { name: 'Test', exact: true }).click();
    for (const name of ['float', 'int8', 'emitted C']) await page.getByRole('columnheader', { name }).first().waitFor();
    await page.getByRole('rowheader', { name: 'high' }).waitFor();
  });
  await step('a file and the microphone are classified', async () => {
    await page.getByTestId('try').setInputFiles({ name: 'new.wav', mimeType: 'audio/wav', buffer: tone(1600, 777) });
    await page.getByTestId('heard').getByRole('cell', { name: 'high', exact: true }).first().waitFor();
    await page.getByLabel('Seconds').fill('1');
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('heading', { name: 'microphone.wav' }).waitFor();
    await page.getByTestId('heard').getByRole('row').nth(1).waitFor();
  });
  await step('the proven package is downloaded', async () => {
    await page.getByRole('link', { name: 'Deploy' }).click();
    await page.getByText(/equal on [\d,.\s]+ windows/).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
    const bytes = await readFile(await download.path());
    assert.equal(bytes.subarray(0, 2).toString(), 'PK');
    assert.match(download.suggestedFilename(), /\.zip$/);
  });
  await step('every stage is up to date on the board', async () => {
    await page.getByRole('link', { name: 'Board' }).click();
    await page.locator('[data-stage=report][data-state=current]').waitFor();
    assert.equal(await page.locator('[data-stage]').count(), 9);
  });
  await step('a block is tried on a window', async () => {
    await page.getByRole('link', { name: 'Impulse' }).click();
    await page.getByText(/features, \d+ µs/).waitFor();
  });
  await step('findings, map and spectrogram are there, and the microphone records', async () => {
    await page.getByRole('link', { name: 'Data', exact: true }).click();
    await page.getByText(/^Findings \(\d+\)/).click();
    await page.getByText('Explorer: training windows').click();
    await page.getByLabel(/^Map of \d+ windows/).waitFor();
    await page.getByRole('button', { name: 'high.0.wav', exact: true }).click();
    await page.getByText('Spectrogram').click();
    await page.getByLabel('Spectrogram').waitFor();
    await page.getByText('Record with the microphone').click();
    await page.getByLabel('What you will say').fill('beep');
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.getByText(/kept as beep\.\d+\.wav/).waitFor();
    await page.getByText('1 to 21 of 21').waitFor();
  });
  await step('a key is made and shown once', async () => {
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByLabel('Name').fill('board 7');
    await page.getByRole('button', { name: 'Make a key' }).click();
    const key = await page.getByText(/^ei_[0-9a-f]{64}$/).innerText();
    const response = await fetch(`${server.url}/api/v1/projects`, { headers: { 'x-api-key': key } });
    assert.equal(response.status, 403, 'a key that may only add sees nothing');
  });
  await step('every page fits 1280 and 390 px, light and dark', async () => {
    for (const where of ['/', '/jobs', '/settings', ...['board', 'data', 'impulse', 'training', 'test', 'deploy', 'jobs'].map((p) => `/p/kws/${p}`)]) {
      for (const [width, colorScheme] of [[1280, 'light'], [390, 'dark']]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await page.goto(server.url + where);
        await page.getByText('Loading …').first().waitFor({ state: 'detached' });
        await page.waitForTimeout(150);
        if (width === 1280) await accessible(where);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${where} is ${wide} px wide at ${width}`);
        await page.screenshot({ path: join(shots, `${where.slice(1).replaceAll('/', '-') || 'home'}-${width}-${colorScheme}.png`), fullPage: true });
      }
    }
  });
  await step('signing out ends it', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
  // Answers that a page expects: signed out, and a stage that is not built yet.
  assert.deepEqual(trouble.filter((t) => !/ status of (401|409)/.test(t)), [], 'no error in the console, no request off the machine');
  passed += 1;
  console.log(`${passed} passed, 0 failed`);
} finally {
  await browser.close();
  server.child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
