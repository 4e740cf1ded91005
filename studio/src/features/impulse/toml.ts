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
