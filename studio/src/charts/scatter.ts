// Points in the plane, coloured by a number; which one is under the pointer.
import { drawn } from './canvas';

export interface Dot {
  x: number;
  y: number;
  colour: number;
  chosen: boolean;
}
export interface Scatter {
  dots: readonly Dot[];
  /** A rectangle being drawn, in shares of width and height. */
  box?: readonly [number, number, number, number] | undefined;
}

/** Colours that are told apart, also by people who see few. */
export function hue(n: number): string {
  return `hsl(${(n * 137.5 + 165) % 360} 62% 48%)`;
}

export function bounds(dots: readonly { x: number; y: number }[]) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of dots) {
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
  }
  return { x0, y0, w: x1 - x0 || 1, h: y1 - y0 || 1 };
}

/** Where a point is drawn, in shares of width and height. */
export function place(dot: { x: number; y: number }, b: ReturnType<typeof bounds>): [number, number] {
  return [0.03 + (0.94 * (dot.x - b.x0)) / b.w, 0.97 - (0.94 * (dot.y - b.y0)) / b.h];
}

export const scatter = drawn<Scatter>(({ context, width, height, colour }, { dots, box }) => {
  const b = bounds(dots);
  const ring = colour('text');
  for (const dot of dots) {
    const [x, y] = place(dot, b);
    context.fillStyle = hue(dot.colour);
    context.globalAlpha = dot.chosen ? 1 : 0.75;
    context.beginPath();
    context.arc(x * width, y * height, dot.chosen ? 5 : 3.5, 0, 7);
    context.fill();
    if (dot.chosen) {
      context.strokeStyle = ring;
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  if (box) {
    context.strokeStyle = ring;
    context.setLineDash([4, 3]);
    context.strokeRect(box[0] * width, box[1] * height, (box[2] - box[0]) * width, (box[3] - box[1]) * height);
    context.setLineDash([]);
  }
});
