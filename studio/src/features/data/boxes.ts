// Boxes around the objects of a picture while they are being edited. They stay inside the picture and at least a pixel large.
import type { Schemas } from '../../api/client';

export type Box = Schemas['LabelBox'];
export type Size = readonly [width: number, height: number];

const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));

/** A box with these corners, in whole pixels; none where it would be narrower than `least`. */
export function between(label: string, a: Size, b: Size, [width, height]: Size, least = 2): Box | undefined {
  const [left, right] = [a[0], b[0]].map((v) => clamp(Math.round(v), 0, width)).sort((p, q) => p - q) as [number, number];
  const [top, bottom] = [a[1], b[1]].map((v) => clamp(Math.round(v), 0, height)).sort((p, q) => p - q) as [number, number];
  if (right - left < least || bottom - top < least) return undefined;
  return { label, x: left, y: top, width: right - left, height: bottom - top };
}

/** The box moved, as far as the picture goes. */
export function moved(b: Box, dx: number, dy: number, [width, height]: Size): Box {
  return { ...b, x: clamp(b.x + dx, 0, Math.max(0, width - b.width)), y: clamp(b.y + dy, 0, Math.max(0, height - b.height)) };
}

/** The box with its lower right corner moved. */
export function resized(b: Box, dx: number, dy: number, [width, height]: Size): Box {
  return { ...b, width: clamp(b.width + dx, 1, width - b.x), height: clamp(b.height + dy, 1, height - b.y) };
}

/** Number of the smallest box that holds a point; -1 for none. */
export function at(boxes: readonly Box[], [x, y]: Size): number {
  let best = -1;
  boxes.forEach((b, n) => {
    const holds = x >= b.x && x <= b.x + b.width && y >= b.y && y <= b.y + b.height;
    const area = (i: number) => (boxes[i]?.width ?? 0) * (boxes[i]?.height ?? 0);
    if (holds && (best < 0 || area(n) < area(best))) best = n;
  });
  return best;
}
