// Wraps a plugin into a WebAssembly component by public tools, which checks it
// against the contract, and runs it in Node on fixtures. For each of them it
// prints a line of JSON: what the plugin made of it.
//
//   node conformance.mjs [--options JSON] PLUGIN.wasm FIXTURE.json...

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Component } from "./component.mjs";
import { readFixture } from "./fixture.mjs";

const USAGE = "usage: node conformance.mjs [--options JSON] PLUGIN.wasm FIXTURE.json...";

class Problem extends Error {}

// attempt does a step, and says what it was where it fails.
async function attempt(what, step) {
  try {
    return await step();
  } catch (error) {
    throw new Problem(`${what}: ${error.message ?? error}`);
  }
}

async function main(plugin, files, options) {
  const core = await attempt("read plugin", () => readFile(plugin));
  const fixtures = [];
  for (const file of files) {
    fixtures.push(await attempt(`read fixture ${file}`, async () => readFixture(await readFile(file, "utf8"))));
  }
  const component = await attempt(`${plugin} is no plugin of this contract`, () => Component.wrap(core));
  for (const fixture of fixtures) {
    const { payload, ...result } = await component.run(fixture, fixture.Options ?? options);
    // The payload is JSON already, and its numbers keep their digits.
    const rest = JSON.stringify({ permissions: component.permissions, ...result });
    console.log(`{"payload":${payload},${rest.slice(1)}`);
  }
}

let args;
try {
  args = parseArgs({ options: { options: { type: "string", default: "{}" } }, allowPositionals: true });
  if (args.positionals.length < 2) {
    throw new Error("a plugin and a fixture are needed");
  }
} catch (error) {
  console.error(`${error.message}\n${USAGE}`);
  process.exit(2);
}
try {
  const [plugin, ...files] = args.positionals;
  await main(plugin, files, args.values.options);
} catch (error) {
  if (!(error instanceof Problem)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
