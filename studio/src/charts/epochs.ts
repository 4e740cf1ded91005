// Epochs to the right, losses from 0 upwards: the frame of a drawing of training, and lines in it.
import type { Pen } from './canvas';

export interface Range {
  first: number;
  last: number;
  /// The largest loss.
  most: number;
}

/// Draws the frame; what it returns draws a line through the points `[epoch, loss]`, those without a number left out.
export function epochs({ context, width, height, colour }: Pen, { first, last, most }: Range) {
  const left = 44;
  const bottom = 20;
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
  return (points: readonly (readonly [number, number | null | undefined])[], name: string, dash: number[], title: string, at: number) => {
    context.strokeStyle = colour(name);
    context.setLineDash(dash);
    context.lineWidth = 2;
    context.beginPath();
    let down = false;
    for (const [epoch, loss] of points) {
      if (loss === null || loss === undefined || !Number.isFinite(loss)) continue;
      if (down) context.lineTo(x(epoch), y(loss));
      else context.moveTo(x(epoch), y(loss));
      down = true;
    }
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour(name);
    context.fillText(title, width - at, 14);
  };
}
