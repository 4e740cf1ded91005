// Where we are: the path of the page. Links are plain links; clicks on them stay in the page.
const place = $state({ path: location.pathname });

export function path(): string {
  return place.path;
}

export function go(to: string) {
  if (to !== location.pathname + location.search) history.pushState(null, '', to);
  place.path = location.pathname;
  document.getElementById('main')?.focus();
}

export function listen() {
  addEventListener('popstate', () => (place.path = location.pathname));
  addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.download || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
    event.preventDefault();
    go(url.pathname + url.search);
    // A part of the same page: its first field is where to go on.
    const part = url.hash ? document.getElementById(url.hash.slice(1)) : null;
    part?.scrollIntoView();
    part?.querySelector<HTMLElement>('textarea, input')?.focus();
  });
}
