// Scores of each label over the last seconds, now at the right edge.
import { drawn } from './canvas';
import { axisColour } from './waveform';

export interface Scores {
  readonly labels: readonly string[];
  /** In ms; the first moment that is shown is `span` before the last. */
  readonly span: number;
  readonly moments: readonly { readonly at: number; readonly scores: Readonly<Record<string, number>> }[];
}

/** Lines of labels beyond the colours are dashed. */
const COLOURS = 6;

export const scores = drawn<Scores>(({ context, width, height, colour }, { labels, span, moments }) => {
  const now = moments.at(-1)?.at ?? 0;
  const x = (at: number) => width * (1 - (now - at) / span);
  const y = (score: number) => 4 + (1 - score) * (height - 8);
  context.strokeStyle = colour('line');
  for (const level of [0, 0.5, 1]) {
    context.beginPath();
    context.moveTo(0, y(level));
    context.lineTo(width, y(level));
    context.stroke();
  }
  labels.forEach((label, n) => {
    context.strokeStyle = colour(axisColour(n));
    context.lineWidth = 2;
    context.setLineDash(n < COLOURS ? [] : [4, 3]);
    context.beginPath();
    moments.forEach((m, i) => {
      const [px, py] = [x(m.at), y(m.scores[label] ?? 0)];
      if (i === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    });
    context.stroke();
  });
  context.setLineDash([]);
});
