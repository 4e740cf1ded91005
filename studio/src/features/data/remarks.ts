// What was noticed in files that were kept: the same remark about many files is one line.
import type { Schemas } from '../../api/client';

type Remark = Schemas['Remark'];

/** Adds remarks to those that are there. */
export function noted(there: readonly Remark[], more: readonly Remark[]): Remark[] {
  const all = [...there];
  for (const remark of more) {
    const at = all.findIndex((r) => r.kind === remark.kind && r.message === remark.message);
    const same = all[at];
    if (same) all[at] = { ...same, files: same.files + remark.files };
    else all.push(remark);
  }
  return all;
}
