import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/versions/pareto.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { chart } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

const run = (id, figure, flash, front_of) => ({ id, figure, measured: null, estimated: { flash_bytes: flash, ram_bytes: 1, instructions: 1 }, front_of });
const told = (more_is_better, runs) => ({ basis: 'estimated', more_is_better, runs });

test('the better end is above, and the line goes through the front alone', () => {
  const runs = [run('a', 0.9, 300, ['flash']), run('b', 0.7, 100, ['flash']), run('c', 0.6, 200, []), run('d', null, 50, [])];
  const { points, line } = chart(told(true, runs), 'flash');
  assert.deepEqual(points.map((p) => p.run.id), ['a', 'b', 'c'], 'what has no figure has no place');
  const [a, b, c] = points;
  assert.ok(a.y < b.y && b.y < c.y && b.x < c.x && c.x < a.x);
  assert.deepEqual(line, [[b.x, 1], [b.x, b.y], [a.x, b.y], [a.x, a.y], [1, a.y]]);
  const turned = chart(told(false, runs), 'flash').points;
  assert.ok(turned[2].y < turned[1].y && turned[1].y < turned[0].y, 'of an error less is better');
});

test('one run, runs that are the same, and none have a place', () => {
  assert.deepEqual(chart(told(true, []), 'ram').points, []);
  const { points, line } = chart(told(true, [run('a', 1, 5, ['flash']), run('b', 1, 5, ['flash'])]), 'flash');
  assert.ok(points.every((p) => Math.abs(p.x - 0.5) < 1e-9 && Math.abs(p.y - 0.5) < 1e-9));
  assert.ok(line.flat().every(Number.isFinite));
});
