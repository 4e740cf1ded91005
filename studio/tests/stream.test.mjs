import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/evaluation/stream.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { remembered, Ring } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
const block = (...values) => Float32Array.from(values);

test('the last samples come in order, silence before the first', () => {
  const ring = new Ring(4);
  ring.add(block(1, 2));
  assert.deepEqual([...ring.last(3), ring.length], [0, 1, 2, 2]);
  ring.add(block(3, 4, 5));
  assert.deepEqual([...ring.last(4), ring.length], [2, 3, 4, 5, 4]);
  assert.deepEqual([...ring.last(2)], [4, 5]);
  ring.add(block(6, 7, 8, 9, 10, 11));
  assert.deepEqual([...ring.last(6)], [0, 0, 8, 9, 10, 11]);
});

test('moments are forgotten after a while', () => {
  const at = (ms) => ({ at: ms, scores: {} });
  assert.deepEqual(remembered([at(0), at(10), at(20)], at(30), 20).map((m) => m.at), [20, 30]);
});
