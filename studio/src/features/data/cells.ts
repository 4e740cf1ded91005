// The first lines of a text table as people see them, before the server reads it.

/** The character between cells: the one that occurs most in the first line. */
export function delimiter(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  const counted = [',', ';', '\t', '|'].map((c) => [c, line.split(c).length] as const);
  const best = counted.reduce((a, b) => (b[1] > a[1] ? b : a));
  return best[1] > 1 ? best[0] : ',';
}

/** Lines in cells. Quotes are taken off; a line break inside quotes is not looked for. */
export function cells(text: string, between: string, lines: number): string[][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(0, lines)
    .map((line) => {
      const found: string[] = [];
      let cell = '';
      let quoted = false;
      for (let i = 0; i < line.length; i++) {
        const c = line[i] as string;
        if (c === '"') {
          if (quoted && line[i + 1] === '"') cell += line[i++];
          else quoted = !quoted;
        } else if (c === between && !quoted) {
          found.push(cell.trim());
          cell = '';
        } else cell += c;
      }
      found.push(cell.trim());
      return found;
    });
}

/** Whether the first line looks like names: none of its cells is a number. */
export function named(first: string[]): boolean {
  return first.length > 0 && first.every((c) => c === '' || Number.isNaN(Number(c)));
}
