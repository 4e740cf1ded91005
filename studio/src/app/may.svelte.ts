// What whoever is signed in may do. The server decides; pages leave out what it would refuse.
import type { Schemas } from '../api/client';

let change = $state(true);
export const may = {
  /** Whether samples, settings and jobs may be changed. */
  get change() { return change; },
};

export function signedIn(session: Schemas['Session']) {
  change = session.scope === 'full' && session.role !== 'viewer';
}
