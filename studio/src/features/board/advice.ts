// What `data advise --json` tells, and where its learning curve goes on a chart.

export interface Share { windows: number; recordings: number; value: number; low: number; high: number; below: boolean }
export interface Example { sample: string; name: string; start_ms: number; is: string; said: string }
export interface Interval { value: number; low: number; high: number | null }
export interface LearningCurve {
  metric: string;
  windows: number;
  samples: number;
  points: { samples: number; windows: number; figure: number; repeat: number }[];
  law: { floor: number; scale: number; exponent: number } | null;
  expected: [number, Interval][];
  goal: number | null;
  more: Interval | null;
  says: string;
}
export interface Advice {
  says: string[];
  overall: Share | null;
  labels: (Share & { label: string; taken_for: string | null; training_samples: number })[];
  slices: (Share & { key: string; value_of: string; training_samples: number })[];
  regions: (Share & { labels: [string, number][]; share_of_windows: number; share_of_training: number; examples: Example[] })[];
  curve: LearningCurve | null;
}

/** Metrics of which less is better. */
const LESS = ['log_loss', 'ece', 'brier', 'mae', 'rmse'];

export interface Drawn {
  /** Shares of width and height, 0 to 1 from the left and from the top. */
  points: [number, number][];
  line: [number, number][];
  /** Interval of what twice as many samples are expected to bring, as a corner and a size. */
  expected: [number, number, number] | undefined;
  goal: number | undefined;
  most: number;
  low: number;
  high: number;
}

/** Trainings, the law up to twice as many samples, and the goal. */
export function draw(curve: LearningCurve): Drawn {
  const most = Math.max(1, 2 * curve.samples);
  const law = (n: number) => {
    if (!curve.law) return undefined;
    const error = curve.law.floor + curve.law.scale * n ** -curve.law.exponent;
    return LESS.includes(curve.metric) ? error : 1 - error;
  };
  const first = Math.min(...curve.points.map((p) => p.samples), curve.samples);
  const along = Array.from({ length: 41 }, (_, i) => first + ((most - first) * i) / 40).map((n) => [n, law(n)] as const);
  const doubled = curve.expected.at(-1)?.[1];
  const all = [...curve.points.map((p) => p.figure), ...along.flatMap(([, v]) => (v === undefined ? [] : [v])), ...(curve.goal === null ? [] : [curve.goal])];
  let [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low) * 0.1 || 0.05;
  [low, high] = [low - room, high + room];
  const y = (v: number) => Math.min(1, Math.max(0, (high - v) / (high - low)));
  return {
    points: curve.points.map((p) => [p.samples / most, y(p.figure)]),
    line: along.flatMap(([n, v]) => (v === undefined ? [] : [[n / most, y(v)] as [number, number]])),
    expected: doubled ? [1, y(doubled.high ?? doubled.value), y(doubled.low)] : undefined,
    goal: curve.goal === null ? undefined : y(curve.goal),
    most,
    low,
    high,
  };
}
