// What the points of the feature map have in common.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/data/map.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { colouring, keysOf, slices } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

/** Two windows of each of two samples; of the second the impulse is wrong. */
const map = {
  windows: 4,
  labels: ['idle', 'grind'],
  sample: [0, 0, 1, 1],
  label: [0, 0, 1, 1],
  said: [0, 0, 0, 0],
  test: [true, true, true, true],
  start_ms: [0, 1, 0, 1],
  x: [0, 0, 0, 0],
  y: [0, 0, 0, 0],
  z: [0, 0, 0, 0],
  samples: [
    { id: 'a', name: 'a', group: 'g1', metadata: { label: 'idle', group: 'other', site: 'hall' } },
    { id: 'b', name: 'b', group: 'g2', metadata: { label: 'idle', group: 'other' } },
  ],
};

test('metadata that is called as what is built in is another key', () => {
  assert.deepEqual(keysOf(map), ['group', 'metadata.group', 'metadata.label', 'metadata.site']);
  const of = (key) => slices(map).filter((s) => s.key === key).map((s) => [s.value, s.windows, s.right]).sort();
  assert.deepEqual(of('label'), [['grind', 2, 0], ['idle', 2, 2]]);
  assert.deepEqual(of('metadata.label'), [['idle', 4, 2]]);
  assert.deepEqual(of('group'), [['g1', 2, 2], ['g2', 2, 0]]);
  assert.deepEqual(of('metadata.group'), [['other', 4, 2]]);
  assert.deepEqual(of('metadata.site'), [['(not told)', 2, 0], ['hall', 2, 2]]);
  assert.deepEqual(colouring(map, 'metadata.label').names, ['idle']);
  assert.deepEqual(colouring(map, 'label').names, ['grind', 'idle']);
});
