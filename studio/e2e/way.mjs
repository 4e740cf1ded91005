// The way of a new user in a real browser against a real server: sign in, import, label, run, test, download.
// usage: node e2e/way.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as shared from './bench.mjs';

const { binary, picture, shots, tone } = shared;
const PATIENCE = 120_000;

/** Starts a run and waits for its end. A short one may be over before anybody sees it running, and the page may still show the run before it. */
async function startAndFollow(page) {
  const shown = page.locator('[data-job]');
  const before = (await shown.count()) ? await shown.first().getAttribute('data-job') : '';
  await page.getByRole('button', { name: 'Start' }).click();
  const ended = page.locator(['done', 'failed', 'cancelled'].map((state) => `[data-job]:not([data-job="${before}"])[data-state=${state}]`).join(', '));
  await ended.waitFor({ timeout: PATIENCE });
  assert.equal(await ended.getAttribute('data-state'), 'done');
}

const recordings = [];
for (let i = 0; i < 10; i++) {
  for (const [label, hz] of [['low', 300 + 5 * i], ['high', 1500 + 20 * i]]) {
    recordings.push({ name: `${label}.${i}.wav`, mimeType: 'audio/wav', buffer: tone(hz, i + (label === 'low' ? 0 : 100)) });
  }
}
await shared.bench(async ({ context, folder, page, server, step, trouble }) => {
  const accessible = (where) => shared.accessible(page, where);
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
  await step('what is next leads to the charter, and from there to the data', async () => {
    await page.getByRole('link', { name: 'Board' }).click();
    const next = page.getByTestId('next');
    await page.getByText('Write the charter: problem, user, miss, false_alarm, metric.').first().waitFor();
    assert.equal(await page.locator('[data-lifecycle]').count(), 10);
    assert.equal(await page.locator('[data-lifecycle][data-progress=done]').count(), 0, 'nothing is done');
    await next.click();
    await page.getByRole('textbox', { name: /^Problem/ }).fill('Tell "high" from low tones.\nAt once.');
    await page.getByRole('textbox', { name: /^User/ }).fill('whoever tests');
    await page.getByRole('textbox', { name: /^Cost of a miss/ }).fill('little');
    await page.getByRole('textbox', { name: /^Cost of a false alarm/ }).fill('little');
    await page.getByLabel('Judged by').selectOption('macro_f1');
    await accessible('lifecycle and charter');
    await page.getByRole('button', { name: 'Save the charter' }).click();
    await page.getByText('Saved.').waitFor();
    await page.locator('[data-lifecycle=need][data-progress=done]').waitFor();
    await page.screenshot({ path: join(shots, 'lifecycle.png'), fullPage: true });
    assert.equal(await next.textContent(), 'Add recordings.');
    await next.click();
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
  await step('parts of a recording are labelled by keyboard, drawn, and taken back', async () => {
    const wave = page.getByRole('group', { name: /^Waveform/ });
    const parts = page.getByText(/^Labels of parts/);
    await wave.focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('.');
    await page.keyboard.press('[');
    for (let i = 0; i < 20; i++) await page.keyboard.press('.');
    await page.keyboard.press(']');
    await page.getByText('Labels of parts (1)').waitFor();
    await wave.focus();
    await page.keyboard.press('.');
    await page.keyboard.press('2');
    await page.getByText('Labels of parts (2)').waitFor();
    const starts = await Promise.all([1, 2].map((n) => page.getByLabel(`Start of part ${n}`).inputValue()));
    const [frames, first] = [Number(await page.getByLabel('End of part 2').inputValue()) + 1, Number(starts[0])];
    assert.ok(Math.abs(first - frames / 10) <= 2 && Math.abs(Number(starts[1]) - 0.31 * frames) <= 3, `${starts} of ${frames}`);
    await page.getByRole('row', { name: /high\.1\.wav high, low/ }).waitFor();
    await accessible('labels of parts');
    await page.screenshot({ path: join(shots, 'labels-of-parts.png'), fullPage: true });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Labels of parts (1)').waitFor();
    const label = page.getByRole('region', { name: 'Sample' }).getByLabel('Label', { exact: true });
    await label.fill('high');
    await label.press('Enter');
    await page.getByText('Labels of parts (0)').waitFor();
    await parts.waitFor();
  });
  await step('a recording is cut around its events, and put together again', async () => {
    const long = Buffer.concat([tone(300, 7).subarray(0, 44), ...[0, 1, 0, 1, 0].map((loud) => (loud ? tone(500, 8).subarray(44) : Buffer.alloc(4000)))]);
    long.writeUInt32LE(long.length - 8, 4);
    long.writeUInt32LE(long.length - 44, 40);
    await page.getByTestId('files').setInputFiles({ name: 'low.long.wav', mimeType: 'audio/wav', buffer: long });
    await page.getByRole('button', { name: 'low.long.wav', exact: true }).click();
    await page.getByText('Crop or split').click();
    await page.getByLabel('Length (ms)').fill('400');
    await page.getByRole('button', { name: 'Find events' }).click();
    await accessible('proposed parts');
    await page.getByRole('button', { name: 'Make 2 samples' }).click();
    await page.getByText('2 samples made').waitFor();
    await page.getByRole('button', { name: 'low.long.s2.wav', exact: true }).waitFor();
    await page.getByRole('row', { name: /low\.long\.wav low.* disabled/ }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'low.long.s2.wav', exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /low\.long\.wav low.* split/ }).waitFor();
    page.once('dialog', (d) => void d.accept());
    await page.getByRole('region', { name: 'Sample' }).getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('1 to 20 of 20').waitFor();
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
    await page.getByRole('button', { name: 'Save', exact: true }).click();
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
    await startAndFollow(page);
    await page.getByText('8 epochs; the weights of epoch').waitFor();
  });
  await step('float, int8 and C stand side by side', async () => {
    await page.getByRole('link', { name: 'Test', exact: true }).click();
    for (const name of ['float', 'int8', 'emitted C']) await page.getByRole('columnheader', { name }).first().waitFor();
    assert.match(await page.locator('tr.chosen').textContent(), /^Macro F1 \(the charter's\)/);
    assert.match(await page.locator('table').first().locator('tbody tr').first().textContent(), /^Macro F1/, 'the charter comes first');
    await page.getByText('Judged by macro f1:').waitFor();
    await page.getByRole('rowheader', { name: 'high' }).waitFor();
  });
  await step('a cell of the confusion matrix opens its samples; one is labelled and taken back', async () => {
    await page.getByRole('button', { name: /windows of high called high$/ }).click();
    const cell = page.getByRole('region', { name: 'Windows of a cell' });
    await cell.getByRole('button', { name: /^high\.\d\.wav$/ }).first().click();
    await cell.getByRole('group', { name: /^Waveform/ }).waitFor();
    await accessible('a cell of the confusion matrix');
    const label = cell.getByLabel('Label');
    await label.fill('loud');
    await label.press('Enter');
    await cell.getByText('1 changed; the next run').waitFor();
    await cell.getByRole('button', { name: 'Undo' }).click();
    await cell.getByRole('button', { name: 'Undo' }).waitFor({ state: 'detached' });
    await page.waitForFunction(() => [...document.querySelectorAll('input[list=labels]')].some((i) => i.value === 'high'));
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `the cell is ${wide} px wide at ${width}`);
    }
    await cell.getByRole('button', { name: 'Close the cell' }).click();
  });
  await step('a file and the microphone are classified', async () => {
    await page.getByTestId('try').setInputFiles({ name: 'new.wav', mimeType: 'audio/wav', buffer: tone(1600, 777) });
    await page.getByTestId('heard').getByRole('cell', { name: 'high 500 ms of zeros behind it', exact: true }).waitFor();
    await page.getByLabel('Seconds').fill('1');
    await page.getByRole('button', { name: 'Listen', exact: true }).click();
    await page.getByRole('heading', { name: 'microphone.wav' }).waitFor();
    await page.getByTestId('heard').getByRole('row').nth(1).waitFor();
  });
  await step('a layer is changed: its shape and the cost follow, a wrong one is named, and it is taken back', async () => {
    await page.getByRole('link', { name: 'Impulse' }).click();
    const layers = page.getByRole('region', { name: 'Layers' });
    const first = layers.getByRole('row').nth(1);
    await first.getByRole('cell', { name: '50 × 32', exact: true }).waitFor();
    await layers.getByText(/of RAM for the whole impulse/).waitFor();
    const cost = await layers.getByText(/of RAM for the whole impulse/).textContent();
    await layers.getByLabel('filters of layer 1', { exact: true }).fill('12');
    await layers.getByLabel('filters of layer 1', { exact: true }).press('Tab');
    await first.getByRole('cell', { name: '50 × 12', exact: true }).waitFor();
    assert.match(await page.getByLabel('Project file').inputValue(), /layers = \[\n {2}\{ type = "conv1d", filters = 12, kernel = 3 \},/);
    await page.waitForFunction((old) => document.querySelector('section[aria-label=Layers] .cost')?.textContent !== old, cost);
    await layers.getByLabel('size of layer 4', { exact: true }).fill('99');
    await layers.getByLabel('size of layer 4', { exact: true }).press('Tab');
    await layers.getByText('layer 4 (max_pool)').waitFor();
    await layers.getByRole('button', { name: 'Remove layer 4' }).press('Enter');
    await layers.getByText('layer 4 (max_pool)').waitFor({ state: 'detached' });
    await accessible('the layers');
    const undo = page.getByRole('button', { name: 'Undo' });
    for (let left = 0; left < 3; left++) await undo.click();
    await first.getByRole('cell', { name: '50 × 32', exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled(), true, 'all is as it was saved');
  });
  await step('two runs are compared', async () => {
    await page.getByRole('link', { name: 'Training' }).click();
    await page.getByLabel('Up to').selectOption('test');
    await page.getByLabel('Seed').fill('2');
    await startAndFollow(page);
    await page.getByText('Compare runs').click();
    await page.getByRole('rowheader', { name: 'int8 accuracy' }).waitFor();
    await page.getByLabel('Validation loss of both runs: 8 epochs and 8 epochs').waitFor();
    const second = page.getByLabel('Second run');
    await second.selectOption(await page.getByLabel('First run').inputValue());
    await page.getByRole('cell', { name: '0.0000', exact: true }).first().waitFor();
    await accessible('comparing runs');
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `the comparison is ${wide} px wide at ${width}`);
    }
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
    // Nine of ten are done but for what wants a look: the file that was refused, and nothing reports from the field.
    await page.locator('[data-lifecycle=deploy][data-progress=done]').waitFor();
    const found = await page.locator('[data-lifecycle]').evaluateAll((all) => all.map((e) => `${e.dataset.lifecycle} ${e.dataset.progress}`));
    assert.deepEqual(found, [
      'need done', 'collect done', 'clean attention', 'analyse done', 'features done', 'train done', 'test done', 'optimise done', 'deploy done', 'monitor open',
    ]);
    assert.equal(await page.locator('[data-stage]').count(), 9);
  });
  await step('the impulse is edited as boxes', async () => {
    await page.getByRole('link', { name: 'Impulse' }).click();
    const file = page.getByLabel('Project file');
    await page.getByRole('group', { name: 'Feature block mfcc' }).getByText(/^\d+ × 13 features/).waitFor();
    const before = await file.inputValue();
    await page.getByRole('button', { name: 'Add a feature block' }).click();
    await page.getByRole('group', { name: 'Feature block flatten' }).getByText(/\d+ features/).waitFor();
    await page.getByRole('button', { name: 'Add a learning block' }).click();
    const anomaly = page.getByRole('group', { name: 'Learning block anomaly' });
    await anomaly.getByLabel('reads mfcc').uncheck();
    await anomaly.getByText(/^\d+ values in/).waitFor();
    const text = await file.inputValue();
    assert.match(text, /\[\[impulse\.dsp\]\]\nblock = "flatten"/);
    assert.match(text, /\[\[impulse\.learn\]\]\ninputs = \["flatten"\]\nkind = "anomaly"/);
    await page.getByLabel('Window (ms)').fill('500');
    await page.getByLabel('Window (ms)').press('Tab');
    assert.match(await file.inputValue(), /window_ms = 500/);
    await accessible('the impulse as boxes');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved.').waitFor();
    await anomaly.getByRole('button', { name: 'Remove the learning block anomaly' }).click();
    await anomaly.waitFor({ state: 'detached' });
    // Back to what the model was trained with.
    await file.fill(before);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('group', { name: 'Feature block flatten' }).waitFor({ state: 'detached' });
  });
  await step('a block is tried on a window', async () => {
    await page.getByRole('link', { name: 'Impulse' }).click();
    // Of the window as it was before the step before this one.
    await page.getByText(/^50 × 13 features, \d+ µs/).waitFor();
    // Memory on a device, as one types: fewer coefficients are fewer features of four bytes.
    const ram = async () => Number((await page.getByText(/ bytes of RAM$/).innerText()).replace(/\D/g, ''));
    const before = await ram();
    await page.getByLabel('num_cepstral', { exact: true }).fill('10');
    await page.getByText(/× 10 features/).waitFor();
    assert.ok(before > 0 && (await ram()) < before, `${before} bytes, then ${await ram()}`);
  });
  await step('findings, map and spectrogram are there, and the microphone records', async () => {
    await page.getByRole('link', { name: 'Data', exact: true }).click();
    await page.getByText('Findings', { exact: true }).click();
    await page.getByText(/^Findings \(\d+\)/).waitFor();
    await page.getByText('Explorer: windows by their features').click();
    await page.getByLabel(/^Map of \d+ windows/).waitFor();
    await page.getByRole('button', { name: 'high.0.wav', exact: true }).click();
    await page.getByText('Spectrogram').click();
    await page.getByLabel('Spectrogram').waitFor();
    await page.getByRole('link', { name: 'Record with a microphone, a camera or a phone' }).click();
    await page.getByLabel('Label').fill('beep');
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.getByRole('region', { name: 'Record' }).getByRole('link', { name: /^beep\.\d+\.wav$/ }).click();
    await page.getByText('1 to 21 of 21').waitFor();
  });
  await step('a table is read column by column', async () => {
    const line = (i) => `${i * 10};${Math.sin(i / 3)};${i % 7};${i < 25 ? 'walk' : 'run'}`;
    const text = ['timestamp;accX;accY;what', ...Array.from({ length: 50 }, (_, i) => line(i))].join('\n') + '\n';
    await page.getByText('Read tables step by step').click();
    await page.getByTestId('table').setInputFiles({ name: 'steps.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
    // A column of words is no axis, and the row is named.
    const wizard = page.locator('details', { hasText: 'Read tables step by step' });
    await wizard.getByRole('alert').waitFor();
    trouble.splice(0, trouble.length, ...trouble.filter((t) => !t.includes('422')));
    await page.getByLabel('What what is').selectOption('label');
    await page.getByText('2 samples; the first has 25 frames at 100 Hz').waitFor();
    await page.getByText('run: 1, walk: 1').waitFor();
    await page.getByLabel('What accY is').selectOption('leave');
    await page.getByLabel('First values of accX', { exact: true }).waitFor();
    await page.getByLabel('Unit of the time').selectOption('us');
    await page.getByText('at 100000 Hz').waitFor();
    await page.getByLabel('Unit of the time').selectOption('ms');
    await page.getByText('at 100 Hz').waitFor();
    await accessible('the table');
    await page.getByRole('button', { name: 'Import it' }).click();
    await page.getByText('2 new samples', { exact: true }).waitFor();
    await page.getByText('1 to 23 of 23').waitFor();
  });
  await step('boxes around objects are drawn by mouse and keyboard, and taken back', async () => {
    await page.getByTestId('files').setInputFiles([{ name: 'desk.0.png', mimeType: 'image/png', buffer: picture(100, 80) }]);
    await page.getByText('1 to 24 of 24').waitFor();
    await page.getByRole('button', { name: 'desk.0.png', exact: true }).click();
    await page.getByText('Objects (not looked for)').click();
    await page.getByLabel('Draw as').fill('cup');
    const area = page.getByRole('group', { name: /^Picture/ });
    const { x, y, width, height } = await area.boundingBox();
    await page.mouse.move(x + 0.1 * width, y + 0.2 * height);
    await page.mouse.down();
    await page.mouse.move(x + 0.3 * width, y + 0.5 * height, { steps: 4 });
    await page.mouse.up();
    await page.getByText('Objects (1)').waitFor();
    const edge = async (what, n) => Number(await page.getByLabel(`${what} of box ${n}`).inputValue());
    for (const [what, expected] of [['Left edge', 10], ['Upper edge', 16], ['Width', 20], ['Height', 24]]) {
      assert.ok(Math.abs((await edge(what, 1)) - expected) <= 1, `${what} ${await edge(what, 1)}`);
    }
    // By keys alone: a second one, moved, made larger, named like another label.
    await area.focus();
    await page.keyboard.press('n');
    await page.getByText('Objects (2)').waitFor();
    await area.focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.querySelector('[aria-label="Left edge of box 2"]')?.value === '41');
    await area.focus();
    await page.keyboard.press('Shift+ArrowDown');
    await page.waitForFunction(() => document.querySelector('[aria-label="Height of box 2"]')?.value === '17');
    await area.focus();
    await page.keyboard.press('2');
    await page.waitForFunction(() => document.querySelector('[aria-label="Label of box 2"]')?.value !== 'cup');
    await accessible('boxes');
    await page.screenshot({ path: join(shots, 'boxes.png'), fullPage: true });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.waitForFunction(() => document.querySelector('[aria-label="Label of box 2"]')?.value === 'cup');
    await area.focus();
    await page.keyboard.press('.');
    await page.keyboard.press('Backspace');
    await page.getByText('Objects (1)').waitFor();
  });
  await step('a device connects, records when asked, and its sample is shown', async () => {
    const key = JSON.parse(execFileSync(binary, ['key', 'create', join(folder, 'kws'), '--scope', 'ingest', '--json'])).key;
    await page.goto(`${server.url}/p/kws/devices`);
    await page.getByText('No device yet').waitFor();
    const beside = (distance) => `${new URL(server.url).hostname}:${Number(new URL(server.url).port) + distance}`;
    // A device in a page of its own: the Studio's may talk to nobody but the Studio.
    const device = await context.newPage();
    await device.evaluate(({ socket, uploads, key, bytes }) => {
      const ws = new WebSocket(socket);
      const say = (news) => ws.send(JSON.stringify(news));
      const sensors = [{ name: 'Microphone', maxSampleLengthS: 60, frequencies: [8000, 16000] }, { name: 'Camera (64x48)', maxSampleLengthS: 1, frequencies: [] }];
      ws.onopen = () => say({ hello: { version: 3, apiKey: key, deviceId: 'aa:bb:cc', deviceType: 'BENCH', connection: 'ip', sensors, supportsSnapshotStreaming: false } });
      ws.onmessage = async (message) => {
        const { sample } = JSON.parse(message.data);
        if (!sample) return;
        say({ sample: true });
        say({ sampleStarted: true });
        // Long enough to be seen.
        await new Promise((on) => setTimeout(on, 2500));
        say({ sampleUploading: true });
        const headers = { 'x-api-key': key, 'x-file-name': sample.label, 'x-label': sample.label, 'content-type': 'application/octet-stream' };
        const sent = await fetch(uploads + sample.path, { method: 'POST', headers, body: new Uint8Array(bytes) });
        say(sent.ok ? { sampleFinished: true } : { sample: false, error: await sent.text() });
      };
    }, { socket: `ws://${beside(2)}`, uploads: `http://${beside(10)}`, key, bytes: [...tone(700, 4711)] });
    const card = page.locator('[data-device="aa:bb:cc"]');
    await card.getByText('connected', { exact: true }).waitFor();
    await card.getByText('Microphone at 8000, 16000 Hz; Camera (64x48)').waitFor();
    await card.getByLabel('Label').fill('whistle');
    await card.getByLabel('Seconds').fill('0.5');
    await accessible('devices');
    await card.getByRole('button', { name: 'Record', exact: true }).click();
    await card.locator('[data-recording=started]').waitFor();
    assert.ok(await card.getByRole('button', { name: 'Record', exact: true }).isDisabled(), 'one recording at a time');
    await page.screenshot({ path: join(shots, 'devices.png'), fullPage: true });
    await card.locator('[data-recording=done]').waitFor();
    await card.getByRole('button', { name: /^Rename/ }).click();
    await card.getByLabel('Name', { exact: true }).fill('bench');
    await card.getByRole('button', { name: 'Save', exact: true }).click();
    await card.getByRole('heading', { name: /^bench/ }).waitFor();
    await card.getByRole('link', { name: 'Show the sample' }).click();
    await page.getByRole('heading', { name: /^whistle\..*\.wav$/ }).waitFor();
    await device.close();
    await page.goBack();
    await card.getByText('not connected').waitFor();
  });
  await step('a key is made and shown once', async () => {
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByLabel('Name', { exact: true }).fill('board 7');
    await page.getByRole('button', { name: 'Make a key' }).click();
    const key = await page.getByText(/^ei_[0-9a-f]{64}$/).innerText();
    const response = await fetch(`${server.url}/api/v1/projects`, { headers: { 'x-api-key': key } });
    assert.equal(response.status, 403, 'a key that may only add sees nothing');
  });
  await step('every page fits 1280 and 390 px, light and dark', async () => {
    for (const where of ['/', '/jobs', '/settings', ...['board', 'data', 'collect', 'devices', 'impulse', 'training', 'test', 'deploy', 'jobs'].map((p) => `/p/kws/${p}`)]) {
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
}, { expected: / status of (401|409)/ });
