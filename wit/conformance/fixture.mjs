// Reads a fixture: the JSON of plugintest.Mail in the Go SDK, which
// "postern plugin fixture MAIL.eml" prints. Beyond it a fixture may have Options,
// what the plugin is configured with. What is left out is empty, as in Go; a
// member that is not known is an error.

import { encode, MAX_DEPTH, Num, parse } from "./json.mjs";
import { parsePointer } from "./payload.mjs";

const ENVELOPE = {
  DeliveryID: text, Tenant: text, Alias: text, MailFrom: text, RcptTo: text, HELO: text, RemoteIP: text, TLS: truth, ReceivedAt: time,
};
const FIELD = { Name: text, Value: text };
const BODY = { Text: text, Truncated: truth };
const ATTACHMENT = { Filename: text, ContentType: text, ContentID: text, Inline: truth, SHA256: text, Content: octets };
const REPORT = { Engine: text, Part: integer, Answer: octets };

const MAIL = {
  Envelope: object(ENVELOPE),
  Headers: list(object(FIELD)),
  Text: optional(object(BODY)),
  HTML: optional(object(BODY)),
  Attachments: list(object(ATTACHMENT)),
  Raw: octets,
  Scans: list(object(REPORT)),
  Payload: (value) => value ?? new Map(),
  Write: list(pointer),
  Read: optional(list(pointer)),
  Options: (value) => (value === undefined ? undefined : encode(value)),
};

// readFixture reads the text of a fixture. Its payload stays what parse gives;
// octets are Buffers, and the time is in milliseconds since the Unix epoch.
export function readFixture(source) {
  // The payload stands one deeper than in itself.
  return object(MAIL)(parse(source, MAX_DEPTH + 1), "fixture");
}

// A reader is called with a value, undefined where it is left out, and the place
// where it stands, for errors.

function wrong(where, wanted) {
  return new TypeError(`${where} is to be ${wanted}`);
}

function object(readers) {
  return (value, where) => {
    const members = value ?? new Map();
    if (!(members instanceof Map)) {
      throw wrong(where, "an object");
    }
    for (const name of members.keys()) {
      if (!Object.hasOwn(readers, name)) {
        throw new TypeError(`${where} has no member ${JSON.stringify(name)}; it has ${Object.keys(readers).join(", ")}`);
      }
    }
    const read = {};
    for (const [name, reader] of Object.entries(readers)) {
      read[name] = reader(members.get(name), `${where}.${name}`);
    }
    return read;
  };
}

function list(reader) {
  return (value, where) => {
    const items = value ?? [];
    if (!Array.isArray(items)) {
      throw wrong(where, "a list");
    }
    return items.map((item, i) => reader(item, `${where}[${i}]`));
  };
}

function optional(reader) {
  return (value, where) => (value === undefined || value === null ? null : reader(value, where));
}

function text(value, where) {
  if (typeof (value ?? "") !== "string") {
    throw wrong(where, "a string");
  }
  return value ?? "";
}

function pointer(value, where) {
  const written = text(value, where);
  try {
    parsePointer(written);
  } catch {
    throw wrong(where, "a JSON Pointer");
  }
  return written;
}

function truth(value, where) {
  if (typeof (value ?? false) !== "boolean") {
    throw wrong(where, "true or false");
  }
  return value ?? false;
}

function integer(value, where) {
  const number = value ?? new Num("0");
  if (!(number instanceof Num && /^-?[0-9]{1,9}$/.test(number.text))) {
    throw wrong(where, "a number");
  }
  return Number(number.text);
}

function octets(value, where) {
  const encoded = text(value, where);
  const decoded = Buffer.from(encoded, "base64");
  if (decoded.toString("base64") !== encoded) {
    throw wrong(where, "octets in base64");
  }
  return decoded;
}

// The zero time of Go, which is long before 1970, is 0.
function time(value, where) {
  const written = text(value, where);
  const milliseconds = written === "" ? 0 : Date.parse(written);
  if (Number.isNaN(milliseconds)) {
    throw wrong(where, "a time, as in 2026-02-12T10:30:00Z");
  }
  return BigInt(Math.max(0, milliseconds));
}
