import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

const source = await readFile(new URL('../src/features/data/remarks.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { noted } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

test('the same remark about many files is one line', () => {
  const remark = (file, message, files = 1) => ({ kind: 'k', message, file, files });
  const all = noted([remark('a.csv', 'one')], [remark('b.csv', 'two'), remark('c.csv', 'one', 3)]);
  assert.deepEqual(all, [remark('a.csv', 'one', 4), remark('b.csv', 'two')]);
  assert.deepEqual(noted(all, []), all);
});
