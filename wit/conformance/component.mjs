// Makes a component of a plugin by the public tools, and runs it.

import { componentEmbed, componentNew, preview1AdapterReactorPath, transpile } from "@bytecodealliance/jco";
import { readFile, writeFile } from "node:fs/promises";
import { Run } from "./host.mjs";
import { wasi } from "./wasi.mjs";

const CONTRACT = new URL("../plugin.wit", import.meta.url);
const WORLD = "plugin";
const PERMISSION = /^postern:plugin\/(?!log$|types$)/;

// Component is a plugin that was wrapped. Each run is an instance of its own.
export class Component {
  // permissions are the interfaces that the plugin imports, but for log: what it
  // asks for.
  permissions;
  #modules = new Map();
  #instantiate;

  // wrap makes a component of a core module. The tools check the type of every
  // import and export against the contract: a module that differs is an error.
  static async wrap(core) {
    const witSource = await readFile(CONTRACT, "utf8");
    const adapter = await readFile(preview1AdapterReactorPath());
    const embedded = await componentEmbed({ binary: core, witSource, world: WORLD });
    const binary = await componentNew(embedded, [["wasi_snapshot_preview1", adapter]]);
    if (process.env.COMPONENT_FILE) {
      await writeFile(process.env.COMPONENT_FILE, binary);
    }
    const { files, imports } = await transpile(binary, {
      name: WORLD,
      instantiation: "async",
      // An error that the plugin returns and one that ends it are to be told apart.
      noComponentErrorWrapping: false,
      noTypescript: true,
    });
    const component = new Component();
    component.permissions = imports.filter((name) => PERMISSION.test(name)).map((name) => name.replace(PERMISSION, "")).sort();
    for (const [name, content] of Object.entries(files)) {
      if (name.endsWith(".wasm")) {
        component.#modules.set(name, await WebAssembly.compile(content));
      }
    }
    const source = Buffer.from(files[`${WORLD}.js`]).toString("base64");
    component.#instantiate = (await import(`data:text/javascript;base64,${source}`)).instantiate;
    return component;
  }

  // run configures the plugin and runs it on a fixture. Of a run that fails no
  // edit and no verdict stays.
  async run(fixture, options) {
    const run = new Run(fixture);
    const before = run.payload.encode();
    let failed = null;
    try {
      const imports = { ...run.imports(), ...wasi((octets) => run.output(octets)) };
      const { transformer } = await this.#instantiate((name) => this.#modules.get(name), imports);
      call("configure: ", () => transformer.configure(options));
      run.configuring = false;
      call("", () => transformer.transform());
    } catch (error) {
      failed = error;
    }
    run.end();
    const { log } = run;
    if (failed !== null) {
      return { payload: before, dropped: null, quarantined: null, log, error: failed.message, trapped: !(failed instanceof Returned) };
    }
    return { payload: run.payload.encode(), dropped: run.dropped, quarantined: run.quarantined, log, error: null, trapped: false };
  }
}

// An error that the plugin has returned.
class Returned extends Error {}

// call calls an export that returns a result<_, string>.
function call(prefix, exported) {
  try {
    exported();
  } catch (error) {
    if (Object.hasOwn(error, "payload")) {
      throw new Returned(prefix + error.payload);
    }
    throw error;
  }
}
