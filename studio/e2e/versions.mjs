// What was trained in a project: two versions side by side, and the way back to the first.
// usage: node e2e/versions.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench, binary, fits, tones, trained } from './bench.mjs';

await bench(async ({ folder, page, server, step }) => {
  const project = join(folder, 'kws');
  const file = join(project, 'edgewright.toml');
  const run = () => JSON.parse(execFileSync(binary, ['run', project, '--until', 'test', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  await page.goto(server.link);
  execFileSync(binary, ['new', join(folder, 'empty'), '--template', 'empty']);

  await step('a project that was never trained says so', async () => {
    await page.goto(`${server.url}/p/empty/versions`);
    await page.getByRole('heading', { name: 'No version yet' }).waitFor();
  });
  trained(folder, 'kws', 'keywords', tones());
  const first = readFileSync(file, 'utf8');
  await step('one version is listed with what came of it', async () => {
    await page.goto(`${server.url}/p/kws/versions`);
    await page.getByRole('row', { name: /1000 ms; mfcc; classifier; 3 epochs .*accuracy [01]\.\d{4}.* as it is now$/ }).waitFor();
    await page.getByText('With a second version').waitFor();
  });
  writeFileSync(file, first.replace('epochs = 3', 'epochs = 4').replace('num_filters = 32', 'num_filters = 24'));
  run();
  const listed = () => JSON.parse(execFileSync(binary, ['version', 'list', project, '--json'])).versions;
  const [newer, older] = listed();
  await step('two versions are compared', async () => {
    await page.reload();
    const difference = page.getByRole('region', { name: 'Difference' });
    await difference.getByRole('heading', { name: `From ${older.id.slice(0, 8)} to ${newer.id.slice(0, 8)}` }).waitFor();
    const text = await difference.getByTestId('diff').innerText();
    assert.match(text, /− epochs = 3\n\+ epochs = 4/);
    assert.match(text, /− num_filters = 32\n\+ num_filters = 24/);
    assert.doesNotMatch(text, /\[deploy\]/, 'what is far from a change is left out');
    await difference.getByRole('rowheader', { name: 'int8 accuracy' }).waitFor();
    // The other way round, by keyboard.
    await page.getByLabel(`Compare to ${newer.id.slice(0, 8)}`).press('ArrowDown');
    await page.getByLabel(`Compare from ${older.id.slice(0, 8)}`).press('ArrowUp');
    await difference.getByText('+ epochs = 3').waitFor();
    await fits(page, 'versions');
  });
  await step('the runs stand on a chart of what they reach and what they cost', async () => {
    const chart = page.getByRole('region', { name: 'Runs by cost' });
    const told = JSON.parse(execFileSync(binary, ['version', 'pareto', project, '--json']));
    const point = (id) => chart.locator(`[data-run="${id}"]`);
    const shown = async (axis) => {
      for (const r of told.runs) assert.equal(await point(r.id).getAttribute('data-front'), String(r.front_of.includes(axis)), `${r.id} by ${axis}`);
    };
    await chart.getByRole('group', { name: /^2 runs by accuracy and flash; [12] on the front$/ }).waitFor();
    await shown('flash');
    assert.match(await chart.getByTestId('front').getAttribute('points'), /^[\d., ]+$/);
    await chart.getByRole('combobox', { name: 'Cost', exact: true }).selectOption('instructions');
    await chart.getByRole('group', { name: /by accuracy and instructions/ }).waitFor();
    await shown('instructions');
    await chart.getByRole('combobox', { name: 'Metric', exact: true }).selectOption('log_loss');
    await chart.getByRole('group', { name: /^2 runs by log_loss and instructions/ }).waitFor();
    await chart.getByRole('combobox', { name: 'Costs are', exact: true }).selectOption('measured');
    await chart.getByText(/^No run has log_loss on test windows and measured costs/).waitFor();
    await chart.getByRole('combobox', { name: 'Costs are', exact: true }).selectOption('estimated');
    // A point leads to its row, and is compared.
    await point(older.id).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction((id) => document.activeElement?.id === `version-${id}`, older.id);
    assert.ok(await page.getByLabel(`Compare to ${older.id.slice(0, 8)}`).isChecked());
    await fits(page, 'pareto');
  });
  await step('the first version is restored, its results are at hand, and it is taken back', async () => {
    await page.getByRole('button', { name: `Restore ${older.id.slice(0, 8)}` }).click();
    await page.getByText(`reads as in version ${older.id.slice(0, 8)}`).waitFor();
    await page.locator(`[data-version="${older.id}"]`).getByText('as it is now').waitFor();
    assert.equal(readFileSync(file, 'utf8'), first);
    assert.deepEqual([...new Set(run().stages.map((s) => s.status))], ['cached']);
    assert.deepEqual(listed().map((v) => v.id), [older.id, newer.id], 'the one that was run last comes first');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.locator(`[data-version="${newer.id}"]`).getByText('as it is now').waitFor();
    assert.match(readFileSync(file, 'utf8'), /epochs = 4/);
  });
});
