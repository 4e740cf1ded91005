// Lines of a chart of 480 by 160, with the ends of both axes.

export interface Series { name: string; points: [number, number][] }
export interface Drawn { paths: string[]; left: number; right: number; low: number; high: number }

export function lines(series: readonly Series[]): Drawn {
  const all = series.flatMap((s) => s.points).filter((p) => p.every(Number.isFinite));
  const ends = (n: 0 | 1): [number, number] => {
    let [least, most] = [Infinity, -Infinity];
    for (const p of all) [least, most] = [Math.min(least, p[n]), Math.max(most, p[n])];
    if (least > most) return [0, 1];
    return least === most ? [least - 0.5, most + 0.5] : [least, most];
  };
  const [[left, right], [low, high]] = [ends(0), ends(1)];
  const at = ([x, y]: [number, number]) => `${(4 + ((x - left) / (right - left)) * 472).toFixed(1)},${(4 + ((high - y) / (high - low)) * 152).toFixed(1)}`;
  return { paths: series.map((s) => s.points.filter((p) => p.every(Number.isFinite)).map(at).join(' ')), left, right, low, high };
}
