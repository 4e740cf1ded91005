// Recording in a browser and on a phone that opened a code.
// usage: node e2e/collect.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { accessible, bench, binary, fits } from './bench.mjs';

/** Lets the motion sensors of a page say something: a turn about one axis, sixty times a second. */
async function shaken(context, page) {
  await page.evaluate(() => {
    const begun = performance.now();
    setInterval(() => {
      const t = (performance.now() - begun) / 1000;
      const acceleration = { x: 3 * Math.sin(12 * t), y: 0.25, z: 9.81 };
      dispatchEvent(new DeviceMotionEvent('devicemotion', { accelerationIncludingGravity: acceleration, rotationRate: { alpha: 30, beta: 10, gamma: 20 }, interval: 16 }));
    }, 16);
  });
}

await bench(async ({ context, folder, page, server, step, watch }) => {
  const listed = () => JSON.parse(execFileSync(binary, ['data', 'list', '--project', join(folder, 'shed'), '--json'])).samples;
  execFileSync(binary, ['new', join(folder, 'shed'), '--template', 'empty']);
  await page.goto(server.link);
  await page.goto(`${server.url}/p/shed/collect`);
  const kept = (name) => page.getByRole('region', { name: 'Record' }).getByRole('link', { name });

  await step('the microphone is recorded at its own rate, with what comes in', async () => {
    await page.getByText('Nothing recorded yet.').waitFor();
    await page.getByLabel('Label').fill('beep');
    await page.getByLabel('Recordings').fill('2');
    await page.getByLabel('Category').selectOption('testing');
    // By keyboard, as somebody whose hands are at the machine that hums.
    await page.getByLabel('Label').press('Enter');
    await page.getByLabel('What comes in: sound').waitFor();
    await page.screenshot({ path: join(process.argv[3], 'collect-recording.png'), fullPage: true });
    await kept(/^beep\.\d+\.wav$/).nth(1).waitFor();
    const samples = listed();
    assert.deepEqual(samples.map((s) => [s.label, s.category]), [['beep', 'testing'], ['beep', 'testing']]);
    for (const s of samples) assert.ok(Math.abs(s.duration_ms - 1000) < 1 && s.rate_hz >= 44100, JSON.stringify(s));
  });
  await step('the camera is shown, and its pictures are kept', async () => {
    await page.getByLabel('Camera').check();
    await page.getByRole('button', { name: 'Open the camera' }).click();
    await page.waitForFunction(() => document.querySelector('video')?.videoWidth > 0);
    await page.getByLabel('Label').fill('cup');
    await page.getByLabel('Longest side').selectOption('160');
    await page.getByRole('button', { name: 'Take a picture' }).click();
    await kept(/^cup\.\d+\.png$/).waitFor();
    await page.getByLabel('Pictures').fill('2');
    await page.getByLabel('Seconds between').fill('0.2');
    await page.getByLabel('Kept as').selectOption('jpeg');
    await page.getByRole('button', { name: 'Take a picture' }).click();
    await kept(/^cup\.\d+\.jpg$/).nth(1).waitFor();
    assert.equal(listed().filter((s) => s.label === 'cup').length, 3);
    await fits(page, 'collect');
  });
  await step('motion sensors that are refused or say nothing are told', async () => {
    await page.getByLabel('Motion sensors').check();
    await page.getByLabel('Recordings').fill('1');
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.getByRole('alert').getByText('did not allow motion sensors').waitFor();
    await context.grantPermissions(['microphone', 'camera', 'accelerometer', 'gyroscope']);
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.getByRole('alert').getByText('the motion sensors say nothing').waitFor();
    await accessible(page, 'no motion sensors');
  });
  let link;
  await step('a code lets one phone in, which records motion and sees nothing', async () => {
    await page.getByRole('button', { name: 'Show a code' }).click();
    await page.getByRole('img', { name: 'QR code for a phone' }).waitFor();
    link = await page.getByTestId('phone-link').innerText();
    assert.match(link, /\/phone#[0-9a-f]{32}$/);
    await page.getByText('can be reached from this machine alone').waitFor();
    await fits(page, 'collect-code');
    const phones = await context.browser().newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, colorScheme: 'dark', permissions: ['accelerometer', 'gyroscope'] });
    const phone = watch(await phones.newPage());
    await phone.goto(link);
    await phone.getByRole('heading', { name: 'Record for shed' }).waitFor();
    assert.equal(new URL(phone.url()).hash, '', 'the token is gone from the address');
    await phone.reload();
    await shaken(phones, phone);
    await phone.getByLabel('Label').fill('shake');
    await phone.getByLabel('Seconds').fill('2');
    await phone.getByRole('button', { name: 'Record', exact: true }).tap();
    await phone.getByLabel('What comes in: accX, accY, accZ, gyrX, gyrY, gyrZ').waitFor();
    await phone.getByText(/^shake\.\d+\.json$/).waitFor();
    await fits(phone, 'phone');
    const [shake] = listed().filter((s) => s.label === 'shake');
    assert.ok(shake.rate_hz === 50 && Math.abs(shake.duration_ms - 2000) <= 40, JSON.stringify(shake));
    const status = await phone.evaluate(async () => {
      const { key } = JSON.parse(sessionStorage.getItem('phone'));
      return (await fetch('/api/v1/projects/shed/samples', { headers: { 'x-api-key': key } })).status;
    });
    assert.equal(status, 403);
    await phones.close();
  });
  await step('the code works once', async () => {
    const second = watch(await context.newPage());
    await second.goto(link);
    await second.getByRole('alert').getByText('the link was used or has expired').waitFor();
    await second.close();
  });
  await step('a sample that was recorded here is shown among the data', async () => {
    await kept(/^beep/).first().click();
    await page.getByRole('heading', { name: /^beep\.\d+\.wav$/ }).waitFor();
  });
  await step('what was noticed in files that are kept is told once', async () => {
    const table = (n) => ({ name: `walk.${n}.csv`, mimeType: 'text/csv', buffer: Buffer.from(['timestamp,accX,', ...Array.from({ length: 20 }, (_, i) => `${10 * i},${i + n}.5,`)].join('\n')) });
    await page.getByTestId('files').setInputFiles([table(1), table(2), table(3)]);
    await page.getByText('3 of 3 files; 3 new samples').waitFor();
    await page.getByText('Noticed (1)').waitFor();
    await page.getByText('and 2 more: 1 empty columns at the end were left out').waitFor();
    await fits(page, 'remarks');
  });
}, { expected: / status of (401|403|409)/ });
