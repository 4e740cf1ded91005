// Something that is asked of the server: on its way, there, or refused.
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  /** Asks again; what is there stays until the answer comes. */
  reload(): Promise<void>;
}

export function loaded<T>(ask: () => Promise<T>): Loaded<T> {
  let value = $state.raw<T>();
  let error = $state.raw<Error>();
  let loading = $state(true);
  let turn = 0;
  async function reload() {
    const mine = ++turn;
    loading = true;
    try {
      const answer = await ask();
      if (mine === turn) [value, error] = [answer, undefined];
    } catch (e) {
      if (mine === turn) error = e instanceof Error ? e : new Error(String(e));
    } finally {
      if (mine === turn) loading = false;
    }
  }
  void reload();
  return {
    get value() { return value; },
    get error() { return error; },
    get loading() { return loading; },
    reload,
  };
}

/** Words of an error. */
export function words(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}
