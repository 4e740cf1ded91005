// Validation loss (training loss where there is none) of two runs over the epochs.
import { drawn } from './canvas';
import type { Point } from './curve';
import { epochs } from './epochs';

export const curves = drawn<readonly (readonly Point[])[]>((drawing, runs) => {
  const of = (p: Point) => p.validation_loss ?? p.loss;
  const all = runs.flat().map(of).filter(Number.isFinite);
  if (all.length === 0) return;
  const line = epochs(drawing, { first: 1, last: Math.max(...runs.flat().map((p) => p.epoch)), most: Math.max(...all) || 1 });
  const styles = [['accent', [], 'first', 110], ['warn', [5, 4], 'second', 60]] as const;
  runs.slice(0, 2).forEach((points, n) => {
    const [name, dash, title, at] = styles[n] ?? styles[0];
    line(points.map((p) => [p.epoch, of(p)]), name, [...dash], title, at);
  });
});
