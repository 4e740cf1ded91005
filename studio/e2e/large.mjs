// A project of 100,000 samples in a browser, timed: the list, its filters, the map of windows. Prints one JSON object in its last line.
// usage: node e2e/large.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench, binary } from './bench.mjs';

const [FILES, ROWS, TIMES] = [200, 500, 7];
/** Milliseconds of turning the map. */
const TURNING = 4000;

await bench(async ({ folder, page, server, step }) => {
  const found = {};
  await step('100,000 rows are taken in and have features', async () => {
    const tables = join(folder, 'tables');
    mkdirSync(tables);
    for (let n = 0; n < FILES; n++) {
      const rows = Array.from({ length: ROWS }, (_, r) => {
        const i = n * ROWS + r;
        const kind = i % 10;
        return `${kind * 40 + ((i * 7919) % 101)},${((i * 7) % 1013) + 30 * kind},${(i * 13) % 997},${i % 31},kind${kind}`;
      });
      writeFileSync(join(tables, `part${String(n).padStart(3, '0')}.csv`), ['a,b,c,d,label', ...rows].join('\n') + '\n');
    }
    const project = join(folder, 'large');
    const quiet = { stdio: ['ignore', 'ignore', 'pipe'] };
    execFileSync(binary, ['new', project, '--template', 'tabular'], quiet);
    execFileSync(binary, ['data', 'import', tables, '--project', project, '--label-from', 'column:label'], quiet);
    execFileSync(binary, ['run', project, '--until', 'features'], quiet);
  });
  await page.goto(server.link);
  /** From a click or a choice until what it asks for is on the screen, as the page itself sees it. */
  const time = (act, wanted) => page.evaluate(async ([act, wanted]) => {
    const shown = () => [...document.querySelectorAll('main .pages span')].some((s) => new RegExp(wanted).test(s.textContent));
    const begun = performance.now();
    if (act.link) [...document.querySelectorAll('nav a')].find((a) => a.textContent === act.link).click();
    else {
      const field = document.querySelector('main select:has(option[value="*"])');
      field.value = act.value;
      field.dispatchEvent(new Event('change', { bubbles: true }));
    }
    while (!shown()) {
      if (performance.now() - begun > 20_000) throw new Error(`not shown: ${wanted}`);
      await new Promise((on) => requestAnimationFrame(on));
    }
    await new Promise((on) => requestAnimationFrame(on));
    return performance.now() - begun;
  }, [act, wanted]);
  await page.goto(`${server.url}/p/large/board`);
  await page.getByRole('heading', { name: '100000 samples' }).waitFor();
  await step('the list and its filters', async () => {
    found.first_page_ms = [];
    found.filter_ms = [];
    for (let n = 0; n < TIMES; n++) {
      found.first_page_ms.push(await time({ link: 'Data' }, '^1 to 50 of 100000$'));
      await page.locator('main select:has(option[value="*"])').waitFor();
      found.filter_ms.push(await time({ value: `kind${n}` }, '^1 to 50 of 10000$'));
      await page.getByRole('link', { name: 'Board', exact: true }).click();
      await page.getByRole('heading', { name: '100000 samples' }).waitFor();
    }
    await page.getByRole('link', { name: 'Data', exact: true }).click();
    await page.getByText('1 to 50 of 100000').waitFor();
  });
  await step('the map opens and turns', async () => {
    const begun = Date.now();
    await page.getByText('Explorer: windows by their features').click();
    await page.locator('canvas[data-drawn]').waitFor({ timeout: 60_000 });
    found.map_open_ms = Date.now() - begun;
    await page.getByLabel('in three dimensions').check();
    await page.locator('canvas[data-drawn]').scrollIntoViewIfNeeded();
    // A real pointer: events that a page makes itself are not spread over frames as those of a hand are.
    const box = await page.locator('canvas[data-drawn]').boundingBox();
    const drawn = async () => Number(await page.locator('canvas[data-drawn]').getAttribute('data-drawn'));
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    const [first, turned] = [await drawn(), Date.now()];
    for (let n = 1; Date.now() - turned < TURNING; n++) await page.mouse.move(x + 200 * Math.sin(n / 40), y + 60 * Math.cos(n / 40));
    // What was asked of the card and is not done yet counts as well.
    const renderer = await page.evaluate(() => {
      const gl = document.querySelector('canvas[data-drawn]').getContext('webgl2');
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      const info = gl.getExtension('WEBGL_debug_renderer_info');
      return gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    });
    const seconds = (Date.now() - turned) / 1000;
    found.turning = { fps: ((await drawn()) - first) / seconds, renderer };
    await page.mouse.up();
  });
  console.log(JSON.stringify(found));
});
