// The part of WASI 0.2 that a plugin has: clock, random numbers, standard output
// and error, and exit. There are no files, no arguments, no environment, and the
// standard input is empty. The adapter that jco brings turns the WASI preview 1 of
// a plugin into this.

import { randomBytes } from "node:crypto";

// The end of a guest that called exit.
export class Exit extends Error {
  constructor(status) {
    super(status.tag === "ok" ? "it exited" : "it exited with an error");
  }
}

// Nanoseconds.
const monotonic = () => process.hrtime.bigint();

class Pollable {
  constructor(when = 0n) {
    this.when = when;
  }

  ready() {
    return monotonic() >= this.when;
  }

  block() {
    const milliseconds = Number(this.when - monotonic()) / 1e6;
    if (milliseconds > 0) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    }
  }
}

class InputStream {
  read() {
    throw { tag: "closed" };
  }

  blockingRead() {
    throw { tag: "closed" };
  }

  subscribe() {
    return new Pollable();
  }
}

class OutputStream {
  constructor(write) {
    this.write = write;
  }

  checkWrite() {
    return 4096n;
  }

  blockingWriteAndFlush(octets) {
    this.write(octets);
  }

  blockingFlush() {}

  subscribe() {
    return new Pollable();
  }
}

// Resources that no function here ever gives out.
class Descriptor {}
class IOError {}
class TerminalInput {}
class TerminalOutput {}

// wasi returns the imports. output is called with the octets of standard output
// and error.
export function wasi(output) {
  const stream = () => new OutputStream((octets) => output(Uint8Array.from(octets)));
  return {
    "wasi:cli/environment": { getArguments: () => [], getEnvironment: () => [] },
    "wasi:cli/exit": {
      exit(status) {
        throw new Exit(status);
      },
    },
    "wasi:cli/stdin": { getStdin: () => new InputStream() },
    "wasi:cli/stdout": { getStdout: stream },
    "wasi:cli/stderr": { getStderr: stream },
    "wasi:cli/terminal-input": { TerminalInput },
    "wasi:cli/terminal-output": { TerminalOutput },
    "wasi:cli/terminal-stdin": { getTerminalStdin: () => undefined },
    "wasi:cli/terminal-stdout": { getTerminalStdout: () => undefined },
    "wasi:cli/terminal-stderr": { getTerminalStderr: () => undefined },
    "wasi:clocks/monotonic-clock": {
      now: monotonic,
      subscribeInstant: (when) => new Pollable(when),
      subscribeDuration: (duration) => new Pollable(monotonic() + duration),
    },
    "wasi:clocks/wall-clock": {
      now() {
        const now = Date.now();
        return { seconds: BigInt(Math.floor(now / 1000)), nanoseconds: (now % 1000) * 1e6 };
      },
    },
    "wasi:filesystem/preopens": { getDirectories: () => [] },
    "wasi:filesystem/types": { Descriptor, filesystemErrorCode: () => undefined },
    "wasi:io/error": { Error: IOError },
    "wasi:io/poll": {
      Pollable,
      poll(list) {
        list.reduce((first, other) => (other.when < first.when ? other : first)).block();
        return Uint32Array.from(list.keys()).filter((i) => list[i].ready());
      },
    },
    "wasi:io/streams": { InputStream, OutputStream },
    "wasi:random/random": { getRandomBytes: (length) => new Uint8Array(randomBytes(Number(length))) },
  };
}
