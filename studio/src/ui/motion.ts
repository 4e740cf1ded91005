// Motion sensors of a phone: acceleration with gravity, and turning where the phone has a gyroscope.

export interface Axis {
  readonly name: string;
  readonly units: string;
}
const ACCELERATION: readonly Axis[] = ['accX', 'accY', 'accZ'].map((name) => ({ name, units: 'm/s2' }));
const TURNING: readonly Axis[] = ['gyrX', 'gyrY', 'gyrZ'].map((name) => ({ name, units: 'deg/s' }));
/** How long a phone may say nothing. */
const SILENCE = 3000;

/** Whether the browser has such sensors at all; whether they say anything is only known when asked. */
export function hasMotion(): boolean {
  return 'DeviceMotionEvent' in window;
}

/** Some seconds of it: when each row came, in ms, and the rows. */
export interface Motion {
  readonly axes: readonly Axis[];
  readonly times: readonly number[];
  readonly rows: readonly (readonly number[])[];
}

/** Records some seconds. Must be called from a click: some phones ask the person first. */
export async function recordMotion(seconds: number, progress: (share: number) => void, felt: (row: readonly number[], axes: readonly Axis[]) => void): Promise<Motion> {
  if (!isSecureContext) throw new Error('the browser gives motion sensors only to this machine or over TLS');
  if (!hasMotion()) throw new Error('this browser has no motion sensors; open the page on a phone');
  const asking = DeviceMotionEvent as unknown as { requestPermission?: () => Promise<string> };
  if (asking.requestPermission && (await asking.requestPermission()) !== 'granted') throw new Error('the browser did not allow motion sensors; allow them for this page and try again');
  return new Promise((done, failed) => {
    let axes: readonly Axis[] = [];
    const times: number[] = [];
    const rows: number[][] = [];
    let watch = setTimeout(silent, SILENCE);
    function end() {
      clearTimeout(watch);
      removeEventListener('devicemotion', take);
    }
    function silent() {
      end();
      failed(new Error('the motion sensors say nothing; open the page on a phone'));
    }
    function take(event: DeviceMotionEvent) {
      const a = event.accelerationIncludingGravity;
      const g = event.rotationRate;
      if (a?.x == null || a.y == null || a.z == null) return;
      const turning = g?.alpha != null && g.beta != null && g.gamma != null ? [g.beta, g.gamma, g.alpha] : [];
      if (rows.length === 0) axes = turning.length > 0 ? [...ACCELERATION, ...TURNING] : ACCELERATION;
      const row = [a.x, a.y, a.z, ...turning].slice(0, axes.length);
      if (row.length < axes.length) return;
      clearTimeout(watch);
      watch = setTimeout(silent, SILENCE);
      times.push(event.timeStamp);
      rows.push(row);
      felt(row, axes);
      const share = (event.timeStamp - (times[0] ?? 0)) / (1000 * seconds);
      progress(Math.min(1, share));
      if (share >= 1) {
        end();
        done({ axes, times, rows });
      }
    }
    addEventListener('devicemotion', take);
  });
}

/** Rows at an even rate from rows at the times they came: straight lines between them. */
export function evened(times: readonly number[], rows: readonly (readonly number[])[], rate: number): number[][] {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return [];
  const count = Math.floor(((last - first) * rate) / 1000 + 1e-6) + 1;
  const out: number[][] = [];
  let k = 0;
  for (let n = 0; n < count; n++) {
    const at = first + (1000 * n) / rate;
    while (k + 2 < times.length && (times[k + 1] ?? 0) <= at) k++;
    const [t0, t1] = [times[k] ?? first, times[k + 1] ?? first];
    const share = t1 > t0 ? Math.min(1, Math.max(0, (at - t0) / (t1 - t0))) : 0;
    const [before, after] = [rows[k] ?? [], rows[k + 1] ?? rows[k] ?? []];
    out.push(before.map((v, axis) => v + share * ((after[axis] ?? v) - v)));
  }
  return out;
}

/** An acquisition document of even rows. */
export function acquisition(axes: readonly Axis[], rows: readonly (readonly number[])[], rate: number, device: string): Blob {
  const document = {
    protected: { ver: 'v1', alg: 'none' },
    signature: '0'.repeat(64),
    payload: { device_type: device, interval_ms: 1000 / rate, sensors: axes, values: rows },
  };
  return new Blob([JSON.stringify(document)], { type: 'application/json' });
}
