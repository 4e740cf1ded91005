// A cloud of points in the plane or in space, drawn by WebGL; where a point is on the screen, and what lies within an outline.
export interface View {
  /** Turned around the upright axis and tilted, in radians; both 0 looks at the plane of the first two axes. */
  yaw: number;
  tilt: number;
  zoom: number;
  x: number;
  y: number;
}
export type Place = readonly [number, number];

export const START: View = { yaw: 0, tilt: 0, zoom: 1, x: 0, y: 0 };
/** Share of the screen that the cloud takes up. */
const REACH = 0.94;

/** Colours that are told apart, also by people who see few. */
export function hue(n: number): string {
  return `hsl(${(n * 137.5 + 165) % 360} 62% 48%)`;
}

/** The same as red, green and blue from 0 to 255. */
export function rgb(n: number): [number, number, number] {
  const h = ((n * 137.5 + 165) % 360) / 30;
  const part = (k: number) => {
    const at = (k + h) % 12;
    return Math.round(255 * (0.48 - 0.62 * 0.48 * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** Three columns as x, y, z of each point, each axis from -1 to 1. */
export function packed(columns: readonly (readonly number[])[]): Float32Array<ArrayBuffer> {
  const count = columns[0]?.length ?? 0;
  const out = new Float32Array(3 * count);
  columns.forEach((column, axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (const v of column) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
    const scale = high > low ? 2 / (high - low) : 0;
    column.forEach((v, n) => (out[3 * n + axis] = scale ? (v - low) * scale - 1 : 0));
  });
  return out;
}

/** The rotation, row by row. */
function turned({ yaw, tilt }: View): number[] {
  const [cy, sy, ct, st] = [Math.cos(yaw), Math.sin(yaw), Math.cos(tilt), Math.sin(tilt)];
  return [cy, 0, sy, st * sy, ct, -st * cy, -ct * sy, st, ct * cy];
}

/** Where each point is on the screen: x to the right and y upwards, both from -1 to 1 at the edges. */
export function onScreen(points: Float32Array, view: View): Float32Array {
  const m = turned(view);
  const out = new Float32Array((2 * points.length) / 3);
  for (let n = 0, i = 0; i < points.length; n += 2, i += 3) {
    const [x, y, z] = [points[i]!, points[i + 1]!, points[i + 2]!];
    out[n] = (m[0]! * x + m[1]! * y + m[2]! * z) * REACH * view.zoom + view.x;
    out[n + 1] = (m[3]! * x + m[4]! * y + m[5]! * z) * REACH * view.zoom + view.y;
  }
  return out;
}

/** The point nearest to a place on the screen and no farther away than `most`, or -1. */
export function under(screen: Float32Array, [x, y]: Place, most: number): number {
  let [best, least] = [-1, most * most];
  for (let n = 0; n < screen.length; n += 2) {
    const d = (screen[n]! - x) ** 2 + (screen[n + 1]! - y) ** 2;
    if (d < least) [best, least] = [n / 2, d];
  }
  return best;
}

/** Points within an outline. */
export function within(screen: Float32Array, outline: readonly Place[]): number[] {
  const found: number[] = [];
  for (let n = 0; n < screen.length; n += 2) {
    const [x, y] = [screen[n]!, screen[n + 1]!];
    let inside = false;
    for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
      const [[xi, yi], [xj, yj]] = [outline[i]!, outline[j]!];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
    if (inside) found.push(n / 2);
  }
  return found;
}

/** The points nearest to one of them along all three axes as they were given, the nearest first. */
export function neighbours(columns: readonly (readonly number[])[], of: number, count: number, fits: (n: number) => boolean): number[] {
  const distance = (n: number) => columns.reduce((sum, c) => sum + (c[n]! - c[of]!) ** 2, 0);
  const near: [number, number][] = [];
  for (let n = 0; n < (columns[0]?.length ?? 0); n++) {
    if (n === of || !fits(n)) continue;
    const d = distance(n);
    if (near.length === count && d >= near[count - 1]![0]) continue;
    near.push([d, n]);
    near.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    near.length = Math.min(near.length, count);
  }
  return near.map(([, n]) => n);
}

const VERTEX = `#version 300 es
in vec3 at;
in vec4 look;
uniform mat3 turn;
uniform vec2 reach;
uniform vec2 shift;
uniform float size;
out vec3 colour;
void main() {
  vec3 p = turn * at;
  gl_Position = vec4(p.xy * reach + shift, p.z * -0.5, 1.0);
  gl_PointSize = size * (1.0 + look.a);
  colour = look.rgb;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 colour;
out vec4 seen;
void main() {
  vec2 d = gl_PointCoord - 0.5;
  if (dot(d, d) > 0.25) discard;
  seen = vec4(colour, 1.0);
}`;

/** Draws a cloud on a canvas. Throws where the browser has no WebGL 2. */
export class Cloud {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  #count = 0;
  readonly #buffers: WebGLBuffer[];

  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext('webgl2', { antialias: false, alpha: true });
    if (!gl) throw new Error('this browser has no WebGL 2');
    this.#gl = gl;
    this.#program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(kind);
      if (!shader) throw new Error('WebGL makes no shader');
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
    }
    gl.linkProgram(this.#program);
    if (!gl.getProgramParameter(this.#program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(this.#program) ?? 'WebGL refuses its program');
    gl.useProgram(this.#program);
    this.#buffers = ([['at', 3, gl.FLOAT], ['look', 4, gl.UNSIGNED_BYTE]] as const).map(([name, size, type]) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      const place = gl.getAttribLocation(this.#program, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, type, type === gl.UNSIGNED_BYTE, 0, 0);
      return buffer;
    });
    gl.enable(gl.DEPTH_TEST);
    // Points at the same depth: the later one is seen, as it is drawn last.
    gl.depthFunc(gl.LEQUAL);
  }

  #fill(which: 0 | 1, data: ArrayBufferView<ArrayBuffer>) {
    this.#gl.bindBuffer(this.#gl.ARRAY_BUFFER, this.#buffers[which]!);
    this.#gl.bufferData(this.#gl.ARRAY_BUFFER, data, this.#gl.DYNAMIC_DRAW);
  }
  /** x, y, z of each point. */
  points(at: Float32Array<ArrayBuffer>) {
    this.#count = at.length / 3;
    this.#fill(0, at);
  }
  /** Red, green, blue and 255 for chosen ones, of each point. */
  looks(look: Uint8Array<ArrayBuffer>) {
    this.#fill(1, look);
  }
  draw(view: View, width: number, height: number) {
    const gl = this.#gl;
    const scale = devicePixelRatio || 1;
    const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    if (gl.canvas.width !== w || gl.canvas.height !== h) [gl.canvas.width, gl.canvas.height] = [w, h];
    gl.viewport(0, 0, w, h);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const uniform = (name: string) => gl.getUniformLocation(this.#program, name);
    gl.uniformMatrix3fv(uniform('turn'), true, turned(view));
    gl.uniform2f(uniform('reach'), REACH * view.zoom, REACH * view.zoom);
    gl.uniform2f(uniform('shift'), view.x, view.y);
    gl.uniform1f(uniform('size'), (this.#count > 20_000 ? 2.5 : this.#count > 2_000 ? 4 : 6) * scale);
    gl.drawArrays(gl.POINTS, 0, this.#count);
  }
  free() {
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}
