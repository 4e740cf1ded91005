// What the points of the feature map have in common: by what they are coloured, and how often the impulse is right in each part of them.
import type { Schemas } from '../../api/client';

type FeatureMap = Schemas['FeatureMap'];
export interface Colouring {
  names: string[];
  /** Which name each point has. */
  of: Uint16Array;
}
/** Names that are told apart; all others are one. */
const MOST = 24;

/** What is built in; keys of metadata stand behind {@link META}, so that one called `label` is another. */
const META = 'metadata.';

/** What some sample says something of: `group`, and keys of metadata behind `metadata.`. */
export function keysOf(map: FeatureMap): string[] {
  const keys = new Set(map.samples.flatMap((s) => Object.keys(s.metadata)));
  return [...(map.samples.some((s) => s.group) ? ['group'] : []), ...[...keys].sort().map((key) => META + key)];
}

const NOT_TOLD = '(not told)';
const about = (map: FeatureMap, key: string) =>
  map.samples.map((s) => (key === 'group' ? s.group : s.metadata[key.slice(META.length)]) ?? NOT_TOLD);

/** By `label`, `split`, `error` or a key of {@link keysOf}. */
export function colouring(map: FeatureMap, by: string): Colouring {
  const labels = map.labels;
  const word: (n: number) => string =
    by === 'label' ? (n) => labels[map.label[n] ?? -1] ?? '(no label)'
    : by === 'split' ? (n) => (map.test[n] ? 'test' : 'training and validation')
    : by === 'error' ? (n) => (map.said[n] == null || map.label[n] == null ? 'not known' : map.said[n] === map.label[n] ? 'right' : 'wrong')
    : ((values) => (n: number) => values[map.sample[n]!]!)(about(map, by));
  const counts = new Map<string, number>();
  for (let n = 0; n < map.x.length; n++) counts.set(word(n), (counts.get(word(n)) ?? 0) + 1);
  let names = [...counts.keys()].sort();
  if (names.length > MOST) names = [...names.sort((a, b) => counts.get(b)! - counts.get(a)! || (a < b ? -1 : 1)).slice(0, MOST - 1).sort(), 'other'];
  const place = new Map(names.map((name, n) => [name, n]));
  const of = new Uint16Array(map.x.length);
  for (let n = 0; n < of.length; n++) of[n] = place.get(word(n)) ?? names.length - 1;
  return { names, of };
}

export interface Slice {
  key: string;
  value: string;
  windows: number;
  right: number;
  /** Bounds of the share that is right, by Wilson's interval at 95 %. */
  low: number;
  high: number;
}

export function wilson(right: number, all: number): [number, number] {
  if (all === 0) return [0, 1];
  const [z, p] = [1.96, right / all];
  const middle = p + (z * z) / (2 * all);
  const half = z * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all));
  const by = 1 + (z * z) / all;
  return [Math.max(0, (middle - half) / by), Math.min(1, (middle + half) / by)];
}

/** How often test windows are called right, for each value of each key and for each label; the worst first. Windows that were not asked about do not count. */
export function slices(map: FeatureMap): Slice[] {
  const found = new Map<string, { key: string; value: string; windows: number; right: number }>();
  const keys = keysOf(map).map((key) => [key, about(map, key)] as const);
  const count = (key: string, value: string, right: boolean) => {
    const id = JSON.stringify([key, value]);
    const slice = found.get(id) ?? { key, value, windows: 0, right: 0 };
    slice.windows += 1;
    slice.right += right ? 1 : 0;
    found.set(id, slice);
  };
  for (let n = 0; n < map.x.length; n++) {
    const [said, label] = [map.said[n], map.label[n]];
    if (!map.test[n] || said == null || label == null) continue;
    count('label', map.labels[label]!, said === label);
    for (const [key, told] of keys) count(key, told[map.sample[n]!]!, said === label);
  }
  return [...found.values()]
    .map((s) => ({ ...s, low: wilson(s.right, s.windows)[0], high: wilson(s.right, s.windows)[1] }))
    .sort((a, b) => a.high - b.high || b.windows - a.windows || (a.key + a.value < b.key + b.value ? -1 : 1));
}
