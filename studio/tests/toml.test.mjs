import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import ts from 'typescript';

// Node 20 reads no TypeScript; the compiler strips the types.
const source = await readFile(new URL('../src/features/impulse/toml.ts', import.meta.url), 'utf8');
const script = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
const { addTable, removeBelow, removeTable, setIn, setKey } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);

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

const impulse = '[impulse]\nwindow_ms = 1000\n\n[[impulse.dsp]]\nblock = "mfcc" # sound\nnum_filters = 32\n\n[[impulse.learn]]\nkind = "classifier"\nlayers = [\n  { type = "dense", units = 3 },\n]\n\n[training]\nepochs = 3\n';

test('keys of the nth table change, come and go', () => {
  assert.equal(setIn(impulse, 'impulse.dsp', 0, 'block', '"mfe"'), impulse.replace('"mfcc" # sound', '"mfe" # sound'));
  assert.equal(setIn(impulse, 'impulse.dsp', 0, 'num_filters', null), impulse.replace('num_filters = 32\n', ''));
  assert.equal(setIn(impulse, 'impulse.learn', 0, 'inputs', '["mfcc"]'), impulse.replace('kind', 'inputs = ["mfcc"]\nkind'));
  assert.equal(setIn(impulse, 'impulse.dsp', 1, 'block', '"raw"'), impulse, 'there is no second');
});

test('tables are added after their like and taken out with what is below', () => {
  const two = addTable(impulse, 'impulse.dsp', ['block = "raw"']);
  assert.equal(two, impulse.replace('32\n\n', '32\n\n[[impulse.dsp]]\nblock = "raw"\n\n'));
  assert.equal(setIn(two, 'impulse.dsp', 1, 'block', '"flatten"'), two.replace('"raw"', '"flatten"'));
  assert.equal(removeTable(two, 'impulse.dsp', 1), impulse);
  assert.ok(!removeTable(impulse, 'impulse.learn', 0).includes('units'));
  const nested = '[[a.b]]\nx = 1\n[[a.b.c]]\ny = 1\n[[a.b]]\nx = 2\n';
  assert.equal(removeTable(nested, 'a.b', 0), '[[a.b]]\nx = 2\n');
  assert.equal(addTable('', 'a', ['x = 1']), '\n[[a]]\nx = 1\n');
});

test('a list over several lines is one value', () => {
  const text = impulse.replace('units = 3 },', 'units = 3 }, # "]" ends nothing here');
  assert.equal(setIn(text, 'impulse.learn', 0, 'layers', '[]'), impulse.replace(/layers = [^]*\n\]/, 'layers = []'));
  assert.equal(setIn(text, 'impulse.learn', 0, 'layers', null), impulse.replace(/layers = [^]*\n\]\n/, ''));
});

test('tables below a table are taken out by their name', () => {
  const text = '[[a.b]]\nx = 1\n\n[[a.b.c]]\ny = 1\n\n[[a.b.c]]\ny = 2\n\n[a.b.d]\nz = 1\n\n[[a.b]]\nx = 2\n';
  assert.equal(removeBelow(text, 'a.b', 0, 'c'), '[[a.b]]\nx = 1\n\n[a.b.d]\nz = 1\n\n[[a.b]]\nx = 2\n');
  assert.equal(removeBelow(text, 'a.b', 1, 'c'), text);
});
