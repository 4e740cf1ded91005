// Several people: one is invited, chooses a password, looks without changing, is given more, and is removed.
// usage: node e2e/accounts.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { bench, binary, fits, tones, trained } from './bench.mjs';

await bench(async ({ context, folder, page, server, step, watch }) => {
  execFileSync(binary, ['new', join(folder, 'shed'), '--template', 'empty']);
  trained(folder, 'tones', 'keywords', tones());
  await page.goto(server.link);
  await page.getByRole('heading', { name: 'Projects' }).waitFor();
  await page.goto(`${server.url}/settings`);
  const people = page.getByRole('region', { name: 'People' });
  const visitors = await context.browser().newContext({ viewport: { width: 1280, height: 900 } });
  const ada = watch(await visitors.newPage());
  const word = 'correct horse battery';
  let link;

  await step('the owner invites somebody', async () => {
    await people.getByRole('row', { name: /^owner no password yet owner/ }).waitFor();
    await people.getByLabel('Name to sign in with').fill('ada');
    await people.getByLabel('Role of the new account').selectOption('viewer');
    await people.getByLabel('Name to sign in with').press('Enter');
    link = await people.getByTestId('invitation').innerText();
    assert.match(link, /\/join#[0-9a-f]{64}$/);
    await people.getByRole('row', { name: /^ada no password yet/ }).waitFor();
    await fits(page, 'people');
    await people.getByLabel('Name to sign in with').fill('Ada');
    await people.getByRole('button', { name: 'Invite' }).click();
    await people.getByRole('alert').getByText('there is an account `Ada` already').waitFor();
  });
  await step('the link lets her in once, with a password of her own', async () => {
    await ada.goto(link);
    await ada.getByRole('heading', { name: 'You are invited' }).waitFor();
    await fits(ada, 'join');
    await ada.getByLabel('Password').fill(word);
    await ada.getByLabel('Once more').fill('another battery');
    await ada.getByRole('button', { name: 'Come in' }).click();
    await ada.getByRole('alert').getByText('not alike').waitFor();
    await ada.getByLabel('Once more').fill(word);
    await ada.getByLabel('Once more').press('Enter');
    await ada.getByRole('heading', { name: 'Projects' }).waitFor();
    await ada.getByText('ada (viewer)').waitFor();
    const second = watch(await context.newPage());
    await second.goto(link);
    await second.getByLabel('Password').fill(word);
    await second.getByLabel('Once more').fill(word);
    await second.getByRole('button', { name: 'Come in' }).click();
    await second.getByRole('alert').getByText('the link was used or has expired').waitFor();
    await second.close();
  });
  const record = async () => {
    await ada.goto(`${server.url}/p/shed/collect`);
    await ada.getByRole('button', { name: 'Show a code' }).click();
  };
  const PAGES = ['board', 'data', 'collect', 'devices', 'impulse', 'training', 'test', 'deploy', 'versions', 'jobs'];
  /** What changes a project, page by page: who may is shown all of it. */
  const EDITS = {
    board: ['Run'],
    data: ['Choose files', 'Choose a folder', 'Set', 'Disable', 'Remove', 'Begin here'],
    collect: ['Record', 'Show a code'],
    impulse: ['Keep', 'Save', 'Add a feature block'],
    training: ['Start'],
    deploy: ['Build'],
  };
  /** Goes to a page of the project and shows all that it has. */
  const visit = async (name) => {
    await ada.goto(`${server.url}/p/tones/${name}`);
    await ada.getByRole('heading', { level: 1 }).waitFor();
    if (name === 'data') await ada.getByRole('button', { name: 'high.0.wav', exact: true }).click();
    await ada.waitForTimeout(600);
    await ada.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)));
    await ada.waitForTimeout(300);
  };
  const button = (name) => ada.locator('main').getByRole('button', { name, exact: true, disabled: false });
  await step('a viewer sees no control that changes something, on every page', async () => {
    const refused = [];
    const note = (r) => r.status() === 403 && refused.push(`${r.request().method()} ${new URL(r.url()).pathname}`);
    ada.on('response', note);
    for (const name of PAGES) {
      await visit(name);
      await ada.getByTestId('may-look').waitFor();
      for (const edit of EDITS[name] ?? []) assert.equal(await button(edit).count(), 0, `${edit} on ${name}`);
      // Whatever is there may be used: nothing of it is refused.
      const left = ada.locator('main button:visible:enabled');
      for (let n = 0; n < (await left.count()); n++) await left.nth(n).click({ timeout: 2000 }).catch(() => {});
      for (const box of await ada.locator('main input[type=checkbox]:visible:enabled').all()) await box.click({ timeout: 2000 }).catch(() => {});
      if (name === 'impulse') assert.equal(await ada.getByLabel('Project file').getAttribute('readonly'), '', 'the text is to be read');
      if (name === 'data') {
        await ada.getByRole('button', { name: 'high.0.wav', exact: true }).click();
        await ada.getByRole('group', { name: /^Waveform/ }).focus();
        for (const key of ['1', '[', '.', ']', 'Backspace']) await ada.keyboard.press(key);
      }
    }
    assert.deepEqual(refused, []);
    ada.off('response', note);
    await visit('data');
    await fits(ada, 'viewer');
  });
  await step('and the server refuses what is asked for without a page', async () => {
    const ask = (path, method, body) => ada.evaluate(async ([path, method, body]) => (await fetch(path, { method, body, headers: { 'content-type': 'application/json' } })).status, [path, method, body]);
    assert.equal(await ask('/api/v1/projects/shed/phone', 'POST'), 403);
    assert.equal(await ask('/api/v1/projects/shed/jobs', 'POST', '{"kind":"run"}'), 403);
    await ada.goto(`${server.url}/settings`);
    await ada.getByText('An owner makes and removes keys.').waitFor();
    assert.equal(await ada.getByRole('region', { name: 'People' }).count(), 0);
  });
  await step('an editor changes projects, from the next request on', async () => {
    await people.getByLabel('Role of ada').selectOption('editor');
    await people.getByText(/^ada$/).waitFor();
    for (const [name, edits] of Object.entries(EDITS)) {
      await visit(name);
      assert.equal(await ada.getByTestId('may-look').count(), 0);
      // Buttons that wait for something to be done are there, if not yet ready.
      for (const edit of edits) assert.ok(await ada.locator('main').getByRole('button', { name: edit, exact: true }).count() > 0, `${edit} on ${name}`);
    }
    await record();
    await ada.getByRole('img', { name: 'QR code for a phone' }).waitFor();
    const status = await ada.evaluate(async () => (await fetch('/api/v1/accounts')).status);
    assert.equal(status, 403);
  });
  await step('she signs in elsewhere, sees both sessions, and ends one', async () => {
    const others = await context.browser().newContext({ viewport: { width: 390, height: 800 } });
    const phone = watch(await others.newPage());
    await phone.goto(server.url);
    await phone.getByLabel('Name').fill('Ada');
    await phone.getByLabel('Password').fill('wrong horse battery');
    await phone.getByRole('button', { name: 'Sign in' }).click();
    await phone.getByText('name or password is wrong').waitFor();
    await phone.getByLabel('Password').fill(word);
    await phone.getByRole('button', { name: 'Sign in' }).click();
    await phone.getByRole('heading', { name: 'Projects' }).waitFor();
    await ada.goto(`${server.url}/settings`);
    const sessions = ada.getByRole('region', { name: 'Sessions' });
    await sessions.getByText('this one').waitFor();
    await sessions.getByRole('button', { name: /^End the session/ }).press('Enter');
    await sessions.getByRole('button', { name: /^End the session/ }).waitFor({ state: 'detached' });
    await fits(ada, 'sessions');
    await phone.reload();
    await phone.getByRole('heading', { name: 'Sign in' }).waitFor();
    await others.close();
  });
  await step('who is removed is out', async () => {
    page.once('dialog', (d) => void d.accept());
    await people.getByRole('button', { name: 'Remove ada' }).click();
    await people.getByRole('row', { name: /^ada/ }).waitFor({ state: 'detached' });
    await ada.reload();
    await ada.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
}, { expected: / status of (400|401|403)/ });
