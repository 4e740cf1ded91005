import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

// Node 20 reads no TypeScript; the compiler strips the types.
const source = await readFile(new URL('../src/features/impulse/toml.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { setKey } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

test('a key changes and its comment stays', () => {
  const text = '[impulse]\nwindow_ms = 1000  # long\nname = "a # b"\n[split]\ntest = 0.2\n';
  assert.equal(setKey(text, 'impulse', 'window_ms', '900'), text.replace('1000', '900'));
  assert.equal(setKey(text, 'split', 'test', '0.3'), text.replace('0.2', '0.3'));
  assert.equal(setKey(text, 'impulse', 'name', '"c"'), text.replace('"a # b"', '"c"'));
});

test('a key of another section is not taken for it', () => {
  const text = '[a]\nx = 1\n[b]\ny = 2\n';
  assert.equal(setKey(text, 'b', 'x', '3'), '[a]\nx = 1\n[b]\nx = 3\ny = 2\n');
});

test('a key is taken out, and a missing section made', () => {
  assert.equal(setKey('[a]\nx = 1\ny = 2\n', 'a', 'x', null), '[a]\ny = 2\n');
  assert.equal(setKey('[a]\n', 'b', 'x', '1'), '[a]\n\n[b]\nx = 1\n');
  assert.equal(setKey('[a]\n', 'b', 'x', null), '[a]\n');
});
