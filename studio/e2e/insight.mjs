// What the data are like, and what to collect next: the page of the analysis with its files, the advice on the board, and who is told of a job.
// usage: node e2e/insight.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { bench, binary, fits, tones, trained } from './bench.mjs';

await bench(async ({ folder, page, server, step }) => {
  await page.goto(server.link);
  execFileSync(binary, ['new', join(folder, 'empty'), '--template', 'empty']);
  await step('a project without data says so', async () => {
    await page.goto(`${server.url}/p/empty/analysis`);
    await page.getByText('Nothing is cleaned yet.').waitFor();
  });
  trained(folder, 'kws', 'keywords', tones());
  const told = JSON.parse(execFileSync(binary, ['data', 'analyse', '--project', join(folder, 'kws'), '--json'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  await step('values, spectra, slices, features and labels apart are shown', async () => {
    await page.goto(`${server.url}/p/empty`);
    await page.goto(`${server.url}/p/kws/data`);
    await page.getByRole('link', { name: 'Analysis' }).click();
    const values = page.getByRole('region', { name: 'Values' });
    await values.getByRole('img', { name: 'Mean power of audio: high, low' }).waitFor();
    // The line of each label is highest where its tone is.
    const paths = await values.getByRole('img', { name: /^Mean power/ }).locator('polyline').evaluateAll((all) => all.map((l) => l.getAttribute('points').split(' ').map((p) => p.split(',').map(Number))));
    const top = paths.map((points) => points.reduce((best, p) => (p[1] < best[1] ? p : best))[0]);
    const at = (hz) => 4 + (hz / 4000) * 472;
    assert.ok(Math.abs(top[0] - at(1590)) < 30 && Math.abs(top[1] - at(322)) < 15, `${top}`);
    const slices = page.getByRole('region', { name: 'Slices' });
    await slices.getByRole('row', { name: /^high 10 / }).waitFor();
    const pair = told.pairs[0];
    await page.getByRole('region', { name: 'Labels apart' }).getByRole('row', { name: `high and low ${pair.distance.toFixed(2)} ${pair.auroc.toFixed(3)} ${pair.feature}` }).waitFor();
    const first = page.getByRole('region', { name: 'Features', exact: true }).getByRole('row').nth(1);
    assert.equal(await first.getByRole('rowheader').innerText(), told.features[0].name);
    await fits(page, 'analysis');
  });
  await step('tables and pictures are taken out', async () => {
    await page.getByText(/^Take it out: \d+ files/).click();
    for (const [name, begin] of [['slices.csv', 'key,value,samples'], ['spectra.parquet', 'PAR1'], ['spectra.svg', '<svg']]) {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
      assert.equal(download.suggestedFilename(), `kws-${name}`);
      assert.ok((await readFile(await download.path(), 'latin1')).startsWith(begin), name);
    }
  });
  await step('a webhook is made, told, and removed', async () => {
    const told = [];
    const listener = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => (body += piece)).on('end', () => { told.push({ headers: request.headers, body }); response.writeHead(204).end(); });
    }).listen(0, '127.0.0.1');
    await new Promise((done) => listener.once('listening', done));
    const url = `http://127.0.0.1:${listener.address().port}/told`;
    await page.goto(`${server.url}/p/kws/jobs`);
    const hooks = page.getByRole('region', { name: 'Webhooks' });
    await hooks.getByText('No webhook yet.').waitFor();
    await hooks.getByLabel('URL').fill(url);
    await hooks.getByLabel('cancelled').uncheck();
    await hooks.getByRole('button', { name: 'Make a webhook' }).click();
    const secret = await hooks.getByTestId('secret').innerText();
    await hooks.getByRole('row', { name: /done, failed nothing yet/ }).waitFor();
    await page.evaluate(() => fetch('/api/v1/projects/kws/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"kind":"export"}' }));
    while (told.length === 0) await page.waitForTimeout(100);
    const { headers, body } = told[0];
    assert.equal(headers['x-edgewright-signature'], `sha256=${createHmac('sha256', secret).update(`${headers['x-edgewright-timestamp']}.${body}`).digest('hex')}`);
    assert.equal(JSON.parse(body).event, 'job.done');
    await page.reload();
    await hooks.locator('[data-last=sent]').getByText('sent', { exact: true }).waitFor();
    assert.equal(await hooks.getByTestId('secret').count(), 0, 'it is shown once');
    await fits(page, 'webhooks');
    await hooks.getByRole('button', { name: `Remove ${url}` }).click();
    await hooks.getByText('No webhook yet.').waitFor();
    listener.close();
  });
  await step('what to collect next is worked out and shown', async () => {
    await page.getByRole('link', { name: 'Board' }).click();
    const advice = page.getByRole('region', { name: 'What to collect next' });
    await advice.getByText('Nobody has asked yet.').waitFor();
    await advice.getByLabel('Goal of the metric').fill('0.5');
    await advice.getByRole('button', { name: 'Work it out' }).click();
    await advice.locator('[data-job][data-state=done]').waitFor({ timeout: 120_000 });
    await advice.getByTestId('advice').getByText(/accuracy of 0\.5 is reached|cannot be said/).waitFor();
    await advice.getByRole('img', { name: /^accuracy of \d+ validation windows over training samples: 12 trainings/ }).waitFor();
    await advice.getByRole('rowheader', { name: 'low', exact: true }).waitFor();
    const says = await advice.getByTestId('advice').getByRole('listitem').allInnerTexts();
    const asked = JSON.parse(execFileSync(binary, ['data', 'advise', '--project', join(folder, 'kws'), '--goal', '0.5', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] }));
    assert.deepEqual(says, asked.says, 'as the command says it');
    await page.reload();
    await advice.getByTestId('advice').waitFor();
    await fits(page, 'advice');
  });
});
