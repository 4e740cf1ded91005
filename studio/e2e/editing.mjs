// What a person changes and may take back: facts of several samples, with the history of each; the shares of the split, seen before they are applied;
// the parameters of a block, tried and saved. And what augmentation makes of a window.
// usage: node e2e/editing.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench, binary, fits, tones, trained } from './bench.mjs';

await bench(async ({ folder, page, server, step, trouble }) => {
  trained(folder, 'kws', 'keywords', tones());
  const project = join(folder, 'kws');
  const text = () => readFileSync(join(project, 'edgewright.toml'), 'utf8');
  const samples = () => JSON.parse(execFileSync(binary, ['data', 'list', '--project', project, '--json'])).samples;
  const facts = (name) => JSON.parse(execFileSync(binary, ['data', 'show', name, '--project', project, '--json'])).info.metadata;
  const sample = page.getByRole('region', { name: 'Sample' });
  /** Opens the history, also when the sample is shown anew meanwhile, and waits for a line of it: who, what, before, after. */
  const history = (...line) =>
    page.waitForFunction((wanted) => {
      const box = [...document.querySelectorAll('section[aria-label=Sample] details')].find((d) => d.querySelector('summary')?.textContent === 'History');
      if (box && !box.open) box.querySelector('summary')?.click();
      return [...(box?.querySelectorAll('tr') ?? [])].some((row) => [...row.cells].slice(1).map((c) => c.textContent).join('|') === wanted);
    }, line.join('|'));
  await page.goto(server.link);
  await page.goto(`${server.url}/p/kws/data`);

  await step('a fact is set on several samples, told in their history, and taken back', async () => {
    await page.getByRole('button', { name: 'high.0.wav', exact: true }).press('Enter');
    await sample.getByText('History', { exact: true }).press('Enter');
    await sample.getByText('Nobody changed anything').waitFor();
    for (const name of ['high.0.wav', 'low.3.wav']) await page.getByRole('checkbox', { name: `Choose ${name}` }).press('Space');
    const form = page.getByRole('form', { name: 'Facts' });
    assert.ok(await form.getByRole('button', { name: 'Set fact' }).isDisabled(), 'nothing to set yet');
    await form.getByLabel('Fact', { exact: true }).fill('site');
    await form.getByLabel('Value').fill('hall 2');
    await form.getByLabel('Value').press('Enter');
    await page.getByText('2 changed').waitFor();
    await history('owner', 'fact site', '–', 'hall 2');
    assert.deepEqual(['high.0.wav', 'low.3.wav', 'low.4.wav'].map((n) => facts(n).site), ['hall 2', 'hall 2', undefined]);
    await fits(page, 'history');
    await page.getByRole('button', { name: 'Undo', exact: true }).press('Enter');
    await history('owner', 'fact site', 'hall 2', '–');
    assert.deepEqual(['high.0.wav', 'low.3.wav'].map((n) => facts(n).site), [undefined, undefined]);
  });
  await step('a fact is removed, and a bad name refused', async () => {
    const form = page.getByRole('form', { name: 'Facts' });
    await form.getByLabel('Fact', { exact: true }).fill('site');
    await form.getByLabel('Value').fill('yard');
    await form.getByRole('button', { name: 'Set fact' }).click();
    await page.getByText('2 changed').waitFor();
    await page.waitForFunction(() => document.querySelector('section[aria-label=Sample] dl')?.textContent?.includes('yard'));
    await form.getByRole('button', { name: 'Remove fact' }).click();
    await page.waitForFunction(() => document.querySelector('section[aria-label=Sample] dl')?.textContent?.includes('yard') === false);
    assert.equal(facts('high.0.wav').site, undefined);
    await form.getByLabel('Fact', { exact: true }).fill('a\u0007b');
    await form.getByRole('button', { name: 'Set fact' }).click();
    await page.getByRole('alert').getByText('cannot be the name of a fact').waitFor();
    trouble.splice(0, trouble.length, ...trouble.filter((t) => !t.includes('422')));
  });
  await step('a label and who set it stand in the history', async () => {
    await page.goto(`${server.url}/p/kws/data?sample=${samples().find((s) => s.name === 'low.1.wav').id}`);
    await sample.getByLabel('Label', { exact: true }).fill('loud');
    await sample.getByLabel('Label', { exact: true }).press('Enter');
    await page.getByText('1 changed').waitFor();
    await history('owner', 'label', 'low', 'loud');
    await page.getByRole('button', { name: 'Undo', exact: true }).click();
    await history('owner', 'label', 'loud', 'low');
  });
  await step('the split is seen before it is applied, applied, and taken back', async () => {
    const before = text();
    const ids = samples().filter((s) => /^low\.[0-3]\./.test(s.name)).map((s) => s.id);
    // Four whose side a person sets.
    for (const name of ['low.0.wav', 'low.1.wav', 'low.2.wav', 'low.3.wav']) await page.getByRole('checkbox', { name: `Choose ${name}` }).check();
    await page.getByRole('button', { name: 'To training' }).click();
    await page.getByText('4 changed').waitFor();
    await page.getByText('Rebalance the split', { exact: true }).press('Enter');
    const box = page.locator('details', { hasText: 'Rebalance the split' });
    // What was changed has to be cleaned again first.
    await box.getByText('start a run').waitFor();
    trouble.splice(0, trouble.length, ...trouble.filter((t) => !t.includes('409')));
    execFileSync(binary, ['run', project, '--until', 'split'], { stdio: ['ignore', 'ignore', 'pipe'] });
    await box.getByText('Rebalance the split', { exact: true }).press('Enter');
    await box.getByText('Rebalance the split', { exact: true }).press('Enter');
    const table = box.getByRole('table', { name: 'Split now and then' });
    await box.getByText('No sample changes sides.').waitFor();
    assert.ok(await box.getByRole('button', { name: 'Apply' }).isDisabled());
    await box.getByLabel('Share that tests').fill('0.5');
    await box.getByText(/\d+ samples would change sides/).waitFor();
    await box.getByLabel('also the 4 whose side was set').press('Space');
    const counts = async (label, cell) => (await table.getByRole('row', { name: label }).getByRole('cell').nth(cell).innerText()).split(' / ').map(Number);
    await page.waitForFunction(() => [...document.querySelectorAll('table[aria-label="Split now and then"] tr')].some((r) => /^low/.test(r.textContent ?? '') && / 5$/.test(r.textContent ?? '')));
    assert.equal((await counts('low', 2)).reduce((a, b) => a + b), 10);
    assert.equal(text(), before, 'nothing is changed by looking');
    await fits(page, 'rebalance');
    const then = await counts('low', 2);
    await box.getByRole('button', { name: 'Apply' }).click();
    await box.getByText('No sample changes sides.').waitFor();
    assert.match(text(), /^test = 0\.5/m);
    assert.ok(samples().every((s) => s.category === 'split'));
    execFileSync(binary, ['run', project, '--until', 'split'], { stdio: ['ignore', 'ignore', 'pipe'] });
    await box.getByText('Rebalance the split', { exact: true }).press('Enter');
    await box.getByText('Rebalance the split', { exact: true }).press('Enter');
    await table.waitFor();
    assert.deepEqual(await counts('low', 1), then, 'it became what was shown');
    await box.getByRole('button', { name: 'Undo the change of the split' }).click();
    await page.waitForFunction(() => !document.body.textContent?.includes('Undo the change of the split'));
    assert.equal(text(), before);
    assert.deepEqual(samples().filter((s) => s.category === 'training').map((s) => s.id).sort(), ids.sort());
    trouble.splice(0, trouble.length, ...trouble.filter((t) => !t.includes('409')));
  });
  await step('a window is seen before and after augmentation, the same each time', async () => {
    execFileSync(binary, ['run', project, '--until', 'features'], { stdio: ['ignore', 'ignore', 'pipe'] });
    await page.goto(`${server.url}/p/kws/training`);
    await page.getByText('Augmentation of a window', { exact: true }).press('Enter');
    await page.getByText(/\d+ of 650 values are changed for \S+ in epoch 1\./).waitFor();
    await page.getByLabel('650 features after augmentation').waitFor();
    const ask = (epoch) => page.evaluate((e) => fetch(`/api/v1/projects/kws/augmentation?window=3&epoch=${e}`).then((r) => r.json()), epoch);
    const [one, again, two] = [await ask(1), await ask(1), await ask(2)];
    assert.deepEqual(one, again);
    assert.deepEqual(one.before, two.before);
    assert.notDeepEqual(one.after, two.after);
    await page.getByLabel('Epoch shown').press('ArrowUp');
    await page.getByText(/in epoch 2\./).waitFor();
    await fits(page, 'augmentation');
    await page.getByLabel(/^Window \(of/).fill('3');
    await page.getByText(new RegExp(`${one.name.replaceAll('.', '\\.')} .*in epoch 2`)).waitFor();
  });
  await step('parameters that were tried are saved into the project file', async () => {
    await page.goto(`${server.url}/p/kws/impulse`);
    await page.getByText(/^50 × 13 features, \d+ µs/).waitFor();
    const box = page.locator('section', { hasText: 'Try a block on a window' }).last();
    const save = box.getByRole('button', { name: 'Save into the project file' });
    assert.ok(await save.isDisabled(), 'nothing was tried yet');
    assert.equal(await box.getByLabel('num_cepstral', { exact: true }).inputValue(), '13', 'the form begins with what the file says');
    await box.getByLabel('num_cepstral', { exact: true }).fill('10');
    await box.getByText(/^50 × 10 features/).waitFor();
    const before = text();
    await save.press('Enter');
    await box.getByText('Saved into edgewright.toml.').waitFor();
    assert.equal(text(), before.replace('num_cepstral = 13', 'num_cepstral = 10'), 'this value alone is another');
    assert.match(await page.getByLabel('Project file').inputValue(), /num_cepstral = 10/);
    await fits(page, 'try-a-block');
    // Beside changes that wait to be saved, it waits with them.
    await page.getByLabel('Epochs').fill('4');
    await page.getByLabel('Epochs').press('Tab');
    await box.getByLabel('num_cepstral', { exact: true }).fill('');
    await box.getByText(/^50 × 13 features/).waitFor();
    await save.click();
    await box.getByText('save them together').waitFor();
    assert.match(text(), /num_cepstral = 10/);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved.', { exact: true }).waitFor();
    assert.doesNotMatch(text(), /num_cepstral/);
    assert.match(text(), /epochs = 4/);
  });
}, { expected: /409/ });
