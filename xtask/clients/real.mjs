// Edge Impulse's own published clients, as they are, against a real server: edge-impulse-linux (collector and runner), its library, the Python SDK.
// usage: node real.mjs PATH/OF/edgewright FOLDER/WITH/node_modules PYTHON
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';

const [binary, installed, python] = process.argv.slice(2).map((p) => resolve(p));
const run = promisify(execFile);
const require = createRequire(join(installed, 'package.json'));
// An address of this machine's own, so that the fixed ports of these clients are free.
const HOST = `127.${1 + (process.pid % 200)}.${1 + (Date.now() % 200)}.1`;
const folder = await mkdtemp(join(tmpdir(), 'edgewright-clients-'));
const home = join(folder, 'home');
await mkdir(home);
const env = { ...process.env, HOME: home, EI_HOST: HOST, EI_API_ENDPOINT: `http://${HOST}:4800/v1`, EI_INGESTION_ENDPOINT: `http://${HOST}:4810` };
const children = [];

/** Half a second of a tone at 8 kHz, 16-bit mono WAV. */
function tone(hz, seed) {
  const frames = 4000;
  const out = Buffer.alloc(44 + 2 * frames);
  out.write('RIFF', 0);
  out.writeUInt32LE(36 + 2 * frames, 4);
  out.write('WAVEfmt ', 8);
  [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, 8000, 4], [28, 16000, 4], [32, 2, 2], [34, 16, 2]].forEach(([at, v, n]) => out.writeUIntLE(v, at, n));
  out.write('data', 36);
  out.writeUInt32LE(2 * frames, 40);
  for (let i = 0; i < frames; i++) out.writeInt16LE(Math.round(3000 * Math.sin((i / 8000 + seed / 9) * hz * 2 * Math.PI) + 500 * Math.sin(i * i * (1 + seed))), 44 + 2 * i);
  return out;
}

