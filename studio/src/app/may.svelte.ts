// What whoever is signed in may do. The server decides; pages leave out what it would refuse.
import type { Schemas } from '../api/client';

let change = $state(true);
let own = $state(true);
export const may = {
  /** Whether samples, settings and jobs may be changed. */
  get change() { return change; },
  /** Whether accounts, keys and webhooks may be made. */
  get own() { return own; },
};

export function signedIn(session: Schemas['Session']) {
  change = session.scope === 'full' && session.role !== 'viewer';
  own = session.scope === 'full' && (!session.role || session.role === 'owner') && !session.project;
}
