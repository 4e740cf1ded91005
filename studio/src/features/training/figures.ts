// What two runs came to, row by row.

/** The part of a run's result that is compared: what `run --json` prints. */
export interface Outcome {
  seed?: number;
  data?: { samples?: number; training?: number; testing?: number };
  test?: Record<'float' | 'int8' | 'c', Record<string, number | null | undefined> | null | undefined> | null;
  verify?: { target: string; flash_bytes?: number | null; ram_bytes?: number | null; instructions?: { dsp?: number; network?: number } | null }[];
}

export interface Row {
  name: string;
  values: [number | undefined, number | undefined];
  /** Second less first. */
  difference: number | undefined;
  /** Whether the second is better; nothing where more is neither. */
  better: boolean | undefined;
  text: (value: number) => string;
}

const share = (v: number) => v.toFixed(4);
const whole = (v: number) => Math.round(v).toLocaleString();
/** Figures of a test: name, key, whether more is better. */
const FIGURES: [string, string, boolean][] = [
  ['accuracy', 'accuracy', true],
  ['precision', 'precision', true],
  ['recall', 'recall', true],
  ['mAP50', 'map50', true],
  ['R²', 'r2', true],
  ['MAE', 'mae', false],
  ['RMSE', 'rmse', false],
  ['AUROC', 'auroc', true],
];

export function figures(outcomes: Outcome[]): Row[] {
  const rows: Row[] = [];
  const add = (name: string, of: (o: Outcome) => number | null | undefined, text: Row['text'], more?: boolean) => {
    const [first, second] = [0, 1].map((n) => outcomes[n] && (of(outcomes[n]) ?? undefined));
    if (first === undefined && second === undefined) return;
    const difference = first === undefined || second === undefined ? undefined : second - first;
    rows.push({ name, values: [first, second], difference, better: more === undefined || !difference ? undefined : difference > 0 === more, text });
  };
  for (const arithmetic of ['float', 'int8', 'c'] as const) {
    for (const [name, key, more] of FIGURES) add(`${arithmetic === 'c' ? 'C' : arithmetic} ${name}`, (o) => o.test?.[arithmetic]?.[key], share, more);
  }
  add('samples', (o) => o.data?.samples, whole);
  const targets = new Set(outcomes.flatMap((o) => (o.verify ?? []).map((v) => v.target)));
  for (const target of targets) {
    const of = (o: Outcome) => o.verify?.find((v) => v.target === target);
    add(`${target} flash, bytes`, (o) => of(o)?.flash_bytes, whole, false);
    add(`${target} RAM, bytes`, (o) => of(o)?.ram_bytes, whole, false);
    add(`${target} instructions`, (o) => {
      const i = of(o)?.instructions;
      return i ? (i.dsp ?? 0) + (i.network ?? 0) : undefined;
    }, whole, false);
  }
  return rows;
}
