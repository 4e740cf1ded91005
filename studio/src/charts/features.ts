// Features of a window: a map when they are frames by columns, else bars.
import { drawn } from './canvas';

export interface Features {
  shape: readonly number[];
  features: readonly number[];
  /** Least and largest value of the scale; those of the features when left out. */
  range?: readonly [number, number];
}

/** Least and largest of some values. */
export function extent(...lists: (readonly number[])[]): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const list of lists) for (const v of list) [least, most] = [Math.min(least, v), Math.max(most, v)];
  return least <= most ? [least, most] : [0, 1];
}

export const featureMap = drawn<Features>(({ context, width, height, colour }, { shape, features, range }) => {
  const [least, most] = range ?? extent(features);
  const span = most - least || 1;
  const [rows = 1, columns = features.length] = shape.length > 1 ? shape : [1, features.length];
  const per = features.length / (rows * columns);
  context.fillStyle = colour('accent');
  if (rows > 1) {
    // Time goes to the right, frequency up.
    const w = width / rows;
    const h = height / columns;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        context.globalAlpha = ((features[(r * columns + c) * per] ?? least) - least) / span;
        context.fillRect(r * w, height - (c + 1) * h, w + 0.5, h + 0.5);
      }
    }
    context.globalAlpha = 1;
    return;
  }
  const zero = height - (Math.max(0, -least) / span) * height;
  const w = width / features.length;
  features.forEach((v, i) => {
    const top = height - ((v - least) / span) * height;
    context.fillRect(i * w, Math.min(top, zero), Math.max(0.5, w - 0.5), Math.max(1, Math.abs(zero - top)));
  });
});
