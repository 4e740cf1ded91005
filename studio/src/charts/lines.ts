// The first values of each axis, one line each, with gaps where a value is missing.
import { drawn } from './canvas';
import { axisColour } from './waveform';

export const lines = drawn<readonly (readonly (number | null)[])[]>(({ context, width, height, colour }, axes) => {
  const all = axes.flat().filter((v) => v !== null);
  if (all.length === 0) return;
  const least = Math.min(...all);
  const span = Math.max(...all) - least || 1;
  axes.forEach((values, axis) => {
    context.strokeStyle = colour(axisColour(axis));
    context.lineWidth = 1.5;
    context.beginPath();
    let down = false;
    values.forEach((v, n) => {
      if (v === null) {
        down = false;
        return;
      }
      const x = values.length > 1 ? 4 + (n / (values.length - 1)) * (width - 8) : width / 2;
      const y = 6 + (1 - (v - least) / span) * (height - 12);
      if (down) context.lineTo(x, y);
      else context.moveTo(x, y);
      down = true;
    });
    context.stroke();
  });
});
