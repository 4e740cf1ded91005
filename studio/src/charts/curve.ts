// Loss and metric over the epochs.
import { drawn } from './canvas';
import { epochs } from './epochs';

export interface Point {
  epoch: number;
  loss: number;
  metric: number;
  validation_loss?: number | null;
  validation_metric?: number | null;
  gradient_norm?: number | null;
}

export const curve = drawn<readonly Point[]>((drawing, points) => {
  const losses = points.flatMap((p) => [p.loss, p.validation_loss ?? p.loss]).filter(Number.isFinite);
  if (points.length < 2 || losses.length === 0) return;
  const range = { first: points[0]?.epoch ?? 0, last: points.at(-1)?.epoch ?? 1, most: Math.max(...losses) || 1 };
  const line = epochs(drawing, range);
  line(points.map((p) => [p.epoch, p.loss]), 'accent', [], 'loss', 150);
  line(points.map((p) => [p.epoch, p.validation_loss]), 'warn', [5, 4], 'validation loss', 110);
});

/** Norm of the gradient over the epochs. */
export const norms = drawn<readonly Point[]>((drawing, points) => {
  const known = points.flatMap((p) => p.gradient_norm ?? []).filter(Number.isFinite);
  if (points.length < 2 || known.length === 0) return;
  const range = { first: points[0]?.epoch ?? 0, last: points.at(-1)?.epoch ?? 1, most: Math.max(...known) || 1 };
  epochs(drawing, range)(points.map((p) => [p.epoch, p.gradient_norm]), 'accent', [], 'norm of the gradient', 150);
});
