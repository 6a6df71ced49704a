// JSON (RFC 8259) as the contract has it: names within an object are unique,
// strings hold no lone surrogate, and numbers keep their digits, which JSON.parse
// would round. An object is a Map, so that its members keep their order and none
// of them can be taken for a prototype.

export const MAX_DEPTH = 100;

// A number, by its text.
export class Num {
  constructor(text) {
    this.text = text;
  }
}

// parse reads one JSON text. maxDepth bounds how deep arrays and objects stand in
// each other.
export function parse(text, maxDepth = MAX_DEPTH) {
  const parser = new Parser(text, maxDepth);
  const value = parser.value(0);
  parser.space();
  if (parser.at < text.length) {
    throw parser.error("one JSON text is to end here");
  }
  return value;
}

export function encode(value) {
  if (value instanceof Num) {
    return value.text;
  }
  if (value instanceof Map) {
    return `{${[...value].map(([name, member]) => `${JSON.stringify(name)}:${encode(member)}`).join(",")}}`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(encode).join(",")}]`;
  }
  return JSON.stringify(value);
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS = new Map([["null", null], ["true", true], ["false", false]]);

class Parser {
  constructor(text, maxDepth) {
    this.text = text;
    this.maxDepth = maxDepth;
    this.at = 0;
  }

  error(what) {
    return new SyntaxError(`JSON at ${this.at}: ${what}`);
  }

  space() {
    while (" \t\r\n".includes(this.text[this.at] ?? "x")) {
      this.at++;
    }
  }

  // take passes a character if it comes next.
  take(character) {
    this.space();
    if (this.text[this.at] !== character) {
      return false;
    }
    this.at++;
    return true;
  }

  expect(character) {
    if (!this.take(character)) {
      throw this.error(`"${character}" is missing`);
    }
  }

  value(depth) {
    this.space();
    const first = this.text[this.at];
    if (first === "{" || first === "[") {
      if (depth >= this.maxDepth) {
        throw this.error(`nested deeper than ${this.maxDepth}`);
      }
      this.at++;
      return first === "{" ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (first === '"') {
      return this.string();
    }
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    NUMBER.lastIndex = this.at;
    const number = NUMBER.exec(this.text);
    if (!number) {
      throw this.error("a value is missing");
    }
    this.at = NUMBER.lastIndex;
    return new Num(number[0]);
  }

  array(depth) {
    const items = [];
    if (this.take("]")) {
      return items;
    }
    do {
      items.push(this.value(depth));
    } while (this.take(","));
    this.expect("]");
    return items;
  }

  object(depth) {
    const members = new Map();
    if (this.take("}")) {
      return members;
    }
    do {
      this.space();
      const name = this.string();
      if (members.has(name)) {
        throw this.error(`name ${JSON.stringify(name)} stands twice in one object`);
      }
      this.expect(":");
      members.set(name, this.value(depth));
    } while (this.take(","));
    this.expect("}");
    return members;
  }

  string() {
    const start = this.at;
    if (this.text[start] !== '"') {
      throw this.error("a string is missing");
    }
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') {
      end += this.text[end] === "\\" ? 2 : 1;
    }
    let value;
    try {
      value = JSON.parse(this.text.slice(start, end + 1));
    } catch {
      throw this.error("the string does not end, or holds what is to be escaped");
    }
    if (/\p{Surrogate}/u.test(value)) {
      throw this.error("the string holds a lone surrogate");
    }
    this.at = end + 1;
    return value;
  }
}
