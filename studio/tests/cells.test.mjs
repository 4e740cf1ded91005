import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/data/cells.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { cells, delimiter, named } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

test('cells are split and quotes taken off', () => {
  assert.deepEqual(cells('a;"b ""x"";c"\r\n\n1;2\n3;4', ';', 2), [['a', 'b "x";c'], ['1', '2']]);
  assert.deepEqual(cells('', ',', 5), []);
});

test('what is between cells, and whether the first line holds names', () => {
  assert.deepEqual(['a;b;c,d', 'a\tb', 'one', 'a|b'].map(delimiter), [';', '\t', ',', '|']);
  assert.deepEqual([['t', 'x'], ['1', 'x'], ['1', '2'], []].map(named), [true, false, false, false]);
});
