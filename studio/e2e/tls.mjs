// The Studio over TLS, with the certificate that the server makes.
// usage: node e2e/tls.mjs PATH/OF/edgewright FOLDER/FOR/SCREENSHOTS
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { bench, binary } from './bench.mjs';

/** What the server shows to somebody who trusts its certificate and no other. */
function shown(port, ca) {
  return new Promise((told, failed) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => {
      told({ fingerprint: socket.getPeerCertificate().fingerprint256, authorized: socket.authorized, protocol: socket.getProtocol() });
      socket.end();
    });
    socket.on('error', failed);
  });
}

await bench(async ({ context, folder, page, server, step }) => {
  const port = Number(new URL(server.url).port);
  await step('the certificate is the one whose fingerprint was printed, on the ports for devices too', async () => {
    assert.match(server.url, /^https:/);
    const ca = await readFile(join(folder, '.edgewright/server/tls-certificate.pem'));
    for (const distance of [0, 2, 10]) {
      const { fingerprint, authorized, protocol } = await shown(port + distance, ca);
      assert.deepEqual([fingerprint, authorized, protocol], [server.fingerprint, true, 'TLSv1.3']);
    }
  });
  await step('who comes without TLS is told', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /https:\/\//);
  });
  await step('the session never travels without TLS', async () => {
    await page.goto(server.link);
    await page.getByRole('heading', { name: 'Projects' }).waitFor();
    const [cookie] = await context.cookies();
    assert.ok(cookie.secure && cookie.httpOnly, JSON.stringify(cookie));
  });
  await step('the page records, and a phone is sent to TLS', async () => {
    execFileSync(binary, ['new', join(folder, 'shed'), '--template', 'empty']);
    await page.goto(`${server.url}/p/shed/collect`);
    await page.getByLabel('Label').fill('beep');
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.getByRole('region', { name: 'Record' }).getByRole('link', { name: /^beep/ }).waitFor();
    await page.getByRole('button', { name: 'Show a code' }).click();
    assert.match(await page.getByTestId('phone-link').innerText(), /^https:\/\/127/);
  });
}, { more: ['--tls'], context: { ignoreHTTPSErrors: true } });
