// What is needed to classify something that goes on: the last seconds of sound, and the scores since a while ago.

/** The last samples of a stream. */
export class Ring {
  private readonly samples: Float32Array;
  private at = 0;
  private filled = 0;

  constructor(length: number) {
    this.samples = new Float32Array(Math.max(1, length));
  }

  add(block: Float32Array) {
    // Of a block longer than all that is kept only the end counts.
    for (const v of block.subarray(Math.max(0, block.length - this.samples.length))) {
      this.samples[this.at] = v;
      this.at = (this.at + 1) % this.samples.length;
    }
    this.filled = Math.min(this.samples.length, this.filled + block.length);
  }

  /** How many samples there are. */
  get length(): number {
    return this.filled;
  }

  /** The last `count`, the oldest first; those that never came are silent and come first. */
  last(count: number): Float32Array {
    const out = new Float32Array(count);
    const have = Math.min(count, this.filled);
    for (let i = 0; i < have; i++) out[count - have + i] = this.samples[(this.at - have + i + this.samples.length) % this.samples.length] ?? 0;
    return out;
  }
}

/** Scores at one moment. */
export interface Moment {
  /** In ms. */
  readonly at: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly anomaly?: number | null | undefined;
}

/** Adds a moment and forgets those older than `span` ms. */
export function remembered(moments: readonly Moment[], next: Moment, span: number): Moment[] {
  return [...moments.filter((m) => m.at > next.at - span), next];
}
