// What a trained impulse says of the microphone and the camera while they run: Chromium's own, which beeps and turns.
// usage: node e2e/live.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { bench, fits, picture, tones, trained } from './bench.mjs';

await bench(async ({ folder, page, server, step }) => {
  const ten = Array.from({ length: 10 }, (_, i) => i);
  trained(folder, 'sounds', 'keywords', tones());
  trained(folder, 'pictures', 'image', ten.flatMap((i) => [[`dark.${i}.png`, picture(32, 32, 20 + 3 * i)], [`bright.${i}.png`, picture(32, 32, 200 + 3 * i)]]));
  await page.goto(server.link);
  const live = page.getByRole('region', { name: 'Live' });

  await step('the microphone is heard, with scores over time', async () => {
    await page.goto(`${server.url}/p/sounds/test`);
    await live.getByLabel('Ask').selectOption('8 times a second');
    await live.getByRole('button', { name: 'Listen live' }).press('Enter');
    await live.getByTestId('live-says').getByText(/^(low|high)/).waitFor();
    await live.getByText(/^([5-9]|\d\d) answers in the last 30 s/).waitFor();
    const sum = (await live.locator('.score').allTextContents()).reduce((a, b) => a + Number(b), 0);
    assert.ok(Math.abs(sum - 1) < 0.02, `the scores add up to ${sum}`);
    const [, took] = (await live.getByText(/the last one took/).textContent()).match(/took (\d+) ms/);
    console.log(`    an answer took ${took} ms`);
    const drawn = await live.locator('canvas').evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 3).join())).size;
    });
    assert.ok(drawn > 3, 'lines are drawn');
    await fits(page, 'live');
    await live.getByRole('button', { name: 'Stop' }).click();
    await live.getByRole('button', { name: 'Listen live' }).waitFor();
    const after = await live.getByText(/answers in the last/).textContent();
    await page.waitForTimeout(600);
    assert.equal(await live.getByText(/answers in the last/).textContent(), after, 'nothing is asked after the end');
  });
  await step('what the impulse does not take is told', async () => {
    await live.getByRole('button', { name: 'Look live' }).click();
    await live.getByRole('alert').getByText('an image, but the impulse takes series').waitFor();
    await live.getByRole('button', { name: 'Look live' }).waitFor();
  });
  await step('the camera is seen, and its pictures are classified', async () => {
    await page.goto(`${server.url}/p/pictures/test`);
    await live.getByRole('button', { name: 'Look live' }).click();
    await page.waitForFunction(() => document.querySelector('video')?.videoWidth > 0);
    await live.getByTestId('live-says').getByText(/^(dark|bright)/).waitFor();
    await live.getByText(/^([3-9]|\d\d) answers in the last 30 s/).waitFor();
    await page.getByRole('link', { name: 'Board' }).click();
    await page.locator('video').waitFor({ state: 'detached' });
  });
}, { expected: / status of 422/ });
