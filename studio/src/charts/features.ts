// Features of a window: a map when they are frames by columns, else bars.
import { drawn } from './canvas';

export interface Features {
  shape: readonly number[];
  features: readonly number[];
}

export const featureMap = drawn<Features>(({ context, width, height, colour }, { shape, features }) => {
  const least = Math.min(...features);
  const span = Math.max(...features) - least || 1;
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
