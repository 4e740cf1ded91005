import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/data/ranges.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { begin, paint, resize, snap } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
const r = (label, start, end) => ({ label, start, end });

test('what is painted takes the place of what was there', () => {
  const two = [r('a', 0, 9), r('b', 20, 29)];
  assert.deepEqual(paint(two, 5, 24, 'c'), [r('a', 0, 4), r('c', 5, 24), r('b', 25, 29)]);
  assert.deepEqual(paint([r('a', 0, 99)], 10, 19, 'b'), [r('a', 0, 9), r('b', 10, 19), r('a', 20, 99)]);
  assert.deepEqual(paint([r('a', 0, 99)], 10, 19, ''), [r('a', 0, 9), r('a', 20, 99)]);
  assert.deepEqual(paint([r('a', 0, 9)], 10, 19, 'a'), [r('a', 0, 19)], 'neighbours that say the same are one');
  assert.deepEqual(paint(two, 9, 5, 'c'), two);
});

test('a label begins at a frame and goes to the end of its part', () => {
  assert.deepEqual(begin([], 10, 'a', 100), [r('a', 10, 99)]);
  assert.deepEqual(begin([r('a', 10, 99)], 50, 'b', 100), [r('a', 10, 49), r('b', 50, 99)]);
  assert.deepEqual(begin([r('b', 50, 99)], 10, 'a', 100), [r('a', 10, 49), r('b', 50, 99)]);
});

test('borders attract, and move', () => {
  assert.equal(snap([r('a', 10, 49)], 52, 3, 100), 50);
  assert.equal(snap([r('a', 10, 49)], 60, 3, 100), 60);
  assert.equal(snap([], 98, 3, 100), 99);
  assert.deepEqual(resize([r('a', 0, 49), r('b', 50, 99)], 0, 0, 59), [r('a', 0, 59), r('b', 60, 99)]);
  assert.deepEqual(resize([r('a', 0, 49)], 0, 10, 5), [r('a', 0, 49)]);
});
