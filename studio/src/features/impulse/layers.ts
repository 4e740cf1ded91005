// What a layer of a project file may say, for the editor of layers. The server has the last word.

export type Layer = Record<string, unknown> & { type: string };
export type Field = { key: string; title: string; of: 'count' | 'counts' | 'share' | 'activation' | 'padding' | 'flag'; start: unknown; omit?: unknown };

const activation: Field = { key: 'activation', title: 'activation', of: 'activation', start: 'none', omit: 'none' };
const padding: Field = { key: 'padding', title: 'edges', of: 'padding', start: 'same', omit: 'same' };
const recurrent: Field[] = [
  { key: 'units', title: 'units', of: 'count', start: 32 },
  { key: 'sequences', title: 'every step', of: 'flag', start: false, omit: false },
];
const pool: Field[] = [
  { key: 'size', title: 'size', of: 'counts', start: [2] },
  { key: 'stride', title: 'stride', of: 'counts', start: [], omit: [] },
];
export const ACTIVATIONS = ['none', 'relu', 'relu6', 'leaky_relu', 'sigmoid', 'tanh', 'hard_swish', 'gelu'];
export const PADDINGS = ['same', 'valid'];
/** By type, in the order in which people look for them. Types that are not here are shown and edited as text. */
export const FIELDS: Record<string, Field[]> = {
  dense: [{ key: 'units', title: 'units', of: 'count', start: 20 }, { ...activation, start: 'relu' }],
  conv1d: [
    { key: 'filters', title: 'filters', of: 'count', start: 16 },
    { key: 'kernel', title: 'kernel', of: 'count', start: 3 },
    { key: 'stride', title: 'stride', of: 'count', start: 1, omit: 1 },
    { key: 'dilation', title: 'dilation', of: 'count', start: 1, omit: 1 },
    padding,
    { ...activation, start: 'relu' },
  ],
  conv2d: [
    { key: 'filters', title: 'filters', of: 'count', start: 16 },
    { key: 'kernel', title: 'kernel', of: 'counts', start: [3, 3] },
    { key: 'stride', title: 'stride', of: 'counts', start: [1, 1], omit: [1, 1] },
    { key: 'dilation', title: 'dilation', of: 'counts', start: [1, 1], omit: [1, 1] },
    padding,
    { ...activation, start: 'relu' },
  ],
  depthwise_conv: [
    { key: 'kernel', title: 'kernel', of: 'counts', start: [3] },
    { key: 'stride', title: 'stride', of: 'counts', start: [], omit: [] },
    padding,
    activation,
  ],
  max_pool: pool,
  average_pool: pool,
  global_average_pool: [],
  global_max_pool: [],
  lstm: recurrent,
  gru: recurrent,
  attention: [
    { key: 'heads', title: 'heads', of: 'count', start: 2, omit: 1 },
    { key: 'key', title: 'key width', of: 'count', start: 8 },
  ],
  batch_norm: [],
  layer_norm: [],
  dropout: [{ key: 'rate', title: 'share', of: 'share', start: 0.1 }],
  activation: [{ ...activation, start: 'relu', omit: undefined }],
  flatten: [],
  reshape: [{ key: 'shape', title: 'shape', of: 'counts', start: [1] }],
  resize: [{ key: 'size', title: 'rows, columns', of: 'counts', start: [8, 8] }],
};

export function fresh(type: string): Layer {
  return { type, ...Object.fromEntries((FIELDS[type] ?? []).map((f) => [f.key, f.start])) };
}

/** `2`, `3 3`, `3, 3` or `3x3` as counts. */
export function counts(text: string): number[] {
  return text.split(/[\s,x×]+/).filter(Boolean).map(Number);
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

function value(of: unknown): string {
  if (Array.isArray(of)) return `[${of.map(value).join(', ')}]`;
  if (of !== null && typeof of === 'object') return inline(of as Layer);
  return JSON.stringify(of);
}

function inline(layer: Layer): string {
  const known = FIELDS[layer.type] ?? [];
  const said = Object.entries(layer).filter(([key, v]) => {
    const field = known.find((f) => f.key === key);
    return v !== null && !(field && 'omit' in field && same(v, field.omit));
  });
  // The type first, as people write it.
  said.sort(([a], [b]) => Number(b === 'type') - Number(a === 'type'));
  return `{ ${said.map(([key, v]) => `${key} = ${value(v)}`).join(', ')} }`;
}

/** The layers as the value of `layers` in a project file. */
export function written(layers: Layer[]): string {
  return layers.length === 0 ? '[]' : `[\n${layers.map((layer) => `  ${inline(layer)},`).join('\n')}\n]`;
}
