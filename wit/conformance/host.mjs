// The host's side of the contract over a fixture: one Run for each run.

import { Payload, Refusal } from "./payload.mjs";

const CONFIGURING = "called while the plugin is being configured, when there is no mail";

export class Run {
  dropped = null;
  quarantined = null;
  log = [];
  // While true, every import but log is out of reach.
  configuring = true;
  #output = [];

  constructor(fixture) {
    this.fixture = fixture;
    this.payload = new Payload(fixture.Payload, {
      read: fixture.Read ?? fixture.Write,
      write: fixture.Write,
      parts: fixture.Attachments.length,
    });
  }

  // output takes the octets of standard output and error.
  output(octets) {
    this.#output.push(octets);
  }

  // end makes lines of the log of what was written there.
  end() {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(this.#output));
    for (const line of text.split("\n").map((l) => l.replace(/\r+$/, ""))) {
      if (line !== "") {
        this.log.push({ level: "info", message: line, fields: [] });
      }
    }
  }

  #end(verdict, reason) {
    // The first word counts.
    if (this.dropped === null && this.quarantined === null) {
      this[verdict] = reason;
    }
  }

  // imports are the interfaces of the contract.
  imports() {
    const mail = this.fixture;
    const interfaces = {
      envelope: { get: () => session(mail.Envelope) },
      headers: {
        all: () => mail.Headers.map((field) => ({ name: field.Name, value: field.Value })),
        get: (name) => mail.Headers.filter((field) => sameName(field.Name, name)).map((field) => field.Value),
      },
      body: { text: () => content(mail.Text), html: () => content(mail.HTML) },
      attachments: {
        all: () => mail.Attachments.map(part),
        read(i, offset, length) {
          if (i >= mail.Attachments.length) {
            throw new Refusal("no such attachment");
          }
          return slice(mail.Attachments[i].Content, offset, length);
        },
      },
      raw: {
        size: () => BigInt(mail.Raw.length),
        read: (offset, length) => slice(mail.Raw, offset, length),
      },
      scans: { all: () => mail.Scans.map(report) },
      payload: {
        get: (pointer) => this.payload.get(pointer),
        set: (pointer, value) => this.payload.set(pointer, value),
        remove: (pointer) => this.payload.remove(pointer),
      },
      disposition: {
        drop: (reason) => this.#end("dropped", reason),
        quarantine: (reason) => this.#end("quarantined", reason),
      },
    };
    const imports = {
      "postern:plugin/log": {
        write: (level, message, fields) => void this.log.push({ level, message, fields }),
      },
    };
    for (const [name, functions] of Object.entries(interfaces)) {
      imports[`postern:plugin/${name}`] = this.#guarded(functions);
    }
    return imports;
  }

  // guarded makes functions trap as long as there is no mail.
  #guarded(functions) {
    const guarded = {};
    for (const [name, call] of Object.entries(functions)) {
      guarded[name] = (...args) => {
        if (this.configuring) {
          throw new Error(CONFIGURING);
        }
        return call(...args);
      };
    }
    return guarded;
  }
}

const orNone = (text) => (text === "" ? undefined : text);
const sameName = (a, b) => a.toLowerCase() === b.toLowerCase();
const content = (body) => (body ? { text: body.Text, truncated: body.Truncated } : undefined);

const session = (e) => ({
  deliveryId: e.DeliveryID,
  tenant: e.Tenant,
  alias: e.Alias,
  mailFrom: orNone(e.MailFrom),
  rcptTo: e.RcptTo,
  helo: e.HELO,
  remoteIp: e.RemoteIP,
  tls: e.TLS,
  receivedAt: e.ReceivedAt,
});

const part = (a) => ({
  filename: orNone(a.Filename),
  contentType: a.ContentType,
  size: BigInt(a.Content.length),
  contentId: orNone(a.ContentID),
  inline: a.Inline,
  sha256: a.SHA256,
});

const report = (r) => ({
  engine: r.Engine,
  part: r.Part < 0 ? undefined : r.Part,
  answer: r.Answer.toString(),
});

function slice(octets, offset, length) {
  if (offset > BigInt(octets.length)) {
    throw new Refusal("offset is past the end");
  }
  return new Uint8Array(octets.subarray(Number(offset), Number(offset) + length));
}
