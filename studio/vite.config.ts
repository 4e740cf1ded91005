import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// `npm run dev` talks to a server started with `edgewright serve --no-open`.
export default defineConfig({
  plugins: [svelte()],
  build: { target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: false, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': 'http://127.0.0.1:4800', '/sign-in': 'http://127.0.0.1:4800' } },
});
