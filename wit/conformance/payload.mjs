// The interface payload of the contract: a document that is edited by JSON
// Pointer (RFC 6901), within what is granted. The gateway has the same in Go, in
// the package document.

import { encode, MAX_DEPTH, Num, parse } from "./json.mjs";

// An answer that the contract has for what a guest may not or cannot do. jco hands
// the payload to the guest; any other error is a trap.
export class Refusal extends Error {
  constructor(payload) {
    super(JSON.stringify(payload));
    this.payload = payload;
  }
}

const FORBIDDEN = { tag: "forbidden" };
const BAD_POINTER = { tag: "bad-pointer" };

// The members of the root that no plugin sets.
const HOST_OWNED = new Set(["id", "schema", "timestamp", "tenant", "envelope", "integrity", "security"]);

// PART stands for the content of an attachment, and counts the attachments.
const PART = "$part";
const ATTACHMENTS = ["message", "attachments"];

export function parsePointer(pointer) {
  if (pointer === "") {
    return [];
  }
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) {
    throw new Refusal(BAD_POINTER);
  }
  return pointer.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const within = (tokens, granted) => granted.length <= tokens.length && granted.every((token, i) => token === tokens[i]);

// index reads the index of an element that is there, in the one form that it has.
function index(array, token) {
  return /^(?:0|[1-9][0-9]*)$/.test(token) && Number(token) < array.length ? Number(token) : undefined;
}

function child(value, token) {
  if (value instanceof Map) {
    return value.get(token);
  }
  return Array.isArray(value) ? value[index(value, token)] : undefined;
}

const find = (root, tokens) => tokens.reduce(child, root);

export class Payload {
  // root is what parse gives. read and write are the granted pointers, parts is
  // the number of attachments.
  constructor(root, { read, write, parts }) {
    this.root = root;
    this.read = read.map(parsePointer);
    this.write = write.map(parsePointer);
    this.parts = parts;
  }

  encode() {
    return encode(this.root);
  }

  get(pointer) {
    const tokens = this.locate(pointer, this.read);
    const value = find(this.root, tokens);
    return value === undefined || tokens.at(-1) === PART ? undefined : encode(value);
  }

  set(pointer, text) {
    const tokens = this.writable(pointer);
    if (HOST_OWNED.has(tokens[0])) {
      throw new Refusal(FORBIDDEN);
    }
    let value;
    try {
      value = parse(text);
      checkParts(value, this.parts);
    } catch (error) {
      throw new Refusal({ tag: "bad-value", val: error.message });
    }
    const undo = put(find(this.root, tokens.slice(0, -1)), tokens.at(-1), value);
    try {
      check(this.root, [], new Set());
    } catch (error) {
      undo();
      throw new Refusal({ tag: "bad-value", val: error.message });
    }
  }

  remove(pointer) {
    const tokens = this.writable(pointer);
    const parent = find(this.root, tokens.slice(0, -1));
    const token = tokens.at(-1);
    if (child(parent, token) === undefined) {
      throw new Refusal(BAD_POINTER);
    }
    if (parent instanceof Map) {
      parent.delete(token);
    } else {
      parent.splice(index(parent, token), 1);
    }
  }

  locate(pointer, granted) {
    const tokens = parsePointer(pointer);
    if (!granted.some((g) => within(tokens, g))) {
      throw new Refusal(FORBIDDEN);
    }
    return tokens;
  }

  // writable locates what is to be changed. The root itself, and the places of
  // attachments' content, are nobody's to change.
  writable(pointer) {
    const tokens = this.locate(pointer, this.write);
    if (tokens.length === 0 || tokens.at(-1) === PART) {
      throw new Refusal(FORBIDDEN);
    }
    return tokens;
  }
}

// put adds or replaces a value, and returns what takes it back.
function put(parent, token, value) {
  if (parent instanceof Map) {
    const before = parent.get(token);
    parent.set(token, value);
    return () => (before === undefined ? parent.delete(token) : parent.set(token, before));
  }
  if (Array.isArray(parent) && token === "-") {
    parent.push(value);
    return () => parent.pop();
  }
  if (Array.isArray(parent) && index(parent, token) !== undefined) {
    const at = index(parent, token);
    const before = parent[at];
    parent[at] = value;
    return () => (parent[at] = before);
  }
  throw new Refusal(BAD_POINTER);
}

// checkParts holds that every PART names an attachment.
function checkParts(value, parts) {
  if (Array.isArray(value)) {
    value.forEach((item) => checkParts(item, parts));
  }
  if (!(value instanceof Map)) {
    return;
  }
  for (const [name, member] of value) {
    if (name !== PART) {
      checkParts(member, parts);
    } else if (!(member instanceof Num && /^[0-9]+$/.test(member.text) && Number(member.text) < parts)) {
      throw new Error(`${PART} is no number below ${parts}`);
    }
  }
}

// check holds the depth, and that the content of each attachment stands at most
// once, within the attachments, and alone.
function check(value, at, used) {
  const nested = Array.isArray(value) || value instanceof Map;
  if (nested && at.length >= MAX_DEPTH) {
    throw new Error(`nested deeper than ${MAX_DEPTH}`);
  }
  if (Array.isArray(value)) {
    value.forEach((item) => check(item, [...at, "-"], used));
  }
  if (!(value instanceof Map)) {
    return;
  }
  for (const [name, member] of value) {
    if (name !== PART) {
      check(member, [...at, name], used);
      continue;
    }
    if (at.length !== ATTACHMENTS.length + 1 || !within(at, ATTACHMENTS)) {
      throw new Error(`${PART} stands outside an attachment`);
    }
    if (used.has(member.text)) {
      throw new Error(`${PART} ${member.text} stands twice`);
    }
    for (const placed of ["content", "url"]) {
      if (value.has(placed)) {
        throw new Error(`an attachment has both ${PART} and ${placed}`);
      }
    }
    used.add(member.text);
  }
}
