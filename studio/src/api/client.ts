// The one way to the server. Paths, parameters, bodies and answers are those of the OpenAPI document (types.ts is made from it).
import type { components, paths } from './types';

export type Schemas = components['schemas'];
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type With<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Json<R> = R extends { content: { 'application/json': infer T } } ? T : undefined;
type Answer<O> = O extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202 | 204)]> : never;
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? { body: B } : { body?: undefined };
type Part<O, K extends string> = O extends { parameters: infer A } ? (K extends keyof A ? A[K] : undefined) : undefined;
type PathPart<T> = T extends object ? { path: T } : { path?: undefined };
type QueryPart<T> = T extends object ? { query?: T } : { query?: undefined };
type Options<O> = BodyOf<O> & PathPart<Part<O, 'path'>> & QueryPart<Part<O, 'query'>> & { headers?: Record<string, string> };

/** An error of the server, with its stable code. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** The address of an operation, for links and event streams. */
export function address(path: string, names: Record<string, string> = {}, query: Record<string, unknown> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ''));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== null) search.set(key, String(value));
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

let whenSignedOut = () => {};
/** What to do when the server no longer knows us. */
export function onSignedOut(action: () => void) {
  whenSignedOut = action;
}

async function problem(response: Response): Promise<ApiProblem> {
  const text = await response.text();
  try {
    const told = JSON.parse(text) as Schemas['Problem'];
    return new ApiProblem(response.status, told.code, told.detail);
  } catch {
    return new ApiProblem(response.status, 'unreadable', `the server answered ${response.status} ${response.statusText}`);
  }
}

let key = '';
/** With which key this page calls from now on, in place of a session. */
export function callWith(given: string) {
  key = given;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    const headers = { ...(init.headers as Record<string, string> | undefined), ...(key ? { 'x-api-key': key } : {}) };
    response = await fetch(url, { ...init, headers, credentials: 'same-origin' });
  } catch {
    throw new ApiProblem(0, 'unreachable', 'the server does not answer; is `edgewright serve` still running?');
  }
  if (response.ok) return response;
  const failure = await problem(response);
  if (failure.status === 401) whenSignedOut();
  throw failure;
}

/** Calls an operation. */
export async function api<M extends Method, P extends With<M>>(
  method: M,
  path: P,
  ...rest: Options<Operation<P, M>> extends { path?: undefined; body?: undefined } ? [options?: Options<Operation<P, M>>] : [options: Options<Operation<P, M>>]
): Promise<Answer<Operation<P, M>>> {
  const options = (rest[0] ?? {}) as { path?: Record<string, string>; query?: Record<string, unknown>; body?: unknown; headers?: Record<string, string> };
  const init: RequestInit = { method: method.toUpperCase(), headers: { ...options.headers } };
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { ...init.headers, 'content-type': 'application/json' };
  }
  const response = await send(address(path, options.path, options.query), init);
  return (response.status === 204 ? undefined : await response.json()) as Answer<Operation<P, M>>;
}

/** Files of this size and more go in pieces, each of which may be tried again. */
const PIECE = 8 << 20;
const TRIES = 6;

/** Sends a large file in pieces and goes on where it was when the connection breaks. */
async function inPieces(project: string, file: Blob, query: Record<string, unknown>): Promise<Schemas['ImportResult']> {
  const { name, ...how } = query;
  const begun = await api('post', '/api/v1/projects/{project}/uploads', { path: { project }, body: { name: String(name), size: file.size } });
  const path = { project, upload: begun.id };
  let offset = 0;
  for (let tries = 0; offset < file.size; ) {
    const url = address('/api/v1/projects/{project}/uploads/{upload}', path, { offset });
    try {
      const response = await send(url, { method: 'PUT', body: file.slice(offset, offset + PIECE), headers: { 'content-type': 'application/octet-stream' } });
      offset = ((await response.json()) as Schemas['Upload']).received;
      tries = 0;
    } catch (e) {
      if (++tries === TRIES || (e instanceof ApiProblem && e.status !== 0 && e.code !== 'changed')) throw e;
      await new Promise((on) => setTimeout(on, 500 * 2 ** tries));
      // The server knows how much has arrived; while it cannot be reached, the next try finds out.
      offset = await api('get', '/api/v1/projects/{project}/uploads/{upload}', { path }).then((u) => u.received, () => offset);
    }
  }
  const response = await send(address('/api/v1/projects/{project}/uploads/{upload}/finish', path, how), { method: 'POST' });
  return (await response.json()) as Schemas['ImportResult'];
}

/** Sends a file as it is: the browser reads it piece by piece. */
export async function upload(project: string, file: Blob, query: Record<string, unknown>): Promise<Schemas['ImportResult']> {
  if (file.size >= PIECE && !query['delimiter']) return inPieces(project, file, query);
  const url = address('/api/v1/projects/{project}/samples', { project }, query);
  const response = await send(url, { method: 'POST', body: file, headers: { 'content-type': 'application/octet-stream' } });
  return (await response.json()) as Schemas['ImportResult'];
}

/** What would become of a table, or of its beginning. */
export async function previewTable(project: string, start: Blob, query: Record<string, unknown>): Promise<Schemas['TablePreview']> {
  const url = address('/api/v1/projects/{project}/table', { project }, query);
  const response = await send(url, { method: 'POST', body: start, headers: { 'content-type': 'application/octet-stream' } });
  return (await response.json()) as Schemas['TablePreview'];
}

/** What the trained impulse says of a file. */
export async function classify(project: string, file: Blob, name: string): Promise<Schemas['ClassifyResult']> {
  const url = address('/api/v1/projects/{project}/classify', { project }, { name });
  const response = await send(url, { method: 'POST', body: file, headers: { 'content-type': 'application/octet-stream' } });
  return (await response.json()) as Schemas['ClassifyResult'];
}

/** Follows a job until it ends. Returns what stops following. */
export function follow(project: string, job: string, on: { job: (job: Schemas['Job']) => void; log?: (entry: Schemas['LogEntry']) => void; lost?: () => void }): () => void {
  const source = new EventSource(address('/api/v1/projects/{project}/jobs/{job}/events', { project, job }));
  source.addEventListener('job', (event) => {
    const told = JSON.parse((event as MessageEvent<string>).data) as Schemas['Job'];
    on.job(told);
    // The stream ends after the job; without this the browser would open it again.
    if (isFinal(told)) source.close();
  });
  source.addEventListener('log', (event) => on.log?.(JSON.parse((event as MessageEvent<string>).data) as Schemas['LogEntry']));
  source.addEventListener('error', () => on.lost?.());
  return () => source.close();
}

export function isFinal(job: Schemas['Job']): boolean {
  return job.state === 'done' || job.state === 'failed' || job.state === 'cancelled';
}

/** The edit that brings a sample back to what it is now. */
export function asItWas(s: Schemas['Sample']): Schemas['SampleEdit'] {
  const said = s.ranges.length > 0 ? { ranges: s.ranges } : { label: s.label ?? '' };
  const boxes = s.boxes ? { boxes: s.boxes } : { forget_boxes: true };
  return { ids: [s.id], ...said, ...boxes, category: s.category, disabled: s.disabled };
}

/** The label of a sample, or those of its parts or of the objects in it. */
export function labelText(s: Schemas['Sample']): string {
  return s.label ?? [...new Set([...s.ranges, ...(s.boxes ?? [])].map((r) => r.label))].join(', ');
}
