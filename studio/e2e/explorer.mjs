// The map of windows in a browser: colours, space, an outline that chooses samples, neighbours, and where the impulse errs.
// usage: node e2e/explorer.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { bench, fits, tones, trained } from './bench.mjs';

await bench(async ({ folder, page, server, step }) => {
  trained(folder, 'tones', 'keywords', tones());
  await page.goto(server.link);
  await page.goto(`${server.url}/p/tones/data`);
  const explorer = page.locator('details', { hasText: 'Explorer: windows by their features' });
  const canvas = explorer.getByLabel(/^Map of \d+ windows/);
  const drawn = async () => Number(await canvas.getAttribute('data-drawn'));
  const picture = async () => (await canvas.screenshot()).toString('base64');
  /** A place of the canvas on the page. */
  const at = async (x, y) => {
    const box = await canvas.boundingBox();
    return [box.x + x * box.width, box.y + y * box.height];
  };
  const still = () => page.waitForTimeout(200);

  await step('the map shows the windows of all samples in the colours of their labels', async () => {
    await page.getByText('Explorer: windows by their features').click();
    await canvas.waitFor();
    await explorer.getByText('high', { exact: true }).waitFor();
    await explorer.getByText(/^\d+ of \d+ windows\./).waitFor();
    await still();
    assert.ok(await drawn() > 0, 'it was drawn');
    // As the screen shows it.
    await page.waitForFunction((c) => c.width > 100, await canvas.elementHandle());
    const pixels = await page.evaluate(async (text) => {
      const image = await createImageBitmap(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]));
      const copy = new OffscreenCanvas(image.width, image.height).getContext('2d');
      copy.drawImage(image, 0, 0);
      const { data } = copy.getImageData(0, 0, image.width, image.height);
      const near = (wanted) => { let n = 0; for (let i = 0; i < data.length; i += 4) if (wanted.every((v, k) => Math.abs(data[i + k] - v) < 12)) n++; return n; };
      return near([47, 198, 160]);
    }, await picture());
    assert.ok(pixels > 20, `${pixels} pixels have the first colour of the legend`);
  });
  await step('it turns in space, moves in the plane, and is zoomed by mouse and keyboard', async () => {
    const flat = await picture();
    await explorer.getByLabel('in three dimensions').check();
    await page.mouse.move(...(await at(0.5, 0.5)));
    await page.mouse.down();
    await page.mouse.move(...(await at(0.7, 0.6)), { steps: 5 });
    await page.mouse.up();
    await page.mouse.move(...(await at(0.01, 0.01)));
    await still();
    assert.notEqual(await picture(), flat, 'it looks otherwise from the side');
    await explorer.getByRole('button', { name: 'Show all' }).click();
    await explorer.getByLabel('in three dimensions').uncheck();
    await still();
    const again = await picture();
    await canvas.focus();
    await page.keyboard.press('+');
    await still();
    assert.notEqual(await picture(), again, 'it is larger');
    await page.keyboard.press('0');
    await still();
    assert.equal(await picture(), again, 'as it was');
  });
  await step('an outline chooses samples, which are labelled anew and get their labels back', async () => {
    await explorer.getByLabel('drag an outline').check();
    await page.mouse.move(...(await at(0.005, 0.005)));
    await page.mouse.down();
    for (const corner of [[0.995, 0.005], [0.995, 0.995], [0.005, 0.995]]) await page.mouse.move(...(await at(...corner)), { steps: 3 });
    await page.mouse.up();
    const group = page.getByRole('group', { name: 'Chosen samples' });
    await group.getByText('20 chosen').waitFor();
    // Half of the map holds one of the two clouds only, or a part of both; never all.
    await page.mouse.move(...(await at(0.5, 0.005)));
    await page.mouse.down();
    for (const corner of [[0.995, 0.005], [0.995, 0.995], [0.5, 0.995]]) await page.mouse.move(...(await at(...corner)), { steps: 3 });
    await page.mouse.up();
    await group.getByText(/^(\d|1\d) chosen$/).waitFor();
    const some = Number((await group.getByText(/ chosen$/).innerText()).split(' ')[0]);
    assert.ok(some > 0 && some < 20, `${some} are chosen`);
    await group.getByLabel('New label').fill('tone');
    await group.getByRole('button', { name: 'Set label' }).click();
    await page.locator('option', { hasText: `tone (${some})` }).waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.locator('option', { hasText: /^tone \(/ }).waitFor({ state: 'detached' });
    await explorer.getByLabel('drag an outline').uncheck();
  });
  await step('a point opens its sample and shows what lies nearest', async () => {
    // Somewhere in the map is a point.
    search: for (let y = 0.04; y < 1; y += 0.02) {
      for (let x = 0.03; x < 1; x += 0.012) {
        await page.mouse.move(...(await at(x, y)));
        if (/from \d+ ms$/.test(await explorer.locator('p[aria-live]').innerText())) {
          await page.mouse.down();
          await page.mouse.up();
          break search;
        }
      }
    }
    const near = explorer.getByRole('region', { name: 'Nearest windows' });
    await near.waitFor();
    assert.equal(await near.getByRole('listitem').count(), 8);
    const own = (await near.getByRole('heading').innerText()).match(/^Nearest to (\S+),/)[1];
    await page.getByRole('region', { name: 'Sample' }).getByRole('heading', { name: own }).waitFor();
    const first = near.getByRole('listitem').first().getByRole('button');
    const other = (await first.innerText()).split(',')[0];
    assert.notEqual(other, own);
    await first.press('Enter');
    await page.getByRole('region', { name: 'Sample' }).getByRole('heading', { name: other }).waitFor();
  });
  await step('the impulse is asked, and the parts in which it errs are listed', async () => {
    await explorer.getByLabel('Colour by').selectOption('split');
    await explorer.getByText('training and validation', { exact: true }).waitFor();
    await explorer.getByLabel('Colour by').selectOption('error');
    const slices = explorer.getByRole('region', { name: 'Slices' });
    await slices.waitFor();
    await explorer.getByText('right', { exact: true }).first().waitFor();
    await fits(page, 'explorer');
  });
});
