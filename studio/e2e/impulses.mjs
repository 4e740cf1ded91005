// Several impulses of a project: one is kept, another tried, both compared, and the first put into use again.
// usage: node e2e/impulses.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench, binary, fits } from './bench.mjs';

await bench(async ({ folder, page, server, step }) => {
  const project = join(folder, 'kws');
  execFileSync(binary, ['new', project, '--template', 'keywords']);
  const text = () => readFileSync(join(project, 'edgewright.toml'), 'utf8');
  const first = text();
  const listed = () => JSON.parse(execFileSync(binary, ['impulse', 'list', project, '--json'])).impulses.map((i) => [i.name, i.current]);
  await page.goto(server.link);
  const kept = page.getByRole('region', { name: 'Kept impulses' });
  const row = (name) => page.locator(`[data-impulse="${name}"]`);

  await step('the impulse in use is kept under a name', async () => {
    await page.goto(`${server.url}/p/kws/impulse`);
    await kept.getByText('None is kept yet.').waitFor();
    await kept.getByLabel('Keep the one in use as').fill('mfcc');
    await kept.getByLabel('Keep the one in use as').press('Enter');
    await row('mfcc').getByText('in use').waitFor();
    assert.match(readFileSync(join(project, 'impulses/mfcc.toml'), 'utf8'), /^\[impulse\]/);
  });
  await step('another is tried, and compared with it', async () => {
    await page.getByLabel('Window (ms)').fill('800');
    await page.getByLabel('Window (ms)').press('Tab');
    assert.ok(await kept.getByRole('button', { name: 'Keep', exact: true }).isDisabled(), 'what is not saved yet is not kept');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await row('mfcc').getByRole('button', { name: 'Use mfcc' }).waitFor();
    await row('mfcc').getByRole('button', { name: 'Compare mfcc' }).click();
    assert.match(await kept.getByTestId('diff').innerText(), /− window_ms = 1000\n\+ window_ms = 800/);
    await fits(page, 'impulses');
  });
  await step('one that is kept nowhere is not lost by chance', async () => {
    page.once('dialog', (d) => void d.dismiss());
    await row('mfcc').getByRole('button', { name: 'Use mfcc' }).click();
    await page.waitForTimeout(300);
    assert.match(text(), /window_ms = 800/);
    await kept.getByLabel('Keep the one in use as').fill('short');
    await kept.getByRole('button', { name: 'Keep', exact: true }).click();
    await row('short').getByText('in use').waitFor();
    assert.deepEqual(listed(), [['mfcc', false], ['short', true]]);
  });
  await step('the first is put into use again, the other sections as they were', async () => {
    await row('mfcc').getByRole('button', { name: 'Use mfcc' }).press('Enter');
    await row('mfcc').getByText('in use').waitFor();
    assert.equal(text(), first);
    await page.waitForFunction(() => document.querySelector('textarea').value.includes('window_ms = 1000'));
    page.once('dialog', (d) => void d.accept());
    await row('short').getByRole('button', { name: 'Remove short' }).click();
    await row('short').waitFor({ state: 'detached' });
    assert.deepEqual(listed(), [['mfcc', true]]);
  });
}, { expected: / status of 409/ });
