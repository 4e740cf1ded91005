// Loss and metric over the epochs.
import { drawn } from './canvas';

export interface Point {
  epoch: number;
  loss: number;
  metric: number;
  validation_loss?: number | null;
  validation_metric?: number | null;
}

export const curve = drawn<readonly Point[]>(({ context, width, height, colour }, points) => {
  const left = 44;
  const bottom = 20;
  const losses = points.flatMap((p) => [p.loss, p.validation_loss ?? p.loss]).filter(Number.isFinite);
  if (points.length < 2 || losses.length === 0) return;
  const most = Math.max(...losses) || 1;
  const last = points.at(-1)?.epoch ?? 1;
  const first = points[0]?.epoch ?? 0;
  const x = (epoch: number) => left + ((epoch - first) / Math.max(1, last - first)) * (width - left - 8);
  const y = (loss: number) => 6 + (1 - loss / most) * (height - bottom - 10);
  context.font = '11px system-ui';
  context.strokeStyle = colour('line');
  context.fillStyle = colour('quiet');
  for (const share of [0, 0.5, 1]) {
    const at = y(most * share);
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(width - 8, at);
    context.stroke();
    context.fillText((most * share).toPrecision(2), 4, at + 4);
  }
  context.fillText(`epoch ${first}`, left, height - 4);
  context.fillText(String(last), width - 28, height - 4);
  const line = (value: (p: Point) => number | null | undefined, name: string, dash: number[]) => {
    context.strokeStyle = colour(name);
    context.setLineDash(dash);
    context.lineWidth = 2;
    context.beginPath();
    let down = false;
    for (const p of points) {
      const v = value(p);
      if (v === null || v === undefined || !Number.isFinite(v)) continue;
      if (down) context.lineTo(x(p.epoch), y(v));
      else context.moveTo(x(p.epoch), y(v));
      down = true;
    }
    context.stroke();
    context.setLineDash([]);
  };
  line((p) => p.loss, 'accent', []);
  line((p) => p.validation_loss, 'warn', [5, 4]);
  context.fillStyle = colour('accent');
  context.fillText('loss', width - 150, 14);
  context.fillStyle = colour('warn');
  context.fillText('validation loss', width - 110, 14);
});
