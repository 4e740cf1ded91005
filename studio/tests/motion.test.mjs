import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/ui/motion.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { acquisition, evened } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

test('rows that came unevenly lie on straight lines between them', () => {
  assert.deepEqual(evened([100, 110, 140, 150], [[0, 5], [1, 5], [4, 5], [5, 6]], 100), [[0, 5], [1, 5], [2, 5], [3, 5], [4, 5], [5, 6]]);
});

test('the last row is not passed, and one row stays one', () => {
  assert.deepEqual(evened([0, 35], [[0], [7]], 100).map(([v]) => v), [0, 2, 4, 6]);
  assert.deepEqual(evened([7], [[3]], 50), [[3]]);
  assert.deepEqual(evened([], [], 50), []);
  // Two that came at once.
  assert.deepEqual(evened([0, 0, 20], [[1], [2], [4]], 100), [[2], [3], [4]]);
});

test('the document says axes, units and interval', async () => {
  const blob = acquisition([{ name: 'accX', units: 'm/s2' }], [[1], [2]], 50, 'phone');
  const { payload, protected: head } = JSON.parse(await blob.text());
  assert.deepEqual([head, payload], [{ ver: 'v1', alg: 'none' }, { device_type: 'phone', interval_ms: 20, sensors: [{ name: 'accX', units: 'm/s2' }], values: [[1], [2]] }]);
});
