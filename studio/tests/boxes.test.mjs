import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/data/boxes.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { at, between, moved, resized } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
const size = [100, 80];
const b = (x, y, width, height) => ({ label: 'a', x, y, width, height });

test('a box is drawn from corner to corner, whichever came first, inside the picture', () => {
  assert.deepEqual(between('a', [10.4, 20], [30, 44.6], size), b(10, 20, 20, 25));
  assert.deepEqual(between('a', [30, 44], [-5, 20], size), b(0, 20, 30, 24));
  assert.equal(between('a', [30, 44], [31, 60], size), undefined);
});

test('a box moves and grows as far as the picture goes', () => {
  assert.deepEqual(moved(b(10, 10, 20, 20), 500, -500, size), b(80, 0, 20, 20));
  assert.deepEqual(resized(b(10, 10, 20, 20), 500, -500, size), b(10, 10, 90, 1));
});

test('of boxes on each other the smallest is meant', () => {
  const all = [b(0, 0, 50, 50), b(10, 10, 5, 5)];
  assert.equal(at(all, [12, 12]), 1);
  assert.equal(at(all, [40, 40]), 0);
  assert.equal(at(all, [60, 60]), -1);
});
