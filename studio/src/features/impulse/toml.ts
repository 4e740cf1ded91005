// Sets one key of a TOML text and leaves everything else as it is, comments too. The server checks the result.

/** Text with `key = value` in `[section]`; `null` takes the key out. */
export function setKey(text: string, section: string, key: string, value: string | null): string {
  const lines = text.split('\n');
  const header = `[${section}]`;
  let at = lines.findIndex((line) => bare(line) === header);
  if (at < 0) {
    if (value === null) return text;
    const gap = text.endsWith('\n') || text === '' ? '' : '\n';
    return `${text}${gap}\n${header}\n${key} = ${value}\n`;
  }
  const start = at;
  const pattern = new RegExp(`^\\s*${key.replace(/[^\w-]/g, '')}\\s*=`);
  for (at += 1; at < lines.length && !/^\s*\[/.test(lines[at] ?? ''); at++) {
    const line = lines[at] ?? '';
    if (!pattern.test(line)) continue;
    if (value === null) lines.splice(at, 1);
    else lines[at] = `${key} = ${value}${comment(line)}`;
    return lines.join('\n');
  }
  if (value !== null) lines.splice(start + 1, 0, `${key} = ${value}`);
  return lines.join('\n');
}

function bare(line: string): string {
  return line.replace(/#.*$/, '').trim();
}

/** The comment at the end of a line, with the space before it; `#` inside quotes is none. */
function comment(line: string): string {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quote) {
      if (c === '\\' && quote === '"') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '#') return line.slice(line.slice(0, i).trimEnd().length);
  }
  return '';
}

/** The line after the value that begins at line `at`: a list may run over several. */
function valueEnd(lines: string[], at: number): number {
  let depth = 0;
  for (let i = at; i < lines.length; i++) {
    let quote = '';
    for (const c of lines[i] ?? '') {
      if (quote) {
        if (c === quote) quote = '';
      } else if (c === '"' || c === "'") quote = c;
      else if (c === '#') break;
      else if (c === '[' || c === '{') depth++;
      else if (c === ']' || c === '}') depth--;
    }
    if (depth <= 0) return i + 1;
  }
  return at + 1;
}

/** Where the `n`th table of an array begins, where its own keys end, and where it ends with the tables below it. */
function tableAt(lines: string[], name: string, n: number): { start: number; keys: number; end: number } | undefined {
  let seen = -1;
  const start = lines.findIndex((line) => bare(line) === `[[${name}]]` && ++seen === n);
  if (start < 0) return undefined;
  const heading = (at: number) => /^\[{1,2}[A-Za-z_"']/.test(bare(lines[at] ?? ''));
  let keys = start + 1;
  while (keys < lines.length && !heading(keys)) keys++;
  let end = keys;
  while (end < lines.length && (!heading(end) || bare(lines[end] ?? '').replace(/^\[+/, '').startsWith(`${name}.`))) end++;
  return { start, keys, end };
}

/** Text with `key = value` in the `n`th `[[name]]`; `null` takes the key out. */
export function setIn(text: string, name: string, n: number, key: string, value: string | null): string {
  const lines = text.split('\n');
  const at = tableAt(lines, name, n);
  if (!at) return text;
  const pattern = new RegExp(`^\\s*${key.replace(/[^\w-]/g, '')}\\s*=`);
  for (let i = at.start + 1; i < at.keys; i++) {
    const line = lines[i] ?? '';
    if (!pattern.test(line)) continue;
    const end = valueEnd(lines, i);
    if (value === null) lines.splice(i, end - i);
    else lines.splice(i, end - i, `${key} = ${value}${end === i + 1 ? comment(line) : ''}`);
    return lines.join('\n');
  }
  if (value !== null) lines.splice(at.start + 1, 0, `${key} = ${value}`);
  return lines.join('\n');
}

/** Text with another `[[name]]` after the last one, or at the end. */
export function addTable(text: string, name: string, body: string[]): string {
  const lines = text.split('\n');
  let last: { end: number } | undefined;
  for (let n = 0, at = tableAt(lines, name, 0); at; at = tableAt(lines, name, ++n)) last = at;
  let where = last?.end ?? lines.length;
  while (where > 0 && lines[where - 1]?.trim() === '') where--;
  lines.splice(where, 0, '', `[[${name}]]`, ...body);
  if (!last) lines.push('');
  return lines.join('\n').replace(/\n+$/, '\n');
}

/** Text without the `n`th `[[name]]` and the tables below it. */
export function removeTable(text: string, name: string, n: number): string {
  const lines = text.split('\n');
  const at = tableAt(lines, name, n);
  if (!at) return text;
  lines.splice(at.start, at.end - at.start);
  return lines.join('\n');
}

/** Text without the tables `[[name.sub]]` that belong to the `n`th `[[name]]`. */
export function removeBelow(text: string, name: string, n: number, sub: string): string {
  const lines = text.split('\n');
  const at = tableAt(lines, name, n);
  if (!at) return text;
  const kept: string[] = [];
  let inside = false;
  for (let i = at.keys; i < at.end; i++) {
    const head = bare(lines[i] ?? '').replace(/^\[+|\]+$/g, '');
    if (/^\[{1,2}[A-Za-z_"']/.test(bare(lines[i] ?? ''))) inside = head === `${name}.${sub}` || head.startsWith(`${name}.${sub}.`);
    if (!inside) kept.push(lines[i] ?? '');
  }
  lines.splice(at.keys, at.end - at.keys, ...kept);
  return lines.join('\n');
}
