// Whom a model fails and how far its figures can be trusted: slices on the test page, cross-validation and the sweep of step sizes.
// usage: node e2e/studies.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { bench, fits, tones, trained } from './bench.mjs';

await bench(async ({ folder, page, server, step }) => {
  const files = tones();
  const entries = files.map(([path], i) => ({ path, label: { type: 'label', label: path.split('.')[0] }, metadata: { room: ['hall', 'lab'][i % 4 < 2 ? 0 : 1] } }));
  trained(folder, 'kws', 'keywords', [...files, ['info.labels', JSON.stringify({ version: 1, files: entries })]], 'sidecar');
  await page.goto(server.link);

  await step('the test page slices by what recordings share, the weakest first', async () => {
    await page.goto(`${server.url}/p/kws/test`);
    const section = page.locator('section', { has: page.getByRole('heading', { name: 'Slices' }) });
    await section.getByRole('rowheader', { name: 'hall' }).waitFor();
    const rows = await section.locator('tbody tr').allInnerTexts();
    assert.equal(rows.length, 2, rows.join('; '));
    const shares = rows.map((r) => Number(r.split('\t')[3]));
    assert.ok(shares[0] <= shares[1] && shares.every((s) => s >= 0 && s <= 1), rows.join('; '));
    await fits(page, 'slices');
  });
  await step('cross-validation is asked for and tells each fold', async () => {
    await page.goto(`${server.url}/p/kws/training`);
    await page.getByText('How far the figures can be trusted').click();
    await page.getByLabel('Folds').fill('2');
    await page.getByRole('button', { name: 'Cross-validate' }).click();
    await page.getByRole('heading', { name: 'Cross-validation' }).waitFor();
    await page.getByRole('rowheader', { name: '2', exact: true }).waitFor();
    await page.getByText(/accuracy in int8: [01]\.\d{4} on average, deviation/).waitFor();
    // What was found is still there when the page is opened again.
    await page.reload();
    await page.getByText('How far the figures can be trusted').click();
    await page.getByRole('heading', { name: 'Cross-validation' }).waitFor();
  });
  await step('other impulses are tried and kept, one to be used', async () => {
    await page.getByRole('button', { name: 'Try other impulses' }).click();
    await page.getByRole('heading', { name: 'Other impulses' }).waitFor();
    await page.getByRole('rowheader', { name: /^current/ }).waitFor();
    await page.getByRole('rowheader', { name: /^raw/ }).waitFor();
    assert.equal(await page.getByText('(best)').count(), 1);
    await page.getByRole('button', { name: 'Keep them as impulses' }).click();
    await page.getByRole('link', { name: 'compare and use them' }).click();
    await page.getByText('try-raw').first().waitFor();
    await page.goBack();
    await page.getByText('How far the figures can be trusted').click();
  });
  await step('a sweep suggests a learning rate and draws the loss', async () => {
    await page.getByRole('button', { name: 'Find a learning rate' }).click();
    await page.getByRole('heading', { name: /^Learning rate of/ }).waitFor();
    const path = await page.getByRole('img', { name: 'Smoothed loss over the learning rate' }).locator('path').getAttribute('d');
    assert.ok(path.split('L').length > 10 && !path.includes('NaN'), path);
    await fits(page, 'studies');
  });
});
