import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/impulse/layers.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { counts, fresh, written } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

test('layers are written as people write them', () => {
  const layers = [
    { activation: 'relu', dilation: 1, filters: 8, kernel: 3, padding: 'same', stride: 1, type: 'conv1d' },
    { type: 'max_pool', size: [2], stride: [] },
    { type: 'residual', layers: [{ type: 'dense', units: 4, activation: 'none' }], shortcut: [], activation: 'relu' },
  ];
  assert.equal(
    written(layers),
    '[\n  { type = "conv1d", activation = "relu", filters = 8, kernel = 3 },\n  { type = "max_pool", size = [2] },\n' +
      '  { type = "residual", layers = [{ type = "dense", units = 4 }], shortcut = [], activation = "relu" },\n]',
  );
  assert.equal(written([]), '[]');
  assert.equal(written([fresh('activation')]), '[\n  { type = "activation", activation = "relu" },\n]');
});

test('counts are read however they are typed', () => {
  for (const text of ['3 3', '3, 3', '3x3', '3 × 3', ' 3,3 ']) assert.deepEqual(counts(text), [3, 3], text);
  assert.deepEqual(counts(''), []);
});
