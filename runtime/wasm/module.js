// A classifier for browsers and Node.js. `load(bytes, simdBytes)` takes the module as bytes and, if given, the one with SIMD
// instructions where the engine has them. Both give the same bits.
(function (root, factory) {
  if (typeof module === 'object' && module.exports) module.exports = factory();
  else root.@P@ = factory();
})(typeof self !== 'undefined' ? self : this, function () {
  'use strict';
  const properties = @PROPERTIES@;
  // (module (func (result v128) i32.const 0 i8x16.splat))
  const probe = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]);
  const simd = () => WebAssembly.validate(probe);

  async function load(bytes, simdBytes) {
    const chosen = simdBytes && simd() ? simdBytes : bytes;
    const { instance } = await WebAssembly.instantiate(chosen, {});
    const { memory, window, outputs, classify } = instance.exports;
    return {
      properties,
      // From the values of a window to the outputs of all learning blocks, and by name.
      classify(values) {
        if (values.length !== properties.window_len) {
          throw new RangeError(`${values.length} values instead of ${properties.window_len}`);
        }
        new Float32Array(memory.buffer, window(), properties.window_len).set(values);
        const status = classify();
        if (status !== 0) throw new Error(`classification failed with ${status}`);
        const raw = Float32Array.from(new Float32Array(memory.buffer, outputs(), properties.output_count));
        const named = {};
        properties.outputs.forEach((name, i) => { named[name] = raw[i]; });
        return { outputs: raw, named };
      },
    };
  }
  return { load, properties, simd };
});
