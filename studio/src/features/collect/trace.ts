// The last seconds of something that comes in, as the smallest and largest value of each column.
import type { Drawing } from '../../charts/waveform';

/** Columns that are shown. */
const COLUMNS = 300;

export class Trace {
  private low: number[][];
  private high: number[][];
  private inColumn = 0;

  /** `perColumn`: values of an axis that one column stands for. */
  constructor(private readonly names: readonly string[], private readonly perColumn: number) {
    this.low = names.map(() => []);
    this.high = names.map(() => []);
  }

  /** Takes one value of each axis. */
  add(row: ArrayLike<number>) {
    const fresh = this.inColumn === 0;
    this.inColumn = (this.inColumn + 1) % Math.max(1, this.perColumn);
    this.names.forEach((_, axis) => {
      const value = row[axis] ?? 0;
      const [low, high] = [this.low[axis] ?? [], this.high[axis] ?? []];
      if (fresh) {
        low.push(value);
        high.push(value);
        if (low.length > COLUMNS) {
          low.shift();
          high.shift();
        }
      } else {
        const last = low.length - 1;
        low[last] = Math.min(low[last] ?? value, value);
        high[last] = Math.max(high[last] ?? value, value);
      }
    });
  }

  drawing(): Drawing {
    return { axes: this.names.map((name, axis) => ({ name, low: this.low[axis] ?? [], high: this.high[axis] ?? [] })) };
  }
}
