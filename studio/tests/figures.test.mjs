import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/training/figures.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { figures } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

const run = (accuracy, flash, more = {}) => ({ test: { int8: { accuracy }, float: null }, verify: [{ target: 'host', flash_bytes: flash }], ...more });

test('more is better for accuracy, less for flash, neither for samples', () => {
  const rows = figures([run(0.5, 1000, { data: { samples: 10 } }), run(0.75, 2000, { data: { samples: 20 } })]);
  assert.deepEqual(rows.map((r) => [r.name, r.difference, r.better]), [
    ['int8 accuracy', 0.25, true],
    ['samples', 10, undefined],
    ['host flash, bytes', 1000, false],
  ]);
});

test('equal figures are neither, missing ones have no difference', () => {
  assert.equal(figures([run(0.5, 1), run(0.5, 1)])[0].better, undefined);
  const rows = figures([run(0.5, 1), { test: null }]);
  assert.deepEqual(rows[0].values, [0.5, undefined]);
  assert.equal(rows[0].difference, undefined);
  assert.deepEqual(figures([{}, {}]), []);
});