/** A picture in PNG. */
function picture(width, height) {
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc((3 * width + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < 3 * width; x++) rows[y * (3 * width + 1) + 1 + x] = (x * 5 + y * 3) & 255;
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

const ours = async (...args) => (await run(binary, ['--no-progress', ...args], { cwd: folder })).stdout;
const key = async (...more) => JSON.parse(await ours('key', 'create', ...more, '--json')).key;
async function api(method, path, body) {
  const answer = await fetch(`http://${HOST}:4800/api/v1/projects/kws${path}`, { method, headers: { 'x-api-key': full, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? undefined : answer.json();
}
async function until(what, look) {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((on) => setTimeout(on, 200))) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error(`waited in vain: ${what}`);
}
let passed = 0;
async function step(name, work) {
  const begun = Date.now();
  await work();
  passed += 1;
  console.log(`ok  ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}
/** Starts a client; what it says is collected. */
function client(file, args, more = {}) {
  const child = spawn(file, args, { env: { ...env, ...more }, cwd: home, stdio: ['pipe', 'pipe', 'pipe'] });
  children.push(child);
  const told = { child, text: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => (told.text += d));
  told.ended = new Promise((on) => child.on('close', on));
  return told;
}
const tool = (name, ...args) => client(process.execPath, [join(installed, 'node_modules/.bin', name), ...args]);
async function ended(told) {
  const code = await told.ended;
  assert.equal(code, 0, told.text);
  return told.text;
}

await ours('new', 'kws', '--template', 'keywords');
const toml = join(folder, 'kws/edgewright.toml');
await writeFile(toml, (await readFile(toml, 'utf8')).replace(/epochs = \d+/, 'epochs = 5').replace('targets = ["host", "cortex-m4f"]', 'targets = ["host"]\ncases = 10'));
await mkdir(join(folder, 'recordings'));
for (let i = 0; i < 10; i++) for (const [label, hz] of [['low', 300], ['high', 1500]]) await writeFile(join(folder, `recordings/${label}.${i}.wav`), tone(hz + 5 * i, i));
await ours('data', 'import', 'recordings', '--project', 'kws', '--label-from', 'name');
const [full, ingest] = [await key('kws'), await key('kws', '--scope', 'ingest')];
env.EI_API_KEY = full;
const server = spawn(binary, ['serve', folder, '--no-open', '--listen', `${HOST}:4800`], { stdio: ['ignore', 'pipe', 'inherit'] });
children.push(server);
let link = '';
for await (const line of createInterface({ input: server.stdout })) {
  if (line.startsWith('Sign in: ')) {
    link = line.slice(9);
    break;
  }
}

try {
  await step('edge-impulse-linux says hello, takes a picture when asked, and uploads it', async () => {
    const png = join(folder, 'seen.png');
    await writeFile(png, picture(64, 48));
    const collector = tool('edge-impulse-linux', '--api-key', ingest, '--disable-microphone', '--fake-camera', png, '--dont-prompt-for-device-name');
    const device = await until('a device', async () => (await api('GET', '/devices')).devices.find((d) => d.connection === 'recording'));
    assert.match(device.sensors[0].name, /^Camera/);
    await until('the collector is in', () => collector.text.includes('is now connected to project "kws"'));
    const asked = await api('POST', `/devices/${encodeURIComponent(device.id)}/recordings`, { label: 'cup', length_ms: 1000, category: 'testing' });
    const done = await until('the picture', async () => {
      const now = await api('GET', `/recordings/${asked.id}`);
      assert.notEqual(now.state, 'failed', now.error);
      return now.state === 'done' && now;
    });
    const { sample } = await api('GET', `/samples/${done.sample}`);
    assert.equal(`${sample.label} ${sample.category}`, 'cup testing');
    collector.child.kill('SIGINT');
    await until('the device is gone', async () => (await api('GET', '/devices')).devices[0].connection === 'away');
    await api('PATCH', '/samples', { ids: [done.sample], disabled: true });
  });
  const model = join(folder, 'model.eim');
  await step('edge-impulse-linux-runner has the model built and downloads it', async () => {
    const text = await ended(tool('edge-impulse-linux-runner', '--api-key', full, '--quantized', '--download', model));
    assert.match(text, /Job completed \(success\)/);
    assert.match(text, /Stored model in/);
    assert.match(await ended(tool('edge-impulse-linux-runner', '--api-key', full, '--list-targets')), /target: runner-linux-/);
    const zip = join(folder, 'library.zip');
    await ended(tool('edge-impulse-linux-runner', '--api-key', full, '--force-target', 'zip', '--force-variant', 'float32', '--download', zip));
    assert.equal((await readFile(zip)).subarray(0, 2).toString(), 'PK');
  });
  await step('its library classifies with the model', async () => {
    const { LinuxImpulseRunner } = require('edge-impulse-linux');
    const runner = new LinuxImpulseRunner(model);
    const info = await runner.init();
    assert.deepEqual(info.modelParameters.labels, ['high', 'low']);
    const wave = tone(1510, 3);
    const features = Array.from({ length: info.modelParameters.input_features_count }, (_, i) => (i < 4000 ? wave.readInt16LE(44 + 2 * i) : 0));
    const { result } = await runner.classify(features);
    assert.ok(Math.abs(result.classification.high + result.classification.low - 1) < 0.02, JSON.stringify(result));
    await runner.stop();
  });
  await step('the runner keeps the model, and runs what it kept', async () => {
    for (const said of ['Stored model version in', 'Already have model']) {
      const runner = tool('edge-impulse-linux-runner', '--api-key', full, '--quantized', '--run-http-server', '18337');
      await until('its server', () => runner.text.includes('HTTP Server now running'));
      assert.ok(runner.text.includes(said), runner.text);
      const answer = await fetch('http://127.0.0.1:18337/api/features', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ features: Array(8000).fill(0) }) });
      assert.ok('classification' in (await answer.json()).result);
      runner.child.kill('SIGINT');
      await runner.ended;
    }
  });
  await step('the TypeScript client signs in with the password and gets a key', async () => {
    const signedIn = await fetch(link, { redirect: 'manual' });
    const cookie = signedIn.headers.get('set-cookie').split(';')[0];
    const headers = { cookie, origin: `http://${HOST}:4800`, 'content-type': 'application/json' };
    const set = await fetch(`http://${HOST}:4800/api/v1/session/password`, { method: 'PUT', headers, body: JSON.stringify({ password: 'correct horse battery' }) });
    assert.equal(set.status, 204);
    const { EdgeImpulseApi } = require('edge-impulse-linux/build/sdk/studio');
    const studio = new EdgeImpulseApi({ endpoint: `http://${HOST}:4800` });
    assert.equal((await studio.user.getUserNeedToSetPassword('owner')).needPassword, false);
    await assert.rejects(studio.login.login({ username: 'owner', password: 'wrong horse battery' }), /Password is incorrect/);
    const { token } = await studio.login.login({ username: 'owner', password: 'correct horse battery' });
    await studio.authenticate({ method: 'jwtToken', jwtToken: token });
    assert.ok((await studio.user.getCurrentUser()).organizations.some((o) => o.isDeveloperProfile));
    const { id } = (await studio.projects.listProjects()).projects[0];
    const made = await studio.projects.addProjectApiKey(id, { name: 'Edge Impulse CLI (bench)', role: 'ingestion_deployment', isDevelopmentKey: false });
    assert.match(made.apiKey, /^ei_/);
    const devices = (await studio.devices.listDevices(id)).devices;
    assert.equal(devices[0].remoteMgmtMode, 'disconnected');
    const project = new EdgeImpulseApi({ endpoint: `http://${HOST}:4800` });
    await project.authenticate({ method: 'apiKey', apiKey: made.apiKey });
    assert.equal((await project.projects.listProjects()).projects.length, 1);
  });
  await step('the Python SDK uploads, lists, builds and downloads', async () => {
    await writeFile(join(home, 'fresh.low.wav'), tone(333, 77));
    const script = `
import edgeimpulse as ei
from edgeimpulse_api import JobsApi, BuildOnDeviceModelRequest
from edgeimpulse.util import configure_generic_client, default_project_id_for, get_project_websocket, run_job_until_completion
sent = ei.data.upload_samples(ei.data.Sample(filename="fresh.low.wav", data=open("fresh.low.wav", "rb"), category="testing", label="low"))
assert len(sent.successes) == 1 and not sent.fails, sent
found = ei.data.get_sample_ids(category="testing")
assert any(f.filename.startswith("fresh") for f in found), found
assert "zip" in ei.model.list_deployment_targets()
built = ei.experimental.impulse.build(deploy_model_type="int8", engine="tflite", deploy_target="zip")
assert built.getvalue()[:2] == b"PK"
# The log of a job on the socket.
client = configure_generic_client(key=ei.API_KEY, host=ei.API_ENDPOINT)
project = default_project_id_for(client)
request = BuildOnDeviceModelRequest.from_dict({"engine": "tflite", "modelType": "float32"})
job = JobsApi(client).build_on_device_model_job(project_id=project, type="zip", build_on_device_model_request=request)
lines = []
run_job_until_completion(get_project_websocket(client=client, project_id=project), job.id, data_cb=lines.append, timeout_sec=60)
assert any("Job completed (success)" in line for line in lines), lines
print("python done", ei.__version__)
`;
    const told = client(python, ['-c', script]);
    told.child.stdin.end();
    assert.match(await ended(told), /python done/);
  });
  await step('the Python SDK profiles and deploys a model of its own', async () => {
    // A project that was never trained: it gives the model that was uploaded.
    await ours('new', 'mine', '--template', 'empty');
    const own = await key('mine');
    const random = (n, seed) => Array.from({ length: n }, (_, i) => Math.fround(Math.sin(12.9898 * (i + 1) * seed)));
    const tensor = (name, shape, data) => ({ name, shape, dtype: 'f32', quant: null, data: data ? { f32: data } : null });
    const graph = {
      name: 'mine',
      tensors: [tensor('x', [16]), tensor('w', [3, 16], random(48, 7)), tensor('b', [3], random(3, 5)), tensor('y', [3]), tensor('z', [3])],
      nodes: [
        { name: 'dense', op: { op: 'fully_connected', activation: 'none' }, inputs: [0, 1, 2], output: 3 },
        { name: 'softmax', op: { op: 'softmax' }, inputs: [3], output: 4 },
      ],
      inputs: [0],
      outputs: [4],
    };
    await writeFile(join(folder, 'mine.ewg'), JSON.stringify({ edgewright_graph: 1, graph }));
    await ours('model', 'export', 'mine.ewg', '--format', 'tflite', '--out', join(home, 'mine.tflite'));
    const cases = Float32Array.from(random(640, 3));
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 16), }".padEnd(117) + '\n';
    await writeFile(join(home, 'cases.npy'), Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([118, 0]), Buffer.from(header), Buffer.from(cases.buffer)]));
    const script = `
import edgeimpulse as ei
assert "cortex-m4f" in ei.model.list_profile_devices()
told = ei.model.profile(model="mine.tflite", device="cortex-m4f")
told.summary()
assert told.model.profile_info.float32.memory.eon.rom > 100
built = ei.model.deploy(model="mine.tflite", model_output_type=ei.model.output_type.Classification(labels=["a", "b", "c"]),
    model_input_type=ei.model.input_type.OtherInput(), representative_data_for_quantization="cases.npy", deploy_target="zip")
assert built.getvalue()[:2] == b"PK"
print("python done")
`;
    const told = client(python, ['-c', script], { EI_API_KEY: own });
    told.child.stdin.end();
    assert.match(await ended(told), /python done/);
  });
  console.log(`${passed} passed, 0 failed`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
