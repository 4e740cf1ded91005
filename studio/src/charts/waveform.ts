// A recording as the server has reduced it: the smallest and the largest value of each column.
import { drawn } from './canvas';

export interface Drawing {
  axes: readonly { name: string; low: readonly number[]; high: readonly number[] }[];
}

const NAMES = ['accent', 'warn', 'bad', 'good', 'quiet', 'text'];

export const waveform = drawn<Drawing>(({ context, width, height, colour }, { axes }) => {
  let least = Infinity;
  let most = -Infinity;
  for (const axis of axes) {
    for (const v of axis.low) least = Math.min(least, v);
    for (const v of axis.high) most = Math.max(most, v);
  }
  if (!(least <= most)) return;
  const span = most - least || 1;
  const y = (v: number) => 4 + (1 - (v - least) / span) * (height - 8);
  context.strokeStyle = colour('line');
  if (least < 0 && most > 0) {
    context.beginPath();
    context.moveTo(0, y(0));
    context.lineTo(width, y(0));
    context.stroke();
  }
  axes.forEach((axis, n) => {
    const columns = axis.low.length;
    context.strokeStyle = colour(NAMES[n % NAMES.length] ?? 'accent');
    context.beginPath();
    for (let i = 0; i < columns; i++) {
      const x = columns > 1 ? (i / (columns - 1)) * (width - 1) : width / 2;
      const low = y(axis.low[i] ?? 0);
      const high = y(axis.high[i] ?? 0);
      if (i === 0) context.moveTo(x, high);
      context.lineTo(x, high);
      context.lineTo(x, Math.max(low, high + 0.5));
    }
    context.stroke();
  });
});

/** The colour of an axis, as a name of the page's colours. */
export function axisColour(n: number): string {
  return NAMES[n % NAMES.length] ?? 'accent';
}
