// Makes my-plugin.wasm: the plugin together with a JavaScript engine, as a WebAssembly
// component.
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const { component } = await componentize({
  sourcePath: 'plugin.js',
  witPath: 'wit',
  worldName: 'project',
  // A plugin has none of these. Left out, the component imports nothing but what
  // wit/world.wit says; with any of them, the gateway refuses it.
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile('my-plugin.wasm', component);
