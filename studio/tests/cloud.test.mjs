import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const load = async (path) => {
  const source = await readFile(new URL(`../src/${path}`, import.meta.url), 'utf8');
  const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
  return import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
};
const { START, hue, neighbours, onScreen, packed, rgb, under, within } = await load('charts/cloud.ts');
const { colouring, keysOf, slices, wilson } = await load('features/data/map.ts');
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test('each axis fills the picture, and one that does not vary lies in the middle', () => {
  assert.deepEqual([...packed([[0, 5, 10], [3, 3, 3], [1, -1, 0]])], [-1, 0, 1, 0, 0, -1, 1, 0, 0]);
});

test('a quarter turn shows the third axis in place of the first', () => {
  const screen = onScreen(new Float32Array([0, 0, 1, 0, 1, 0]), { ...START, yaw: Math.PI / 2, zoom: 2, x: 0.1 });
  near(screen[0], 0.94 * 2 + 0.1);
  near(screen[1], 0);
  near(screen[2], 0.1);
  near(screen[3], 0.94 * 2);
});

test('the nearest point under the pointer and those within an outline are found', () => {
  const screen = new Float32Array([0, 0, 0.5, 0.5, -0.5, 0.5]);
  assert.equal(under(screen, [0.45, 0.5], 0.1), 1);
  assert.equal(under(screen, [0.2, 0.2], 0.1), -1);
  // An L around the first and the second, not the third.
  assert.deepEqual(within(screen, [[-0.1, -0.1], [0.6, -0.1], [0.6, 0.6], [0.4, 0.6], [0.4, 0.1], [-0.1, 0.1]]), [0, 1]);
});

test('neighbours come in order, without those that do not fit', () => {
  const columns = [[0, 1, 2, 3, 10], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]];
  assert.deepEqual(neighbours(columns, 0, 2, () => true), [1, 2]);
  assert.deepEqual(neighbours(columns, 0, 2, (n) => n !== 1), [2, 3]);
  assert.deepEqual(neighbours(columns, 4, 9, () => true), [3, 2, 1, 0]);
});

test('the colours of the legend are those of the points', () => {
  // hsl(165 62% 48%) as every browser computes it.
  assert.equal(hue(0), 'hsl(165 62% 48%)');
  assert.deepEqual(rgb(0), [47, 198, 160]);
});

const map = {
  samples: [{ id: 'a', name: 'a', group: null, metadata: { room: 'x' } }, { id: 'b', name: 'b', group: null, metadata: { room: 'y', hour: '3' } }],
  labels: ['no', 'yes'], windows: 4,
  sample: [0, 0, 1, 1], label: [0, 0, 1, null], said: [0, 1, 1, 1], test: [false, true, true, true], start_ms: [0, 1, 0, 1], x: [0, 0, 0, 0], y: [0, 0, 0, 0], z: [0, 0, 0, 0],
};

test('points are coloured by label, split, error and what is known of their samples', () => {
  assert.deepEqual(keysOf(map), ['metadata.hour', 'metadata.room']);
  const words = (by) => { const c = colouring(map, by); return [...c.of].map((n) => c.names[n]); };
  assert.deepEqual(words('label'), ['no', 'no', 'yes', '(no label)']);
  assert.deepEqual(words('split'), ['training and validation', 'test', 'test', 'test']);
  assert.deepEqual(words('error'), ['right', 'wrong', 'right', 'not known']);
  assert.deepEqual(words('metadata.hour'), ['(not told)', '(not told)', '3', '3']);
});

test('names that are few are told apart, the others are one', () => {
  const many = { ...map, labels: Array.from({ length: 60 }, (_, n) => `l${n}`), label: Array.from({ length: 100 }, (_, n) => (n < 41 ? 7 : n - 41)), x: Array(100).fill(0), sample: Array(100).fill(0) };
  const c = colouring(many, 'label');
  assert.equal(c.names.length, 24);
  assert.equal(c.names.at(-1), 'other');
  assert.ok(c.names.includes('l7') && [...c.of].every((n) => n < 24));
});

test('parts of the test windows come worst first; training and unknown ones do not count', () => {
  const told = slices(map).map((s) => [s.key, s.value, s.right, s.windows]);
  assert.deepEqual(told.slice(0, 3), [['label', 'no', 0, 1], ['metadata.hour', '(not told)', 0, 1], ['metadata.room', 'x', 0, 1]]);
  assert.deepEqual(told.slice(3), [['label', 'yes', 1, 1], ['metadata.hour', '3', 1, 1], ['metadata.room', 'y', 1, 1]]);
  const [low, high] = wilson(90, 100);
  assert.ok(Math.abs(low - 0.8256) < 1e-3 && Math.abs(high - 0.9448) < 1e-3, `${low} ${high}`);
});
