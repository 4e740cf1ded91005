// A canvas that is drawn again when it changes size, its data change, or the colours do.
export interface Pen {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  colour(name: string): string;
}

export function drawn<T>(draw: (pen: Pen, data: T) => void) {
  return (canvas: HTMLCanvasElement, data: T) => {
    let now = data;
    const paint = () => {
      const { width, height } = canvas.getBoundingClientRect();
      const scale = devicePixelRatio || 1;
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
      const context = canvas.getContext('2d');
      if (!context || width === 0) return;
      context.scale(scale, scale);
      // A colour of the page, as the browser computes it for this theme.
      const colour = (name: string) => {
        canvas.style.color = `var(--${name})`;
        return getComputedStyle(canvas).color;
      };
      draw({ context, width, height, colour }, now);
    };
    const size = new ResizeObserver(paint);
    size.observe(canvas);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    theme.addEventListener('change', paint);
    const chosen = new MutationObserver(paint);
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return {
      update(next: T) {
        now = next;
        paint();
      },
      destroy() {
        size.disconnect();
        chosen.disconnect();
        theme.removeEventListener('change', paint);
      },
    };
  };
}
