// Labels of parts of a recording while they are being edited. They stay in order and never overlap.
import type { Schemas } from '../../api/client';

export type Range = Schemas['LabelRange'];

/** The ranges with `label` on the frames `start` to `end`, both included; `''` takes labels away there. */
export function paint(ranges: readonly Range[], start: number, end: number, label: string): Range[] {
  if (end < start) return [...ranges];
  const kept = ranges.flatMap((r) => [
    ...(r.start < start ? [{ ...r, end: Math.min(r.end, start - 1) }] : []),
    ...(r.end > end ? [{ ...r, start: Math.max(r.start, end + 1) }] : []),
  ]);
  const all = label === '' ? kept : [...kept, { label, start, end }];
  all.sort((a, b) => a.start - b.start);
  // Neighbours that say the same are one.
  return all.reduce<Range[]>((out, r) => {
    const last = out.at(-1);
    if (last && last.label === r.label && last.end + 1 === r.start && same(last, r)) out[out.length - 1] = { ...last, end: r.end };
    else out.push(r);
    return out;
  }, []);
}

const same = (a: Range, b: Range) => JSON.stringify(a.label_map ?? {}) === JSON.stringify(b.label_map ?? {});

/** `label` from a frame on: to the end of the part that the frame lies in. */
export function begin(ranges: readonly Range[], frame: number, label: string, frames: number): Range[] {
  const inside = ranges.find((r) => r.start <= frame && frame <= r.end);
  const next = ranges.find((r) => r.start > frame);
  return paint(ranges, frame, inside?.end ?? (next ? next.start - 1 : frames - 1), label);
}

/** The nearest border within `reach` frames, else the frame itself. */
export function snap(ranges: readonly Range[], frame: number, reach: number, frames: number): number {
  const borders = [0, frames - 1, ...ranges.flatMap((r) => [r.start, r.end + 1])];
  const near = borders.reduce((best, b) => (Math.abs(b - frame) < Math.abs(best - frame) ? b : best), Infinity);
  return Math.abs(near - frame) <= reach ? Math.min(near, frames - 1) : frame;
}

/** Moves the border between two parts, or an end of one; what it moves over is taken from the neighbour. */
export function resize(ranges: readonly Range[], n: number, start: number, end: number): Range[] {
  const range = ranges[n];
  if (!range || end < start) return [...ranges];
  const without = ranges.filter((_, i) => i !== n);
  return paint(without, start, end, range.label);
}
