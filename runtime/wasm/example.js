// Classifies windows: node example.js [FILE of float32 windows]. Prints the outputs of each as JSON.
'use strict';
const fs = require('fs');
const path = require('path');
const { load, properties } = require('./@P@.js');

(async () => {
  const read = (name) => fs.readFileSync(path.join(__dirname, name));
  const classifier = await load(read('@P@.wasm'), process.env.NO_SIMD ? undefined : read('@P@-simd.wasm'));
  let values = new Float32Array(properties.window_len);
  if (process.argv[2]) {
    const bytes = fs.readFileSync(process.argv[2]);
    values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }
  for (let at = 0; at + properties.window_len <= values.length; at += properties.window_len) {
    const { outputs } = classifier.classify(values.subarray(at, at + properties.window_len));
    console.log(JSON.stringify(Array.from(outputs)));
  }
})().catch((e) => { console.error(e); process.exit(1); });
