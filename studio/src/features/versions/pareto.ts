// Where the runs of a project stand on a chart of a cost and a metric, and the line through those that no other beats.
import type { Schemas } from '../../api/client';

export type Axis = Schemas['CostAxis'];
export interface Point {
  run: Schemas['ParetoRun'];
  /** Share of the width from the left, and of the height from the top: 0 to 1. */
  x: number;
  y: number;
  cost: number;
  figure: number;
  front: boolean;
}
export interface Chart {
  points: Point[];
  /** Corners of the line: it goes along a cost until something better can be had. */
  line: [number, number][];
  least: [number, number];
  most: [number, number];
}

export const COSTS: Record<Axis, [string, string]> = {
  flash: ['flash', 'bytes'],
  ram: ['RAM', 'bytes'],
  instructions: ['instructions', 'a window'],
};
const of = (cost: Schemas['RunCost'], axis: Axis) =>
  axis === 'flash' ? cost.flash_bytes : axis === 'ram' ? cost.ram_bytes : cost.instructions;

/** Ends of an axis around some values, with a little room. */
function ends(values: number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (most - least) * 0.08 || Math.abs(most) * 0.08 || 1;
  return [least - room, most + room];
}

export function chart(told: Schemas['Pareto'], axis: Axis): Chart {
  const known = told.runs.flatMap((run) => {
    const cost = run[told.basis];
    return cost && run.figure !== null && run.figure !== undefined ? [{ run, cost: of(cost, axis), figure: run.figure }] : [];
  });
  if (known.length === 0) return { points: [], line: [], least: [0, 0], most: [1, 1] };
  const [left, right] = ends(known.map((k) => k.cost));
  const [low, high] = ends(known.map((k) => k.figure));
  const points = known.map((k) => ({
    ...k,
    x: (k.cost - left) / (right - left),
    // The better end is always above.
    y: told.more_is_better ? (high - k.figure) / (high - low) : (k.figure - low) / (high - low),
    front: k.run.front_of.includes(axis),
  }));
  const front = points.filter((p) => p.front).sort((a, b) => a.x - b.x || b.y - a.y);
  const line: [number, number][] = [];
  for (const p of front) {
    const before = line.at(-1);
    line.push(...(before ? [[p.x, before[1]] as [number, number]] : [[p.x, 1] as [number, number]]), [p.x, p.y]);
  }
  const last = line.at(-1);
  if (last) line.push([1, last[1]]);
  return { points, line, least: [left, low], most: [right, high] };
}
